//! The event log: which operations write to it, and which viewers can read which events.

mod indexes;
mod lists;
mod pages;
mod replay;
mod visibility;
mod written;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use guildhall::domain::UserId;
use guildhall::domain::ids::TypedId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::org_fixture::bucket;
use crate::support::stream::text;
use crate::support::{Answer, Office, Person, TestApp};

/// The mutations that ran, and the event types that each of them wrote.
struct Story {
    office: Office,
    written: BTreeMap<String, Vec<String>>,
}

impl Story {
    /// Runs `done`, checks that its new events have the actor `by`, records their types, and returns the payload.
    async fn record(&mut self, name: &str, by: Option<&Person>, done: impl Future<Output = Answer>) -> Value {
        let app = &self.office.app;
        let last = app.number("SELECT coalesce(max(sequence), 0) FROM events").await;
        let payload = done.await.done();
        let by = by.map(|by| format!("'{}'", Uuid::from(UserId::parse(&by.id).expect("an ID"))));
        let others = format!(
            "SELECT type FROM events WHERE sequence > {last} AND actor_id IS DISTINCT FROM {}",
            by.as_deref().unwrap_or("NULL")
        );
        assert_eq!(app.texts(&others).await, [] as [&str; 0], "{name}: another actor");
        let written = app.texts(&format!("SELECT type FROM events WHERE sequence > {last} ORDER BY sequence")).await;
        self.written.entry(name.to_owned()).or_default().extend(written);
        payload
    }

    async fn run(&mut self, by: &Person, name: &str, input: Value, fields: &str) -> Value {
        let by = by.clone();
        let fields = if fields.is_empty() { "clientMutationId" } else { fields };
        let actor = by.clone();
        self.record(name, Some(&actor), async move { by.mutate(name, input, fields).await }).await
    }

    async fn run_anonymously(&mut self, name: &str, input: Value, fields: &str) -> Value {
        let router = self.office.app.router.clone();
        let fields = if fields.is_empty() { "clientMutationId" } else { fields };
        let document = crate::support::actors::document(name, fields);
        let variables = json!({ "input": input });
        self.record(name, None, async move { crate::support::graphql::send(&router, None, &document, variables).await })
            .await
    }
}

/// Runs every mutation at least once, successfully.
async fn story() -> Story {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let (owner, id) = (office.owner.clone(), office.id.clone());
    let (max, wim, wes) = (office.maintainer.clone(), office.worker.clone(), office.other.clone());
    let (eve, root) = (office.stranger.clone(), office.admin.clone());
    let wim_membership = office.membership(&wim).await;
    let max_membership = office.membership(&max).await;
    let wes_membership = office.membership(&wes).await;
    let mut s = Story { office, written: BTreeMap::new() };

    // Accounts.
    let (password, address) = ("a long password of nobody", "new@example.org");
    let up = json!({ "username": "newcomer", "email": address, "password": password });
    let session = "session { accessToken refreshToken }";
    s.run_anonymously("signUp", up, session).await;
    let signed_in =
        s.run_anonymously("signIn", json!({ "login": "newcomer", "password": password }), session).await["session"]
            .clone();
    let newcomer = s.office.app.holder("newcomer", text(&signed_in, "accessToken"));
    let refreshed = json!({ "refreshToken": signed_in["refreshToken"] });
    let session = s.run_anonymously("refreshSession", refreshed, session).await["session"].clone();
    s.office.app.env.clock.advance(TimeDelta::minutes(2));
    s.run(&newcomer, "resendVerificationEmail", json!({}), "").await;
    let token = s.office.app.token_to(address).await;
    s.run(&newcomer, "verifyEmail", json!({ "token": token }), "").await;
    s.run(&newcomer, "updateProfile", json!({ "displayName": "New" }), "").await;
    let changed = json!({ "email": "newer@example.org", "password": password });
    s.run(&newcomer, "changeEmail", changed, "").await;
    s.run(
        &newcomer,
        "changePassword",
        json!({ "currentPassword": password, "newPassword": "another long password" }),
        "",
    )
    .await;
    s.run_anonymously("requestPasswordReset", json!({ "email": address }), "").await;
    let token = s.office.app.token_to(address).await;
    s.run_anonymously("signOut", json!({ "refreshToken": session["refreshToken"] }), "").await;
    s.run_anonymously("resetPassword", json!({ "token": token, "newPassword": "a third long password" }), "").await;
    s.run(&wim, "selectWorkspace", json!({ "workspaceId": id }), "").await;
    let again = s
        .run_anonymously(
            "signIn",
            json!({ "login": "newcomer", "password": "a third long password" }),
            "session { accessToken }",
        )
        .await;
    let newcomer = s.office.app.holder("newcomer", text(&again["session"], "accessToken"));
    s.run(&newcomer, "deleteAccount", json!({ "confirmUsername": "newcomer" }), "").await;

    // Resources.
    let storage = s.run(&owner, "createCloudStorage", bucket(&id), "cloudStorage { id }").await;
    let storage = text(&storage["cloudStorage"], "id");
    s.run(&owner, "updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": "Other" }), "").await;
    let project = json!({ "workspaceId": id, "name": "P", "assigneeId": wim.id });
    let project = s.run(&owner, "createProject", project, "project { id }").await;
    let project = text(&project["project"], "id");
    s.run(&owner, "updateProject", json!({ "projectId": project, "sourceStorageId": storage }), "").await;
    let task = json!({ "projectId": project, "name": "T", "jobCount": 2, "assigneeId": wes.id });
    let task = s.run(&owner, "createTask", task, "task { id }").await;
    let task = text(&task["task"], "id");
    s.run(&owner, "updateTask", json!({ "taskId": task, "name": "U" }), "").await;
    let job = s.office.jobs().await.pop().expect("a job");
    s.run(&owner, "updateJob", json!({ "jobId": job, "state": "IN_PROGRESS", "assigneeId": wim.id }), "").await;
    let second = ["createTask", "deleteResource"];
    let gone = s.run(&owner, second[0], json!({ "workspaceId": id, "name": "gone" }), "task { id }").await;
    s.run(&owner, second[1], json!({ "resourceId": gone["task"]["id"] }), "").await;

    // Members, invitations, ownership.
    let created = s.run(&owner, "createOrganization", json!({ "slug": "second" }), "organization { id }").await;
    let other = text(&created["organization"], "id");
    s.run(&owner, "updateOrganization", json!({ "organizationId": other, "name": "Second" }), "").await;
    let moved = json!({ "resourceIds": [project], "destinationWorkspaceId": other, "storage": "DETACH" });
    s.run(&owner, "transferResources", moved, "").await;
    let invite = |email: String| json!({ "organizationId": id, "invitees": [{ "email": email, "role": "WORKER" }] });
    let invited = "results { invitation { id } }";
    let mut invitations = Vec::new();
    for email in [eve.email(), "a@example.org".into(), root.email()] {
        let payload = s.run(&owner, "inviteMembers", invite(email), invited).await;
        invitations.push(text(&payload["results"][0]["invitation"], "id"));
    }
    s.office.app.env.clock.advance(TimeDelta::minutes(2));
    let named = |n: usize| json!({ "invitationId": invitations[n] });
    s.run(&owner, "resendInvitation", named(1), "").await;
    s.run(&owner, "revokeInvitation", named(1), "").await;
    s.run(&eve, "acceptInvitation", named(0), "").await;
    s.run(&root, "declineInvitation", named(2), "").await;
    s.run(&owner, "changeMemberRole", json!({ "membershipId": wim_membership, "role": "SUPERVISOR" }), "").await;
    // Resources that departing members own or are assigned to.
    let sue = s.office.supervisor.clone();
    let project = json!({ "workspaceId": id, "name": "Sue's", "assigneeId": wim.id });
    let project = s.run(&sue, "createProject", project, "project { id }").await;
    let task = json!({ "projectId": project["project"]["id"], "name": "Hers", "jobCount": 2, "assigneeId": wes.id });
    s.run(&sue, "createTask", task, "task { id }").await;
    let mut jobs = s.office.jobs().await;
    let jobs = jobs.split_off(jobs.len() - 2);
    for (job, assignee) in jobs.iter().zip([&wes, &sue]) {
        let input = json!({ "jobId": job, "stage": "VALIDATION", "assigneeId": assignee.id });
        s.run(&sue, "updateJob", input, "").await;
    }
    s.run(&owner, "removeMember", json!({ "membershipId": wes_membership }), "").await;
    s.run(&eve, "leaveOrganization", json!({ "organizationId": id }), "").await;
    s.run(&sue, "leaveOrganization", json!({ "organizationId": id }), "").await;
    for (answerer, answer) in [(&owner, "cancelOwnershipOffer"), (&max, "declineOwnership"), (&max, "acceptOwnership")]
    {
        let offer = json!({ "membershipId": max_membership });
        let offer = s.run(&owner, "offerOwnership", offer, "ownershipOffer { id }").await;
        s.run(answerer, answer, json!({ "ownershipOfferId": offer["ownershipOffer"]["id"] }), "").await;
    }
    s.run(&max, "changePlan", json!({ "workspaceId": id, "tier": "TEAM", "interval": "MONTH" }), "").await;
    s.run(&max, "cancelPlan", json!({ "workspaceId": id }), "").await;
    let confirmed = json!({ "organizationId": other, "confirmSlug": "second" });
    s.run(&owner, "deleteOrganization", confirmed, "").await;
    s.run(&owner, "restoreOrganization", json!({ "organizationId": other }), "").await;
    s
}

fn uuid(person: &Person) -> Uuid {
    UserId::parse(&person.id).expect("an ID").into()
}

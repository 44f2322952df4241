//! The event log: which operations write to it, and which viewers can read which events.

mod lists;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{
    CloudStorageId, InvitationId, JobId, MembershipId, OrganizationId, OwnershipOfferId, ProjectId, TaskId, UserId,
};
use guildhall::operations::maintenance::expire_invitations::expire_invitations;
use guildhall::operations::maintenance::expire_ownership_offers::expire_ownership_offers;
use guildhall::operations::maintenance::expire_plans::expire_plans;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::org_fixture::bucket;
use crate::support::stream::{events_of, text};
use crate::support::{Answer, Office, Person, TestApp};

/// The mutations that ran, and the event types that each of them wrote.
struct Story {
    office: Office,
    told: BTreeMap<String, Vec<String>>,
}

impl Story {
    /// Runs `done`, checks that its new events have the actor `by`, records their types, and returns the payload.
    async fn note(&mut self, name: &str, by: Option<&Person>, done: impl Future<Output = Answer>) -> Value {
        let app = &self.office.app;
        let last = app.number("SELECT coalesce(max(sequence), 0) FROM events").await;
        let payload = done.await.done();
        let by = by.map(|by| format!("'{}'", Uuid::from(UserId::parse(&by.id).expect("an ID"))));
        let others = format!(
            "SELECT type FROM events WHERE sequence > {last} AND actor_id IS DISTINCT FROM {}",
            by.as_deref().unwrap_or("NULL")
        );
        assert_eq!(app.texts(&others).await, [] as [&str; 0], "{name}: who did it");
        let told = app.texts(&format!("SELECT type FROM events WHERE sequence > {last} ORDER BY sequence")).await;
        self.told.entry(name.to_owned()).or_default().extend(told);
        payload
    }

    async fn does(&mut self, by: &Person, name: &str, input: Value, fields: &str) -> Value {
        let by = by.clone();
        let fields = if fields.is_empty() { "clientMutationId" } else { fields };
        let actor = by.clone();
        self.note(name, Some(&actor), async move { by.mutate(name, input, fields).await }).await
    }

    async fn nobody_does(&mut self, name: &str, input: Value, fields: &str) -> Value {
        let router = self.office.app.router.clone();
        let fields = if fields.is_empty() { "clientMutationId" } else { fields };
        let document = crate::support::actors::document(name, fields);
        let variables = json!({ "input": input });
        self.note(name, None, async move { crate::support::graphql::send(&router, None, &document, variables).await })
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
    let mut s = Story { office, told: BTreeMap::new() };

    // Accounts.
    let (password, address) = ("a long password of nobody", "new@example.org");
    let up = json!({ "username": "newcomer", "email": address, "password": password });
    let session = "session { accessToken refreshToken }";
    s.nobody_does("signUp", up, session).await;
    let signed_in =
        s.nobody_does("signIn", json!({ "login": "newcomer", "password": password }), session).await["session"].clone();
    let newcomer = s.office.app.holder("newcomer", text(&signed_in, "accessToken"));
    let refreshed = json!({ "refreshToken": signed_in["refreshToken"] });
    let session = s.nobody_does("refreshSession", refreshed, session).await["session"].clone();
    s.office.app.env.clock.advance(TimeDelta::minutes(2));
    s.does(&newcomer, "resendVerificationEmail", json!({}), "").await;
    let token = s.office.app.token_to(address).await;
    s.does(&newcomer, "verifyEmail", json!({ "token": token }), "").await;
    s.does(&newcomer, "updateProfile", json!({ "displayName": "New" }), "").await;
    let changed = json!({ "email": "newer@example.org", "password": password });
    s.does(&newcomer, "changeEmail", changed, "").await;
    s.does(
        &newcomer,
        "changePassword",
        json!({ "currentPassword": password, "newPassword": "another long password" }),
        "",
    )
    .await;
    s.nobody_does("requestPasswordReset", json!({ "email": address }), "").await;
    let token = s.office.app.token_to(address).await;
    s.nobody_does("signOut", json!({ "refreshToken": session["refreshToken"] }), "").await;
    s.nobody_does("resetPassword", json!({ "token": token, "newPassword": "a third long password" }), "").await;
    s.does(&wim, "selectWorkspace", json!({ "workspaceId": id }), "").await;
    let again = s
        .nobody_does(
            "signIn",
            json!({ "login": "newcomer", "password": "a third long password" }),
            "session { accessToken }",
        )
        .await;
    let newcomer = s.office.app.holder("newcomer", text(&again["session"], "accessToken"));
    s.does(&newcomer, "deleteAccount", json!({ "confirmUsername": "newcomer" }), "").await;

    // Resources.
    let storage = s.does(&owner, "createCloudStorage", bucket(&id), "cloudStorage { id }").await;
    let storage = text(&storage["cloudStorage"], "id");
    s.does(&owner, "updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": "Other" }), "").await;
    let project = json!({ "workspaceId": id, "name": "P", "assigneeId": wim.id });
    let project = s.does(&owner, "createProject", project, "project { id }").await;
    let project = text(&project["project"], "id");
    s.does(&owner, "updateProject", json!({ "projectId": project, "sourceStorageId": storage }), "").await;
    let task = json!({ "projectId": project, "name": "T", "jobCount": 2, "assigneeId": wes.id });
    let task = s.does(&owner, "createTask", task, "task { id }").await;
    let task = text(&task["task"], "id");
    s.does(&owner, "updateTask", json!({ "taskId": task, "name": "U" }), "").await;
    let job = s.office.jobs().await.pop().expect("a job");
    s.does(&owner, "updateJob", json!({ "jobId": job, "state": "IN_PROGRESS", "assigneeId": wim.id }), "").await;
    let second = ["createTask", "deleteResource"];
    let gone = s.does(&owner, second[0], json!({ "workspaceId": id, "name": "gone" }), "task { id }").await;
    s.does(&owner, second[1], json!({ "resourceId": gone["task"]["id"] }), "").await;

    // Members, invitations, ownership.
    let created = s.does(&owner, "createOrganization", json!({ "slug": "second" }), "organization { id }").await;
    let other = text(&created["organization"], "id");
    s.does(&owner, "updateOrganization", json!({ "organizationId": other, "name": "Second" }), "").await;
    let moved = json!({ "resourceIds": [project], "destinationWorkspaceId": other, "storage": "DETACH" });
    s.does(&owner, "transferResources", moved, "").await;
    let invite = |email: String| json!({ "organizationId": id, "invitees": [{ "email": email, "role": "WORKER" }] });
    let invited = "results { invitation { id } }";
    let mut invitations = Vec::new();
    for email in [eve.email(), "a@example.org".into(), root.email()] {
        let payload = s.does(&owner, "inviteMembers", invite(email), invited).await;
        invitations.push(text(&payload["results"][0]["invitation"], "id"));
    }
    s.office.app.env.clock.advance(TimeDelta::minutes(2));
    let named = |n: usize| json!({ "invitationId": invitations[n] });
    s.does(&owner, "resendInvitation", named(1), "").await;
    s.does(&owner, "revokeInvitation", named(1), "").await;
    s.does(&eve, "acceptInvitation", named(0), "").await;
    s.does(&root, "declineInvitation", named(2), "").await;
    s.does(&owner, "changeMemberRole", json!({ "membershipId": wim_membership, "role": "SUPERVISOR" }), "").await;
    // Resources that departing members own or are assigned to.
    let sue = s.office.supervisor.clone();
    let project = json!({ "workspaceId": id, "name": "Sue's", "assigneeId": wim.id });
    let project = s.does(&sue, "createProject", project, "project { id }").await;
    let task = json!({ "projectId": project["project"]["id"], "name": "Hers", "jobCount": 2, "assigneeId": wes.id });
    s.does(&sue, "createTask", task, "task { id }").await;
    let mut jobs = s.office.jobs().await;
    let jobs = jobs.split_off(jobs.len() - 2);
    for (job, assignee) in jobs.iter().zip([&wes, &sue]) {
        let input = json!({ "jobId": job, "stage": "VALIDATION", "assigneeId": assignee.id });
        s.does(&sue, "updateJob", input, "").await;
    }
    s.does(&owner, "removeMember", json!({ "membershipId": wes_membership }), "").await;
    s.does(&eve, "leaveOrganization", json!({ "organizationId": id }), "").await;
    s.does(&sue, "leaveOrganization", json!({ "organizationId": id }), "").await;
    for (answerer, answer) in [(&owner, "cancelOwnershipOffer"), (&max, "declineOwnership"), (&max, "acceptOwnership")]
    {
        let offer = json!({ "membershipId": max_membership });
        let offer = s.does(&owner, "offerOwnership", offer, "ownershipOffer { id }").await;
        s.does(answerer, answer, json!({ "ownershipOfferId": offer["ownershipOffer"]["id"] }), "").await;
    }
    s.does(&max, "changePlan", json!({ "workspaceId": id, "tier": "TEAM", "interval": "MONTH" }), "").await;
    s.does(&max, "cancelPlan", json!({ "workspaceId": id }), "").await;
    let confirmed = json!({ "organizationId": other, "confirmSlug": "second" });
    s.does(&owner, "deleteOrganization", confirmed, "").await;
    s.does(&owner, "restoreOrganization", json!({ "organizationId": other }), "").await;
    s
}

const OF_ACCOUNTS: &[&str] = &[
    "signUp",
    "signIn",
    "refreshSession",
    "signOut",
    "verifyEmail",
    "resendVerificationEmail",
    "requestPasswordReset",
    "resetPassword",
    "changePassword",
    "updateProfile",
    "changeEmail",
    "deleteAccount",
    "selectWorkspace",
];

/// The event types that each of the other mutations writes in [`story`].
const WRITTEN: &[(&str, &[&str])] = &[
    ("createOrganization", &["ORGANIZATION_CREATED", "MEMBER_JOINED"]),
    ("updateOrganization", &["ORGANIZATION_UPDATED"]),
    ("deleteOrganization", &["ORGANIZATION_DELETION_SCHEDULED"]),
    ("restoreOrganization", &["ORGANIZATION_RESTORED"]),
    ("inviteMembers", &["INVITATION_CREATED"]),
    ("resendInvitation", &["INVITATION_RESENT"]),
    ("revokeInvitation", &["INVITATION_REVOKED"]),
    ("acceptInvitation", &["INVITATION_ACCEPTED", "MEMBER_JOINED"]),
    ("declineInvitation", &["INVITATION_DECLINED"]),
    ("changeMemberRole", &["MEMBER_ROLE_CHANGED"]),
    ("removeMember", &["MEMBER_REMOVED", "TASK_UPDATED", "JOB_UPDATED"]),
    ("leaveOrganization", &["MEMBER_LEFT", "PROJECT_UPDATED", "TASK_UPDATED", "JOB_UPDATED"]),
    ("offerOwnership", &["OWNERSHIP_OFFERED"]),
    ("cancelOwnershipOffer", &["OWNERSHIP_OFFER_RESOLVED"]),
    ("declineOwnership", &["OWNERSHIP_OFFER_RESOLVED"]),
    ("acceptOwnership", &["OWNERSHIP_OFFER_RESOLVED", "OWNERSHIP_TRANSFERRED", "MEMBER_ROLE_CHANGED"]),
    ("createProject", &["PROJECT_CREATED"]),
    ("updateProject", &["PROJECT_UPDATED"]),
    ("createTask", &["TASK_CREATED", "JOB_CREATED"]),
    ("updateTask", &["TASK_UPDATED"]),
    ("updateJob", &["JOB_UPDATED", "TASK_UPDATED"]),
    ("createCloudStorage", &["CLOUD_STORAGE_CREATED"]),
    ("updateCloudStorage", &["CLOUD_STORAGE_UPDATED"]),
    ("deleteResource", &["TASK_DELETED", "JOB_DELETED"]),
    ("transferResources", &["RESOURCE_MOVED_OUT", "RESOURCE_MOVED_IN"]),
    ("changePlan", &["PLAN_CHANGED"]),
    ("cancelPlan", &["PLAN_CHANGED"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutations_write_their_events_except_for_account_mutations() {
    let story = story().await;
    let data = story.office.app.nobody("{ __schema { mutationType { fields { name } } } }").await.data();
    let served = data["__schema"]["mutationType"]["fields"].as_array().expect("fields");
    let served: BTreeSet<String> = served.iter().map(|field| text(field, "name")).collect();
    assert_eq!(story.told.keys().cloned().collect::<BTreeSet<_>>(), served, "each was done");
    let silent: BTreeSet<&str> =
        story.told.iter().filter(|(_, told)| told.is_empty()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(silent, OF_ACCOUNTS.iter().copied().collect());
    for (mutation, kinds) in WRITTEN {
        let told: BTreeSet<&str> = story.told[*mutation].iter().map(String::as_str).collect();
        assert_eq!(told, kinds.iter().copied().collect(), "{mutation}");
    }
    assert_eq!(WRITTEN.len() + OF_ACCOUNTS.len(), story.told.len());
    story.office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_jobs_write_events_without_an_actor() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let app = &office.app;
    let team = json!({ "workspaceId": office.id, "tier": "TEAM", "interval": "MONTH" });
    office.owner.mutate("changePlan", team, "clientMutationId").await.done();
    office.owner.mutate("cancelPlan", json!({ "workspaceId": office.id }), "clientMutationId").await.done();
    office.owner.invites(&office.id, "late@example.org", "WORKER").await;
    let offer = json!({ "membershipId": office.membership(&office.worker).await });
    office.owner.mutate("offerOwnership", offer, "clientMutationId").await.done();
    let doomed = office.owner.creates("doomed").await;
    let confirmed = json!({ "organizationId": doomed, "confirmSlug": "doomed" });
    office.owner.mutate("deleteOrganization", confirmed, "clientMutationId").await.done();
    app.env.clock.advance(TimeDelta::days(40));
    assert_eq!(expire_invitations(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(expire_ownership_offers(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(expire_plans(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(purge_organizations(&app.env.store, &app.env.clock).await.ok(), Some(1));
    let told = app.texts("SELECT type FROM events WHERE actor_id IS NULL ORDER BY sequence").await;
    assert_eq!(told, ["INVITATION_EXPIRED", "OWNERSHIP_OFFER_RESOLVED", "PLAN_CHANGED", "ORGANIZATION_DELETED"]);
    office.app.close().await;
}

/// State that is rebuilt from events alone.
#[derive(Default)]
struct Replayed {
    members: BTreeMap<String, String>,
    /// Owner of each organization.
    owners: BTreeMap<String, String>,
    organizations: BTreeMap<String, String>,
    offers: BTreeMap<String, String>,
    plans: BTreeMap<String, String>,
    /// Owner and assignee of each resource.
    people: BTreeMap<String, (String, Option<String>)>,
    invitations: BTreeMap<String, String>,
    resources: BTreeMap<String, String>,
    jobs: BTreeMap<String, (String, String, Option<String>)>,
}

impl Replayed {
    /// Applies one event. `actor` is the ID of a user, or empty.
    fn add(&mut self, workspace: &str, kind: &str, subject: &str, changes: &Value, actor: &str) {
        let after = |field: &str| {
            let changes = changes.as_array().expect("changes");
            changes
                .iter()
                .find(|change| change["field"] == field)
                .map(|change| change["after"].as_str().map(str::to_owned))
        };
        let subject = subject.to_owned();
        match kind {
            "PROJECT_CREATED" | "TASK_CREATED" | "CLOUD_STORAGE_CREATED" => {
                self.people.insert(subject.clone(), (actor.to_owned(), after("assignee").flatten()));
            }
            "PROJECT_UPDATED" | "TASK_UPDATED" | "CLOUD_STORAGE_UPDATED" | "RESOURCE_MOVED_IN" => {
                let people = self.people.get_mut(&subject).expect("a resource");
                people.0 = after("owner").flatten().unwrap_or(people.0.clone());
                people.1 = after("assignee").unwrap_or(people.1.clone());
            }
            "PROJECT_DELETED" | "TASK_DELETED" | "CLOUD_STORAGE_DELETED" => {
                self.people.remove(&subject).expect("a resource");
            }
            "ORGANIZATION_CREATED" | "ORGANIZATION_RESTORED" => {
                self.organizations.insert(subject.clone(), "ACTIVE".to_owned());
            }
            "ORGANIZATION_DELETION_SCHEDULED" => {
                self.organizations.insert(subject.clone(), "PENDING_DELETION".to_owned());
            }
            "OWNERSHIP_OFFERED" => {
                self.offers.insert(subject.clone(), "PENDING".to_owned());
            }
            "OWNERSHIP_OFFER_RESOLVED" => {
                self.offers.insert(subject.clone(), after("status").flatten().expect("a status")).expect("an offer");
            }
            "PLAN_CHANGED" => {
                if let Some(tier) = after("plan.tier").flatten() {
                    self.plans.insert(workspace.to_owned(), tier);
                }
            }
            _ => {}
        }
        match kind {
            "MEMBER_JOINED" | "MEMBER_ROLE_CHANGED" => {
                let role = after("role").flatten().expect("a role");
                if kind == "MEMBER_JOINED" && role == "OWNER" {
                    self.owners.insert(workspace.to_owned(), actor.to_owned());
                }
                self.members.insert(subject, role);
            }
            "MEMBER_REMOVED" | "MEMBER_LEFT" => {
                self.members.remove(&subject).expect("a member");
            }
            "OWNERSHIP_TRANSFERRED" => {
                self.owners.insert(workspace.to_owned(), after("owner").flatten().expect("an owner"));
            }
            "INVITATION_CREATED" | "INVITATION_RESENT" => {
                self.invitations.insert(subject, "PENDING".to_owned());
            }
            "INVITATION_ACCEPTED" | "INVITATION_DECLINED" | "INVITATION_REVOKED" | "INVITATION_EXPIRED" => {
                self.invitations.insert(subject, kind.trim_start_matches("INVITATION_").to_owned()).expect("pending");
            }
            "PROJECT_CREATED" | "TASK_CREATED" | "CLOUD_STORAGE_CREATED" | "RESOURCE_MOVED_IN" => {
                self.resources.insert(subject, workspace.to_owned());
            }
            "PROJECT_DELETED" | "TASK_DELETED" | "CLOUD_STORAGE_DELETED" | "RESOURCE_MOVED_OUT" => {
                assert_eq!(self.resources.remove(&subject).as_deref(), Some(workspace));
            }
            "JOB_CREATED" => {
                self.jobs.insert(subject, ("ANNOTATION".to_owned(), "NEW".to_owned(), None));
            }
            "JOB_UPDATED" => {
                let job = self.jobs.get_mut(&subject).expect("a job");
                job.0 = after("stage").flatten().unwrap_or(job.0.clone());
                job.1 = after("state").flatten().unwrap_or(job.1.clone());
                job.2 = after("assignee").unwrap_or(job.2.clone());
            }
            "JOB_DELETED" => {
                self.jobs.remove(&subject).expect("a job");
            }
            _ => {}
        }
    }
}

fn shown<I: TypedId>(uuid: &Option<String>) -> String {
    I::from(Uuid::parse_str(uuid.as_deref().expect("an ID")).expect("a UUID")).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_replay_rebuilds_the_tables() {
    let story = story().await;
    let app = &story.office.app;
    let mut replayed = Replayed::default();
    let log = "SELECT workspace_id::text, type, subject_id, changes::text, actor_id::text FROM events ORDER BY transaction_id, sequence";
    for row in app.rows(log).await {
        let [workspace, kind, subject, changes, actor] = row.try_into().expect("five");
        let changes = serde_json::from_str(&changes.expect("changes")).expect("JSON");
        let actor = actor.map(|actor| shown::<UserId>(&Some(actor))).unwrap_or_default();
        replayed.add(&workspace.expect("one"), &kind.expect("one"), &subject.expect("one"), &changes, &actor);
    }
    let pairs = async |sql: &str, id: fn(&Option<String>) -> String| -> BTreeMap<String, String> {
        app.rows(sql).await.into_iter().map(|row| (id(&row[0]), row[1].clone().expect("a value"))).collect()
    };
    let members = pairs("SELECT id::text, role::text FROM memberships", shown::<MembershipId>).await;
    assert_eq!(replayed.members, members);
    let invitations = pairs("SELECT id::text, status::text FROM invitations", shown::<InvitationId>).await;
    assert_eq!(replayed.invitations, invitations);
    let mut resources = pairs("SELECT id::text, workspace_id::text FROM projects", shown::<ProjectId>).await;
    resources.extend(pairs("SELECT id::text, workspace_id::text FROM tasks", shown::<TaskId>).await);
    resources.extend(pairs("SELECT id::text, workspace_id::text FROM cloud_storages", shown::<CloudStorageId>).await);
    assert!(resources.len() >= 3);
    assert_eq!(replayed.resources, resources);
    let owners = app.rows("SELECT id::text, owner_id::text FROM organizations").await;
    let owner = |row: Vec<Option<String>>| (row[0].clone().expect("one"), shown::<UserId>(&row[1]));
    assert_eq!(replayed.owners, owners.into_iter().map(owner).collect::<BTreeMap<_, _>>());
    let organizations = pairs("SELECT id::text, status::text FROM organizations", shown::<OrganizationId>).await;
    assert_eq!(replayed.organizations, organizations);
    let offers = pairs("SELECT id::text, status::text FROM ownership_offers", shown::<OwnershipOfferId>).await;
    assert_eq!(replayed.offers, offers);
    let plans = pairs("SELECT workspace_id::text, tier::text FROM plans", |id| id.clone().expect("one")).await;
    assert_eq!(replayed.plans, plans);
    let mut people = BTreeMap::new();
    let tables = [
        ("projects", "assignee_id::text", shown::<ProjectId> as fn(&Option<String>) -> String),
        ("tasks", "assignee_id::text", shown::<TaskId> as fn(&Option<String>) -> String),
        ("cloud_storages", "NULL", shown::<CloudStorageId> as fn(&Option<String>) -> String),
    ];
    for (table, assignee, id) in tables {
        for row in app.rows(&format!("SELECT id::text, owner_id::text, {assignee} FROM {table}")).await {
            let assignee = row[2].as_ref().map(|_| shown::<UserId>(&row[2]));
            people.insert(id(&row[0]), (shown::<UserId>(&row[1]), assignee));
        }
    }
    assert_eq!(replayed.people, people);
    // The columns that queries filter by: concerned people, addresses of invitations, and people tied to resources.
    let unconcerned = "SELECT count(*) FROM memberships m WHERE NOT EXISTS (SELECT FROM events e
        WHERE e.person_id = m.user_id AND e.type = 'MEMBER_JOINED' AND e.workspace_id = m.organization_id)";
    assert_eq!(app.number(unconcerned).await, 0);
    let unaddressed = "SELECT count(*) FROM events WHERE type LIKE 'INVITATION_%' AND email IS NULL";
    assert_eq!(app.number(unaddressed).await, 0);
    let mut tied = BTreeMap::<String, BTreeSet<String>>::new();
    let ties = "SELECT subject_id, array_to_string(tied_ids, ',') FROM events ORDER BY transaction_id, sequence";
    for row in app.rows(ties).await {
        let [subject, ids] = row.try_into().expect("two");
        let ids = ids.unwrap_or_default();
        let ids = ids.split(',').filter(|id| !id.is_empty()).map(|id| shown::<UserId>(&Some(id.to_owned()))).collect();
        tied.insert(subject.expect("one"), ids);
    }
    for (resource, (owner, assignee)) in &people {
        assert!([Some(owner), assignee.as_ref()].into_iter().flatten().all(|named| tied[resource].contains(named)));
    }
    let jobs = "SELECT id::text, stage::text, state::text, assignee_id::text, workspace_id::text FROM jobs";
    let here = Uuid::from(OrganizationId::parse(&story.office.id).expect("an ID")).to_string();
    let mut present = BTreeMap::new();
    for row in app.rows(jobs).await {
        let id = shown::<JobId>(&row[0]);
        if row[4].as_deref() != Some(&here) {
            // A transfer clears the assignees of jobs, but writes events for the project and its tasks only.
            replayed.jobs.get_mut(&id).expect("a job").2 = None;
        }
        let assignee = row[3].as_ref().map(|_| shown::<UserId>(&row[3]));
        present.insert(id, (row[1].clone().expect("one"), row[2].clone().expect("one"), assignee));
    }
    assert_eq!(replayed.jobs, present);
    story.office.app.close().await;
}

fn kinds(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| text(event, "type")).collect()
}

fn about(events: &[Value], subject: &str) -> Vec<String> {
    events.iter().filter(|event| event["subjectId"] == subject).map(|event| text(event, "type")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_list_shows_each_viewer_only_visible_events_and_changes() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let storage = office.storage(&office.owner).await;
    let project = office.project(&office.owner, json!({})).await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let deleted = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    office.owner.mutate("deleteResource", json!({ "resourceId": deleted }), "clientMutationId").await.done();
    let linked = json!({ "projectId": project, "sourceStorageId": storage, "name": "Renamed" });
    office.owner.mutate("updateProject", linked, "clientMutationId").await.done();
    office.app.log_settles().await;
    let seen = async |person: &Person| events_of(person, &office.id, "first: 100").await;

    let (worker, other) = (seen(&office.worker).await, seen(&office.other).await);
    assert_eq!(about(&worker, &task), ["TASK_CREATED"]);
    assert_eq!(about(&worker, &deleted), ["TASK_CREATED", "TASK_DELETED"], "as it was when it went");
    assert_eq!(about(&worker, &project), [] as [&str; 0]);
    let members = ["MEMBER_JOINED", "ORGANIZATION_CREATED"].map(str::to_owned);
    let own = ["INVITATION_ACCEPTED", "INVITATION_CREATED"].map(str::to_owned);
    assert_eq!(kinds(&other), members.iter().chain(&own).cloned().collect(), "and the invitation to themselves");
    assert!(kinds(&seen(&office.supervisor).await).contains("CLOUD_STORAGE_CREATED"));
    let (maintainer, admin) = (seen(&office.maintainer).await, seen(&office.admin).await);
    assert_eq!(maintainer, admin);
    assert_eq!(maintainer.len() as i64, office.app.count("events").await);

    // Current ties count: a new assignee sees earlier events, but not the storage.
    let assigned = json!({ "projectId": project, "assigneeId": office.other.id });
    office.owner.mutate("updateProject", assigned, "clientMutationId").await.done();
    office.app.log_settles().await;
    let other = seen(&office.other).await;
    assert_eq!(about(&other, &project), ["PROJECT_CREATED", "PROJECT_UPDATED", "PROJECT_UPDATED"]);
    let fields = |events: &[Value]| -> Vec<String> {
        let updated = events.iter().find(|event| event["type"] == "PROJECT_UPDATED").expect("the update");
        updated["changes"].as_array().expect("changes").iter().map(|change| text(change, "field")).collect()
    };
    assert_eq!(fields(&other), ["name"]);
    assert_eq!(fields(&maintainer), ["name", "sourceStorage"]);

    let query = format!(r#"{{ organization(id: "{}") {{ slug events {{ nodes {{ id }} }} }} }}"#, office.id);
    let data = office.stranger.ask(&query).await.data();
    assert!(data["organization"].is_null());
    office.owner.invites(&office.id, &office.stranger.email(), "WORKER").await;
    for query in [
        query.clone(),
        query
            .replace("organization(id", "node(id")
            .replace("slug events", "... on Workspace { events")
            .replace("} } }", "} } } }"),
    ] {
        let answer = office.stranger.ask(&query).await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "{query}");
        assert_eq!(answer.body["errors"][0]["extensions"]["permission"], "VIEW_EVENTS");
    }
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_list_pages_both_ways_counts_and_filters() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    for n in 0..40 {
        let by = if n % 2 == 0 { &office.owner } else { &office.maintainer };
        by.mutate(
            "updateOrganization",
            json!({ "organizationId": office.id, "name": format!("N{n}") }),
            "clientMutationId",
        )
        .await
        .done();
        office.owner.invites(&office.id, &format!("p{n}@example.org"), "WORKER").await;
    }
    office.app.log_settles().await;
    let page = async |person: &Person, arguments: &str| {
        let query = format!(
            r#"{{ organization(id: "{}") {{ events({arguments}) {{ totalCount edges {{ cursor node {{ id cursor }} }} pageInfo {{ hasNextPage hasPreviousPage endCursor startCursor }} }} }} }}"#,
            office.id
        );
        person.ask(&query).await.data()["organization"]["events"].clone()
    };
    for person in [&office.worker, &office.maintainer] {
        let all = events_of(person, &office.id, "first: 100").await;
        let next = page(person, "first: 100").await["pageInfo"]["endCursor"].clone();
        let more = page(person, &format!("first: 100, after: {next}")).await;
        let count = all.len() + more["edges"].as_array().expect("edges").len();
        assert_eq!(more["totalCount"], count);
        let (mut forward, mut after) = (Vec::new(), String::new());
        loop {
            let part = page(person, &format!("first: 7{after}")).await;
            for edge in part["edges"].as_array().expect("edges") {
                assert_eq!(edge["cursor"], edge["node"]["cursor"]);
                forward.push(text(&edge["node"], "id"));
            }
            if part["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = format!(", after: {}", part["pageInfo"]["endCursor"]);
        }
        let (mut backward, mut before) = (Vec::new(), String::new());
        loop {
            let part = page(person, &format!("last: 9{before}")).await;
            let ids = part["edges"].as_array().expect("edges").iter().rev().map(|edge| text(&edge["node"], "id"));
            backward.extend(ids);
            if part["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            before = format!(", before: {}", part["pageInfo"]["startCursor"]);
        }
        backward.reverse();
        assert_eq!((forward.len(), &forward), (count, &backward));
        for event in all.iter().take(3) {
            let node =
                person.ask(&format!(r#"{{ node(id: {}) {{ id ... on Event {{ cursor }} }} }}"#, event["id"])).await;
            assert_eq!(node.data()["node"], json!({ "id": event["id"], "cursor": event["cursor"] }));
        }
    }
    let by = format!(r#"actorId: "{}", types: [ORGANIZATION_UPDATED, MEMBER_LEFT]"#, office.maintainer.id);
    assert_eq!(page(&office.worker, &by).await["totalCount"], 20);
    assert_eq!(page(&office.worker, "types: []").await["totalCount"], 0);
    assert_eq!(page(&office.worker, "types: [INVITATION_CREATED]").await["totalCount"], 1, "the own one");
    assert_eq!(page(&office.owner, r#"actorId: "nonsense""#).await["totalCount"], 0);
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_actor_of_a_deleted_account_is_shown_as_deleted_user() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let gone = json!({ "confirmUsername": "max" });
    office.maintainer.mutate("deleteAccount", gone, "clientMutationId").await.done();
    office.app.log_settles().await;
    let last = events_of(&office.owner, &office.id, "last: 1, types: [MEMBER_LEFT]").await;
    assert_eq!(last[0]["actor"]["username"], "deleted user");
    office.app.close().await;
}

#[tokio::test]
async fn event_queries_use_the_indexes_of_the_log() {
    let app = TestApp::new().await;
    app.sql(
        "INSERT INTO events (transaction_id, workspace_id, type, at, subject_id, person_id, email)
           SELECT n / 100, md5((n % 50)::text)::uuid, 'MEMBER_JOINED', now(), 'mem_x',
             CASE WHEN n % 2 = 0 THEN md5((n % 1000)::text)::uuid END,
             CASE WHEN n % 7 = 0 THEN 'p' || n % 700 || '@example.org' END
           FROM generate_series(1, 30000) n;
         ANALYZE events;
         -- For the few rows that there are of each, gathering and sorting them costs about the same.
         SET enable_bitmapscan = off",
    )
    .await;
    // The range contains only transactions that are older than any in the cluster.
    let place = "(transaction_id, sequence) > (150, 3) AND transaction_id < event_horizon()";
    let order = "ORDER BY transaction_id, sequence LIMIT 100";
    for (filter, index) in [
        (format!("workspace_id = md5('7')::uuid AND {place} {order}"), "events_workspace"),
        (format!("workspace_id = md5('7')::uuid AND type = 'MEMBER_JOINED' AND {place} {order}"), "events_workspace"),
        (format!("person_id = md5('8')::uuid AND {place} {order}"), "events_person"),
        (format!("email = 'p49@example.org' AND {place} {order}"), "events_email"),
        (format!("{place} {order}"), "events_pkey"),
        (
            format!(
                "{place} {}",
                order.replace("ORDER BY transaction_id, sequence", "ORDER BY transaction_id DESC, sequence DESC")
            ),
            "events_pkey",
        ),
    ] {
        let plan = app.texts(&format!("EXPLAIN SELECT * FROM events WHERE {filter}")).await.join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan") && !plan.contains("Sort"), "{filter}\n{plan}");
    }
    app.close().await;
}

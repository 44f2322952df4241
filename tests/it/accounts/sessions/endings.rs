//! Ended sessions: their tokens are refused every mutation.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::TimeDelta;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{SessionId, UserId};
use guildhall::policy::public::{PUBLIC_FIELDS, Public};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PASSWORD, newcomer, sign_in};
use crate::support::org_fixture::{Office, bucket};
use crate::support::{Answer, Person, TestApp};

async fn create(person: &Person, slug: &str) -> Answer {
    person.mutate("createOrganization", json!({ "slug": slug }), "organization { id }").await
}

/// The same person with a token of a session that does not exist.
fn with_ended_session(app: &TestApp, person: &Person) -> Person {
    let (user, session) = (UserId::parse(&person.id).expect("an ID"), SessionId::from(Uuid::new_v4()));
    let lifetime = TimeDelta::minutes(15);
    let token = app.env.keys.issue_access_token(user, Some(session), app.env.clock.now(), lifetime).expect("a token").0;
    app.holder(&person.name, token)
}

/// Tries each mutation with the token of an ended session before it runs it with a valid one.
struct Steps<'a> {
    app: &'a TestApp,
    done: BTreeSet<String>,
}

impl Steps<'_> {
    async fn step(&mut self, person: &Person, mutation: &str, input: Value) -> Value {
        let before = self.app.snapshot().await;
        let refused = with_ended_session(self.app, person).mutate(mutation, input.clone(), "clientMutationId").await;
        assert_eq!(refused.codes(), ["UNAUTHENTICATED"], "{mutation} {input}: {}", refused.body);
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{mutation}");
        assert_eq!(self.app.snapshot().await, before, "{mutation} changed something");
        self.done.insert(mutation.to_owned());
        person.mutate(mutation, input, "clientMutationId").await.done()
    }
}

#[tokio::test]
async fn ended_session_is_refused_every_mutation_and_changes_nothing() {
    let office = Office::over(TestApp::with(|settings| settings.rules.rate_limits = false).await).await;
    let Office { app, id, owner, maintainer, worker, other, stranger, admin, .. } = &office;
    let mut steps = Steps { app, done: BTreeSet::new() };
    let membership = office.membership(worker).await;

    // Resources.
    let (project, task) = (office.project(owner, json!({})).await, office.task(owner, json!({})).await);
    let storage = office.storage(owner).await;
    let job = office.jobs().await.pop().expect("a job");
    for (mutation, input) in [
        ("selectWorkspace", json!({ "workspaceId": id })),
        ("selectWorkspace", json!({ "workspaceId": owner.workspace() })),
        ("createProject", json!({ "workspaceId": id, "name": "x" })),
        ("createProject", json!({ "workspaceId": owner.workspace(), "name": "x" })),
        ("createTask", json!({ "workspaceId": id, "name": "x" })),
        ("createCloudStorage", bucket(id)),
        ("updateProject", json!({ "projectId": project, "name": "y" })),
        ("updateTask", json!({ "taskId": task, "name": "y" })),
        ("updateJob", json!({ "jobId": job, "state": "IN_PROGRESS" })),
        ("updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": "y" })),
        (
            "transferResources",
            json!({ "resourceIds": [task], "destinationWorkspaceId": owner.workspace(), "storage": "DETACH" }),
        ),
        ("deleteResource", json!({ "resourceId": project })),
        // The organization.
        ("createOrganization", json!({ "slug": "another" })),
        ("updateOrganization", json!({ "organizationId": id, "name": "y" })),
        ("changePlan", json!({ "workspaceId": id, "tier": "TEAM", "seats": null })),
        ("cancelPlan", json!({ "workspaceId": id })),
        ("changeMemberRole", json!({ "membershipId": membership, "role": "SUPERVISOR" })),
        (
            "inviteMembers",
            json!({ "organizationId": id, "invitees": [{ "email": "new@example.org", "role": "WORKER" }] }),
        ),
        ("removeMember", json!({ "membershipId": membership })),
    ] {
        steps.step(owner, mutation, input).await;
    }
    steps.step(other, "leaveOrganization", json!({ "organizationId": id })).await;

    // Invitations.
    let invitation = owner.invites(id, "new-2@example.org", "WORKER").await;
    app.sql("UPDATE invitations SET sent_requested_at = now() - interval '1 hour'").await;
    steps.step(maintainer, "resendInvitation", json!({ "invitationId": invitation })).await;
    steps.step(maintainer, "revokeInvitation", json!({ "invitationId": invitation })).await;
    for (mutation, by_token) in [
        ("declineInvitation", false),
        ("declineInvitation", true),
        ("acceptInvitation", false),
        ("acceptInvitation", true),
    ] {
        let invitation = owner.invites(id, &stranger.email(), "WORKER").await;
        let token = app.token_to(&stranger.email()).await;
        let input = if by_token { json!({ "token": token }) } else { json!({ "invitationId": invitation }) };
        steps.step(stranger, mutation, input).await;
        if mutation == "acceptInvitation" {
            office.removes(stranger).await;
        }
    }

    // Ownership.
    let offered = json!({ "membershipId": office.membership(maintainer).await });
    for (person, answer) in
        [(owner, "cancelOwnershipOffer"), (maintainer, "declineOwnership"), (maintainer, "acceptOwnership")]
    {
        steps.step(owner, "offerOwnership", offered.clone()).await;
        let offer = owner.ask(&format!(r#"{{ organization(id: "{id}") {{ ownershipOffer {{ id }} }} }}"#)).await.data();
        let offer = offer["organization"]["ownershipOffer"]["id"].clone();
        steps.step(person, answer, json!({ "ownershipOfferId": offer })).await;
    }
    steps.step(admin, "deleteOrganization", json!({ "organizationId": id, "confirmSlug": "office" })).await;
    steps.step(maintainer, "restoreOrganization", json!({ "organizationId": id })).await;

    // The account.
    let (ada, _) = newcomer(app, "ada").await;
    steps.step(&ada, "resendVerificationEmail", json!({})).await;
    let proof = json!({ "token": app.token_to("ada@example.org").await });
    let passwords = json!({ "currentPassword": PASSWORD, "newPassword": "another horse battery" });
    for (mutation, input) in [
        ("verifyEmail", proof),
        ("updateProfile", json!({ "displayName": "Ada" })),
        ("changeEmail", json!({ "email": "ada-2@example.org", "password": PASSWORD })),
        ("changePassword", passwords),
        ("deleteAccount", json!({ "confirmUsername": "ada", "password": "another horse battery" })),
    ] {
        steps.step(&ada, mutation, input).await;
    }

    let query = "{ __schema { mutationType { fields { name } } } }";
    let fields = app.nobody(query).await.data()["__schema"]["mutationType"]["fields"].clone();
    let fields =
        fields.as_array().expect("fields").iter().map(|field| field["name"].as_str().expect("a name").to_owned());
    let always = |name: &String| PUBLIC_FIELDS.contains(&(format!("Mutation.{name}").as_str(), Public::Always));
    let expected: BTreeSet<String> = fields.filter(|name| !always(name)).collect();
    assert_eq!(steps.done, expected, "mutations that were not tried");
    office.app.close().await;
}

#[tokio::test]
async fn revoked_token_without_a_session_is_refused_mutations() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let Office { app, id, owner, worker, .. } = &office;
    let membership = office.membership(worker).await;
    owner.ask("{ viewer { isAdmin } }").await.data();
    app.sql("UPDATE users SET tokens_valid_from = now() + interval '1 hour' WHERE username = 'olga'").await;
    let before = app.snapshot().await;
    for (mutation, input) in [
        ("createOrganization", json!({ "slug": "another" })),
        ("changeMemberRole", json!({ "membershipId": membership, "role": "SUPERVISOR" })),
        ("updateProfile", json!({ "displayName": "Olga" })),
        ("createProject", json!({ "workspaceId": owner.workspace(), "name": "x" })),
    ] {
        assert_eq!(owner.mutate(mutation, input, "clientMutationId").await.codes(), ["UNAUTHENTICATED"], "{mutation}");
    }
    assert_eq!(app.snapshot().await, before);
    let read = format!(r#"{{ organization(id: "{id}") {{ slug }} }}"#);
    assert_eq!(
        owner.ask(&read).await.data()["organization"]["slug"],
        "office",
        "a revoked token can still read for a while"
    );
    office.app.close().await;
}

#[tokio::test]
async fn idempotency_key_repeat_is_refused_after_the_session_ended() {
    let app = TestApp::with(|_| {}).await;
    let ada = app.person("ada").await;
    let input = json!({ "slug": "acme", "idempotencyKey": "k" });
    ada.mutate("createOrganization", input.clone(), "organization { id }").await.done();
    ada.mutate("createOrganization", input.clone(), "organization { id }").await.done();
    let repeat = with_ended_session(&app, &ada).mutate("createOrganization", input, "organization { id }").await;
    assert_eq!(repeat.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

#[tokio::test]
async fn sign_out_ends_mutations_of_its_access_token() {
    let app = TestApp::with(|_| {}).await;
    let (ada, token) = newcomer(&app, "ada").await;
    create(&ada, "before").await.done();
    app.mutate_anonymously("signOut", json!({ "refreshToken": token })).await.done();
    assert_eq!(create(&ada, "after").await.codes(), ["UNAUTHENTICATED"]);
    let both = format!(
        r#"mutation {{ signIn(input: {{ login: "ada", password: "{PASSWORD}" }}) {{ clientMutationId }}
             createOrganization(input: {{ slug: "after" }}) {{ clientMutationId }} }}"#
    );
    assert_eq!(ada.ask(&both).await.codes(), ["UNAUTHENTICATED"], "the token of the request counts");
    app.nobody(&both).await.data();
    ada.ask("{ viewer { isAdmin } }").await.data();
    app.env.clock.advance(TimeDelta::minutes(16));
    assert_eq!(ada.ask("{ viewer { isAdmin } }").await.status, StatusCode::UNAUTHORIZED);
    app.close().await;
}

#[tokio::test]
async fn change_password_ends_every_other_session_and_tokens_without_a_session() {
    let app = TestApp::with(|_| {}).await;
    let (here, _) = newcomer(&app, "ada").await;
    let (there, _) = sign_in(&app, "ada").await;
    let robot = app.named("ada").await;
    create(&robot, "robots").await.done();
    robot.ask("{ viewer { isAdmin } }").await.data();
    let passwords = json!({ "currentPassword": PASSWORD, "newPassword": "another horse battery" });
    here.mutate("changePassword", passwords, "clientMutationId").await.done();
    create(&here, "here").await.done();
    for ended in [&there, &robot] {
        assert_eq!(create(ended, "ended").await.codes(), ["UNAUTHENTICATED"]);
        ended.ask("{ viewer { isAdmin } }").await.data();
    }
    create(&app.named("ada").await, "new-robots").await.done();
    // A revoked token with a lifetime above 15 minutes can read for at most 15 minutes.
    let lifetime = TimeDelta::days(365);
    let user = UserId::parse(&here.id).expect("an ID");
    let token = app.env.keys.issue_access_token(user, None, app.env.clock.now(), lifetime).expect("a token").0;
    let robot = app.holder("ada", token);
    robot.ask("{ viewer { isAdmin } }").await.data();
    app.sql("UPDATE users SET tokens_valid_from = now() + interval '1 second'").await;
    app.env.clock.advance(TimeDelta::minutes(16));
    assert_eq!(robot.ask("{ viewer { isAdmin } }").await.status, StatusCode::UNAUTHORIZED);
    app.close().await;
}

#[tokio::test]
async fn reset_password_ends_every_session() {
    let app = TestApp::with(|_| {}).await;
    let (ada, _) = newcomer(&app, "ada").await;
    let robot = app.named("ada").await;
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ada.email() })).await.done();
    let reset = json!({ "token": app.token_to(&ada.email()).await, "newPassword": "another horse battery" });
    app.mutate_anonymously("resetPassword", reset).await.done();
    for ended in [&ada, &robot] {
        assert_eq!(create(ended, "ended").await.codes(), ["UNAUTHENTICATED"]);
    }
    app.close().await;
}

#[tokio::test]
async fn waiting_mutation_is_refused_if_its_session_ends_before_it_gets_the_lock() {
    let app = TestApp::with(|_| {}).await;
    let (ada, token) = newcomer(&app, "ada").await;
    let id = ada.creates("acme").await;
    app.sql("BEGIN; SELECT FROM organizations FOR UPDATE; SELECT FROM users FOR UPDATE").await;
    let rename = json!({ "organizationId": id, "name": "Acme" });
    let waiting = async {
        let organization = ada.mutate("updateOrganization", rename, "clientMutationId");
        let profile = ada.mutate("updateProfile", json!({ "displayName": "Ada" }), "clientMutationId");
        futures_util::join!(organization, profile)
    };
    let meanwhile = async {
        let blocked =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        // A transaction caches `pg_stat_activity` from its first read, so the snapshot is cleared before each read.
        while {
            app.sql("SELECT pg_stat_clear_snapshot()").await;
            app.number(blocked).await < 2
        } {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        app.mutate_anonymously("signOut", json!({ "refreshToken": token })).await.done();
        app.sql("COMMIT").await;
    };
    let ((organization, profile), ()) = futures_util::join!(waiting, meanwhile);
    assert_eq!(organization.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(profile.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(app.count("organizations WHERE name IS NOT NULL").await, 0);
    app.close().await;
}

//! Sessions and tokens: a token of an ended session changes nothing, an invalid token is refused where an identity is
//! needed, and refresh tokens stay valid for their full lifetime.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use chrono::TimeDelta;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{SessionId, UserId};
use guildhall::policy::public::{PUBLIC_FIELDS, Public};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt;
use uuid::Uuid;

use crate::support::org_fixture::{Office, bucket};
use crate::support::socket::Socket;
use crate::support::{Answer, Person, TestApp, graphql};

const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "session { accessToken refreshToken }";

/// Signs up, and returns the person with their refresh token.
async fn newcomer(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD });
    let payload = app.nobody_gets("signUp", input, SESSION).await.done();
    signed_in(app, name, &payload)
}

async fn sign_in(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "login": name, "password": PASSWORD });
    signed_in(app, name, &app.nobody_gets("signIn", input, SESSION).await.done())
}

fn signed_in(app: &TestApp, name: &str, payload: &Value) -> (Person, String) {
    let token = |name: &str| payload["session"][name].as_str().expect("a token").to_owned();
    (app.holder(name, token("accessToken")), token("refreshToken"))
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.nobody_gets("refreshSession", json!({ "refreshToken": token }), SESSION).await
}

async fn refreshed(app: &TestApp, token: &str) -> String {
    refresh(app, token).await.done()["session"]["refreshToken"].as_str().expect("a token").to_owned()
}

async fn create(person: &Person, slug: &str) -> Answer {
    person.mutate("createOrganization", json!({ "slug": slug }), "organization { id }").await
}

/// The same person with a token of a session that does not exist.
fn ended(app: &TestApp, person: &Person) -> Person {
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
        let refused = ended(self.app, person).mutate(mutation, input.clone(), "clientMutationId").await;
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
    assert_eq!(steps.done, expected, "a mutation that was not tried");
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
    assert_eq!(owner.ask(&read).await.data()["organization"]["slug"], "office", "it reads for a while");
    office.app.close().await;
}

#[tokio::test]
async fn idempotency_key_repeat_is_refused_after_the_session_ended() {
    let app = TestApp::with(|_| {}).await;
    let ada = app.person("ada").await;
    let input = json!({ "slug": "acme", "idempotencyKey": "k" });
    ada.mutate("createOrganization", input.clone(), "organization { id }").await.done();
    ada.mutate("createOrganization", input.clone(), "organization { id }").await.done();
    let repeat = ended(&app, &ada).mutate("createOrganization", input, "organization { id }").await;
    assert_eq!(repeat.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

#[tokio::test]
async fn sign_out_ends_mutations_of_its_access_token() {
    let app = TestApp::with(|_| {}).await;
    let (ada, token) = newcomer(&app, "ada").await;
    create(&ada, "before").await.done();
    app.nobody_mutates("signOut", json!({ "refreshToken": token })).await.done();
    assert_eq!(create(&ada, "after").await.codes(), ["UNAUTHENTICATED"]);
    let both = format!(
        r#"mutation {{ signIn(input: {{ login: "ada", password: "{PASSWORD}" }}) {{ clientMutationId }}
             createOrganization(input: {{ slug: "after" }}) {{ clientMutationId }} }}"#
    );
    assert_eq!(ada.ask(&both).await.codes(), ["UNAUTHENTICATED"], "the token that came with the request counts");
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
    app.nobody_mutates("requestPasswordReset", json!({ "email": ada.email() })).await.done();
    let reset = json!({ "token": app.token_to(&ada.email()).await, "newPassword": "another horse battery" });
    app.nobody_mutates("resetPassword", reset).await.done();
    for ended in [&ada, &robot] {
        assert_eq!(create(ended, "ended").await.codes(), ["UNAUTHENTICATED"]);
    }
    app.close().await;
}

#[tokio::test]
async fn refresh_session_accepts_a_token_until_its_successor_is_used() {
    let app = TestApp::with(|_| {}).await;
    let (_, first) = newcomer(&app, "ada").await;
    let second = refreshed(&app, &first).await;
    app.env.clock.advance(TimeDelta::minutes(1));
    assert_eq!(refreshed(&app, &first).await, second, "the answer was lost");
    let third = refreshed(&app, &second).await;
    assert_eq!(refresh(&app, &first).await.refused(), ["INVALID_CREDENTIALS"], "a minute after its first use");
    assert_eq!(refresh(&app, &third).await.refused(), ["INVALID_CREDENTIALS"], "which ended the session");
    app.close().await;
}

#[tokio::test]
async fn refresh_session_accepts_a_token_for_ten_seconds_after_its_first_use() {
    let app = TestApp::with(|_| {}).await;
    let (_, first) = newcomer(&app, "ada").await;
    let second = refreshed(&app, &first).await;
    let third = refreshed(&app, &second).await;
    assert_eq!(refreshed(&app, &first).await, third);
    let fourth = refreshed(&app, &third).await;
    app.env.clock.advance(TimeDelta::seconds(9));
    for token in [&first, &second, &third] {
        assert_eq!(refreshed(&app, token).await, fourth);
    }
    app.env.clock.advance(TimeDelta::days(31));
    assert_eq!(refresh(&app, &fourth).await.refused(), ["INVALID_CREDENTIALS"], "it has run out");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_session_keeps_concurrent_tabs_signed_in() {
    let app = TestApp::with(|_| {}).await;
    let (_, first) = newcomer(&app, "ada").await;
    let tab = async || {
        let mut token = first.clone();
        for _ in 0..5 {
            token = refreshed(&app, &token).await;
        }
        token
    };
    let tabs = futures_util::future::join_all((0..8).map(|_| tab())).await;
    for token in &tabs {
        refreshed(&app, token).await;
    }
    app.close().await;
}

/// Sends a document with an invalid token.
async fn badly(app: &TestApp, request: axum::http::request::Builder, body: Body) -> (StatusCode, String) {
    let request = request.header(header::AUTHORIZATION, "Bearer nonsense").body(body).expect("a request");
    let response = app.router.clone().oneshot(request).await.expect("a response");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

async fn badly_posted(app: &TestApp, query: &str, variables: Value, accept: &str) -> (StatusCode, String) {
    let request =
        Request::post("/graphql").header(header::CONTENT_TYPE, "application/json").header(header::ACCEPT, accept);
    badly(app, request, Body::from(json!({ "query": query, "variables": variables }).to_string())).await
}

#[tokio::test]
async fn invalid_token_is_anonymous_for_public_root_fields_and_refused_for_all_others() {
    let app = TestApp::with(|_| {}).await;
    let (ada, _) = newcomer(&app, "ada").await;
    let sign_in = format!(r#"signIn(input: {{ login: "ada", password: "{PASSWORD}" }}) {{ {SESSION} }}"#);
    let public = [
        "{ __typename }".to_owned(),
        "{ __schema { queryType { name } } }".to_owned(),
        r#"{ __type(name: "User") { name } }"#.to_owned(),
        "{ roles { role } }".to_owned(),
        r#"{ invitationPreview(token: "t") { organizationName } }"#.to_owned(),
        "{ a: roles { role } ...F } fragment F on Query { ... { __typename } }".to_owned(),
        format!("mutation {{ {sign_in} }}"),
        format!("mutation {{ __typename a: {sign_in} ...F }} fragment F on Mutation {{ b: {sign_in} }}"),
        r#"mutation { signUp(input: { username: "bob", password: "x", email: "b@example.org" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { refreshSession(input: { refreshToken: "t" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { signOut(input: { refreshToken: "t" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { requestPasswordReset(input: { email: "no" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { resetPassword(input: { token: "t", newPassword: "x" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation { declineInvitation(input: { token: "t" }) { userErrors { code } } }"#.to_owned(),
        r#"mutation ($t: String = "t") { declineInvitation(input: { token: $t }) { userErrors { code } } }"#.to_owned(),
    ];
    let others = [
        "{ viewer { isAdmin } }",
        "{ roles { role } viewer { isAdmin } }",
        "{ roles { role } ...F } fragment F on Query { roles: viewer { isAdmin } }",
        "{ roles { role } viewer @skip(if: true) { isAdmin } }",
        r#"{ node(id: "t") { id } }"#,
        r#"{ nodes(ids: []) { id } }"#,
        r#"{ organization(slug: "acme") { id } }"#,
        "{ organizations { totalCount } }",
        r#"{ invitation(id: "t") { id } }"#,
        r#"{ slugAvailability(slug: "acme") { available } }"#,
        r#"mutation { createOrganization(input: { slug: "acme" }) { clientMutationId } }"#,
        r#"mutation { acceptInvitation(input: { token: "t" }) { clientMutationId } }"#,
        r#"mutation { declineInvitation(input: { invitationId: "t" }) { clientMutationId } }"#,
        r#"mutation ($t: String) { declineInvitation(input: { token: $t }) { clientMutationId } }"#,
        "subscription { viewerEvents { id } }",
        "{ nonsense }",
        "{",
    ];
    const GRAPHQL: &str = "application/graphql-response+json";
    const EVENTS: &str = "text/event-stream";
    for accept in [GRAPHQL, EVENTS] {
        for query in &public {
            let (status, body) = badly_posted(&app, query, json!({}), accept).await;
            assert_eq!(status, StatusCode::OK, "{query}: {body}");
            assert!(!body.contains("\"errors\""), "{query}: {body}");
        }
        for query in others {
            let (status, body) = badly_posted(&app, query, json!({}), accept).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{query}: {body}");
        }
    }
    for (query, expected) in [("{roles{role}}", StatusCode::OK), ("{viewer{isAdmin}}", StatusCode::UNAUTHORIZED)] {
        let request = Request::get(format!("/graphql?query={query}").replace('{', "%7B").replace('}', "%7D"));
        assert_eq!(badly(&app, request, Body::empty()).await.0, expected, "{query}");
    }
    let named: BTreeSet<_> = PUBLIC_FIELDS.iter().map(|(name, _)| name.split_once('.').expect("a field").1).collect();
    assert!(named.iter().all(|name| public.iter().any(|query| query.contains(name))), "each is tried: {named:?}");

    // An expired token is treated in the same way.
    app.env.clock.advance(TimeDelta::hours(1));
    assert_eq!(ada.ask("{ viewer { isAdmin } }").await.status, StatusCode::UNAUTHORIZED);
    let query = format!("mutation {{ {sign_in} }}");
    ada.ask(&query).await.data();
    app.close().await;
}

#[tokio::test]
async fn connection_init_refuses_an_invalid_token() {
    let app = TestApp::with(|_| {}).await;
    let address = app.serve().await;
    for token in ["nonsense".to_owned(), "x".repeat(70_000)] {
        let mut socket = Socket::open(address).await;
        socket.say(json!({ "type": "connection_init", "payload": { "token": token } })).await;
        assert_eq!(socket.close_code().await, 4401);
    }
    app.app.shutdown.soft.cancel();
    app.close().await;
}

#[tokio::test]
async fn oversized_token_is_refused_with_the_limit_in_the_message() {
    let app = TestApp::with(|_| {}).await;
    let answer = graphql::send(&app.router, Some(&"x".repeat(65_537)), "{ viewer { isAdmin } }", json!({})).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(
        answer.body["errors"][0]["message"].as_str().is_some_and(|message| message.contains("65,536")),
        "{}",
        answer.body
    );
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
        app.nobody_mutates("signOut", json!({ "refreshToken": token })).await.done();
        app.sql("COMMIT").await;
    };
    let ((organization, profile), ()) = futures_util::join!(waiting, meanwhile);
    assert_eq!(organization.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(profile.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(app.count("organizations WHERE name IS NOT NULL").await, 0);
    app.close().await;
}

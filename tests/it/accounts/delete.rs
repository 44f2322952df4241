//! `deleteAccount`: what it requires, and what happens to the organizations, mails and name of the account.

use chrono::TimeDelta;
use guildhall::mail::transports::Transport;
use guildhall::mail::worker::send_due;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, TestIssuer};

const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "session { accessToken refreshToken }";
/// Deleted accounts whose row still contains personal data.
const NAMED: &str =
    "users WHERE deleted_at IS NOT NULL AND (username !~ '^~[0-9a-f]{32}$' OR num_nonnulls(display_name, email,
    email_verified_at, password_hash, selected_organization_id) > 0 OR is_admin)";

async fn newcomer(app: &TestApp, name: &str) -> (Person, String) {
    let input = json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD });
    let payload = app.mutate_anonymously_selecting("signUp", input, SESSION).await.done();
    let token = |kind: &str| payload["session"][kind].as_str().expect("a token").to_owned();
    (app.holder(name, token("accessToken")), token("refreshToken"))
}

async fn delete(person: &Person, password: Option<&str>) -> Answer {
    let input = json!({ "confirmUsername": person.name, "password": password });
    person.mutate("deleteAccount", input, "deletedUserId").await
}

async fn restore(admin: &Person, organization: &str, owner: Option<&str>) -> Answer {
    let input = json!({ "organizationId": organization, "newOwnerId": owner });
    admin.mutate("restoreOrganization", input, "organization { status slug }").await
}

async fn purge(app: &TestApp) -> usize {
    purge_organizations(&app.env.store, &app.env.clock).await.expect("it runs")
}

#[tokio::test]
async fn delete_account_requires_the_password_or_a_recent_sign_in() {
    let app = TestApp::with(|_| {}).await;
    let (ada, mut token) = newcomer(&app, "ada").await;
    assert_eq!(delete(&ada, Some("wrong")).await.refused(), ["INVALID_CREDENTIALS"]);
    app.env.clock.advance(TimeDelta::minutes(9));
    // A refresh does not count as a sign-in.
    let payload =
        app.mutate_anonymously_selecting("refreshSession", json!({ "refreshToken": token }), SESSION).await.done();
    token = payload["session"]["refreshToken"].as_str().expect("a token").to_owned();
    let ada = app.holder("ada", payload["session"]["accessToken"].as_str().expect("a token").to_owned());
    app.env.clock.advance(TimeDelta::seconds(61));
    let before = app.snapshot().await;
    assert_eq!(delete(&ada, None).await.refused(), ["INVALID_CREDENTIALS"]);
    assert_eq!(delete(&ada, Some("wrong")).await.refused(), ["INVALID_CREDENTIALS"]);
    assert_eq!(delete(&ada, Some("")).await.refused(), ["INVALID_CREDENTIALS"]);
    assert_eq!(app.snapshot().await, before);
    delete(&ada, Some(PASSWORD)).await.done();
    assert_eq!(app.count("users").await, 0);
    let refresh = app.mutate_anonymously("refreshSession", json!({ "refreshToken": token })).await;
    assert_eq!(refresh.refused(), ["INVALID_CREDENTIALS"]);

    let (bob, _) = newcomer(&app, "bob").await;
    app.env.clock.advance(TimeDelta::seconds(599));
    delete(&bob, None).await.done();
    app.close().await;
}

#[tokio::test]
async fn delete_account_requires_a_recent_auth_time_in_tokens_of_an_issuer() {
    let issuer = TestIssuer::new().await;
    let trusted = issuer.trusted(std::time::Duration::from_secs(3600), None);
    let app = TestApp::with(|settings| settings.issuer = trusted).await;
    let now = app.env.clock.now().timestamp();
    let holder = async |claims: Value| {
        let token = issuer.token("ada", claims);
        let viewer = "{ viewer { isAdmin } }";
        crate::support::graphql::send(&app.router, Some(&token), viewer, json!({})).await.data();
        let mut ada = app.named("ada").await;
        ada.token = token;
        ada
    };
    let name = "preferred_username";
    for late in [
        json!({ name: "ada", "iat": now, "auth_time": now - 700 }),
        json!({ name: "ada", "iat": now - 700 }),
        json!({ name: "ada", "iat": null }),
    ] {
        let ada = holder(late.clone()).await;
        assert_eq!(delete(&ada, None).await.refused(), ["INVALID_CREDENTIALS"], "{late}");
    }
    let ada = holder(json!({ name: "ada", "iat": now - 700, "auth_time": now - 300 })).await;
    delete(&ada, None).await.done();
    app.close().await;
}

#[tokio::test]
async fn delete_account_keeps_an_anonymous_row_during_the_grace_period_of_organizations() {
    let app = TestApp::with(|_| {}).await;
    let (root, eve) = (app.admin("root").await, app.person("eve").await);
    let (bob, _) = newcomer(&app, "bob").await;
    let (own, other) = (bob.creates("own").await, bob.creates("other").await);
    let project = |workspace: &str| json!({ "workspaceId": workspace, "name": "Project" });
    bob.makes("createProject", project(&own)).await;
    bob.makes("createTask", project(&bob.workspace())).await;
    bob.mutate("selectWorkspace", json!({ "workspaceId": own }), "clientMutationId").await.done();
    delete(&bob, None).await.done();
    assert_eq!(app.count("organizations WHERE status = 'PENDING_DELETION'").await, 2);
    assert_eq!((app.count("users WHERE deleted_at IS NOT NULL").await, app.count(NAMED).await), (1, 0));
    assert_eq!(app.count("tasks").await, 0, "the personal workspace is gone");
    assert_eq!(app.count("sessions").await + app.count("email_tokens").await, 0);
    assert_eq!(app.log().await.iter().filter(|kind| *kind == "ORGANIZATION_DELETION_SCHEDULED").count(), 2);

    // Sign-in is impossible, and the old username is no longer shown.
    let uuid = app.texts("SELECT username FROM users WHERE deleted_at IS NOT NULL").await.swap_remove(0);
    for login in ["bob", "bob@example.org", &uuid] {
        let input = json!({ "login": login, "password": PASSWORD });
        assert_eq!(app.mutate_anonymously("signIn", input).await.refused(), ["INVALID_CREDENTIALS"], "{login}");
    }
    assert_eq!(bob.ask("{ viewer { email } }").await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(
        bob.mutate("createOrganization", json!({ "slug": "x" }), "clientMutationId").await.codes(),
        ["UNAUTHENTICATED"]
    );
    newcomer(&app, "bob").await;
    let people = format!(
        r#"{{ organization(id: "{own}") {{ members {{ nodes {{ role user {{ username displayName email }} }} }}
             events(last: 1) {{ nodes {{ actor {{ username displayName }} }} }} }} node(id: "{}") {{ id }} }}"#,
        bob.id
    );
    let seen = root.ask(&people).await.data();
    let deleted = json!({ "username": "deleted user", "displayName": "deleted user", "email": null });
    assert_eq!(seen["organization"]["members"]["nodes"], json!([{ "role": "OWNER", "user": deleted }]));
    assert_eq!(seen["organization"]["events"]["nodes"][0]["actor"]["username"], "deleted user");
    assert_eq!(seen["node"], Value::Null);

    // An administrator restores one organization and names its new owner.
    let eves = eve.id.as_str();
    assert_eq!(restore(&eve, &own, Some(eves)).await.refused(), ["NOT_FOUND"]);
    assert_eq!(restore(&root, &own, None).await.refused(), ["REQUIRED"]);
    assert_eq!(restore(&root, &own, Some("nonsense")).await.refused(), ["INVALID_FORMAT"]);
    assert_eq!(restore(&root, &own, Some(&bob.id)).await.refused(), ["NOT_FOUND"]);
    restore(&root, &own, Some(eves)).await.done();
    let mine = format!(
        r#"{{ organization(id: "{own}") {{ status memberCount viewerMembership {{ role }}
             projects {{ nodes {{ owner {{ username }} }} }} }} }}"#
    );
    assert_eq!(
        eve.ask(&mine).await.data()["organization"],
        json!({ "status": "ACTIVE", "memberCount": 1, "viewerMembership": { "role": "OWNER" },
                "projects": { "nodes": [{ "owner": { "username": "eve" } }] } })
    );
    assert_eq!(
        app.log().await.iter().rev().take(3).map(String::as_str).collect::<Vec<_>>(),
        ["ORGANIZATION_RESTORED", "OWNERSHIP_TRANSFERRED", "MEMBER_JOINED"]
    );
    let of_eve = json!({ "organizationId": own, "confirmSlug": "own" });
    eve.mutate("deleteOrganization", of_eve, "clientMutationId").await.done();
    assert_eq!(restore(&root, &own, Some(&root.id)).await.refused(), ["OWNER_CANNOT_BE_CHANGED"]);
    restore(&root, &own, None).await.done();

    // The row is deleted with its last organization.
    assert_eq!((purge(&app).await, app.count("users WHERE deleted_at IS NOT NULL").await), (0, 1));
    app.env.clock.advance(TimeDelta::days(8));
    assert_eq!((purge(&app).await, app.count("users WHERE deleted_at IS NOT NULL").await), (1, 0));
    assert_eq!(restore(&app.again(&root).await, &other, Some(eves)).await.refused(), ["NOT_FOUND"]);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test]
async fn delete_account_deletes_owned_organizations_without_a_grace_period() {
    let app = TestApp::with(|settings| settings.rules.deletion_grace = TimeDelta::zero()).await;
    let ada = app.person("ada").await;
    ada.creates("own").await;
    delete(&ada, None).await.done();
    assert_eq!(app.count("organizations").await + app.count("users").await, 0);
    app.close().await;
}

#[tokio::test]
async fn delete_account_leaves_no_address_in_the_mail_queue() {
    let folder = std::env::temp_dir().join(format!("guildhall-deleted-{}", std::process::id()));
    let app = TestApp::with(|_| {}).await;
    let transport = Transport::folder(folder.clone(), "Guildhall <guildhall@example.org>", None).expect("a folder");
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let send = async || send_due(&app.env.store, &app.env.outbox, &transport, &app.env.clock).await;
    // Sent mails: the verification of the address, and an invitation.
    let (bob, _) = newcomer(&app, "bob").await;
    app.sql("UPDATE users SET email_verified_at = now() WHERE username = 'bob'").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    send().await.expect("sent");
    bob.accepts(&invitation).await;
    // Queued mails: a change of address, a password reset, and a mail to another person.
    let change = json!({ "email": "bob-2@example.org", "password": PASSWORD });
    bob.mutate("changeEmail", change, "clientMutationId").await.done();
    app.mutate_anonymously("requestPasswordReset", json!({ "email": bob.email() })).await.done();
    newcomer(&app, "carl").await;
    assert_eq!(app.count("mails WHERE state = 'QUEUED'").await, 3);
    delete(&bob, Some(PASSWORD)).await.done();
    assert_eq!(app.texts("SELECT recipient FROM mails WHERE state = 'QUEUED'").await, ["carl@example.org"]);
    assert_eq!(app.texts("SELECT recipient FROM mails WHERE state = 'SENT'").await, ["", ""]);
    assert_eq!(app.count("mails WHERE mails::text LIKE '%bob%'").await, 0);
    std::fs::remove_dir_all(folder).expect("the folder");
    app.close().await;
}

#[tokio::test]
async fn delete_account_ends_memberships_and_schedules_deletion_of_sole_organizations() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let shared = ada.creates("shared").await;
    let membership = bob.accepts(&ada.invites(&shared, &bob.email(), "MAINTAINER").await).await;
    bob.creates("own").await;
    let delete = |person: &Person, name: &str| {
        let (person, input) = (person.clone(), json!({ "confirmUsername": name }));
        async move { person.mutate("deleteAccount", input, "deletedUserId").await }
    };
    assert_eq!(delete(&ada, "ada").await.refused(), ["OWNER_CANNOT_LEAVE"]);
    assert_eq!(delete(&bob, "ada").await.refused(), ["CONFIRMATION_MISMATCH"]);
    assert_eq!(delete(&bob, "bob").await.done()["deletedUserId"], bob.id);
    let seen = ada
        .ask(&format!(r#"{{ organization(id: "{shared}") {{ memberCount }} node(id: "{membership}") {{ id }} }}"#))
        .await
        .data();
    assert_eq!(seen, json!({ "organization": { "memberCount": 1 }, "node": null }));
    assert_eq!(
        app.count("organizations WHERE status = 'ACTIVE'").await,
        1,
        "the sole organization is pending deletion"
    );
    let after = bob.ask("{ viewer { email } }").await;
    assert_eq!(after.codes(), ["UNAUTHENTICATED"], "the token of a deleted account");
    app.check_invariants().await;
    app.close().await;
}

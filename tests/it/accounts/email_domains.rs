//! Internationalized domains: an address is compared and mailed with A-labels, and shown as it was written.

use serde_json::{Value, json};

use crate::support::cluster::connector;
use crate::support::{Answer, TestApp, graphql};

const PASSWORD: &str = "correct horse battery";
const UNICODE: &str = "user@bücher.example";
const ASCII: &str = "user@xn--bcher-kva.example";

async fn sign_up(app: &TestApp, username: &str, email: &str) -> Answer {
    let input = json!({ "username": username, "email": email, "password": PASSWORD });
    app.mutate_anonymously_selecting("signUp", input, "session { accessToken } viewer { email }").await
}

#[tokio::test]
async fn sign_up_and_sign_in_treat_two_spellings_of_a_domain_as_one() {
    let app = TestApp::new().await;
    let payload = sign_up(&app, "user", UNICODE).await.done();
    assert_eq!(payload["viewer"]["email"], UNICODE, "shown as it was written");
    let user = app.holder("user", payload["session"]["accessToken"].as_str().expect("a token").to_owned());
    let token = json!({ "token": app.token_to(ASCII).await });
    let verified = user.mutate("verifyEmail", token, "viewer { email emailVerified }").await.done();
    assert_eq!(verified["viewer"], json!({ "email": UNICODE, "emailVerified": true }));
    assert_eq!(sign_up(&app, "other", ASCII).await.refused(), ["EMAIL_TAKEN"]);
    for login in [UNICODE, ASCII, "USER@BÜCHER.example"] {
        app.mutate_anonymously("signIn", json!({ "login": login, "password": PASSWORD })).await.done();
    }
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ASCII })).await.done();
    app.mutate_anonymously("requestPasswordReset", json!({ "email": UNICODE })).await.done();
    let templates: Vec<String> = app.mails_to(ASCII).await.into_iter().map(|(template, _)| template).collect();
    assert_eq!(templates, ["verify_email", "reset_password", "reset_password"], "sent as A-labels");

    let change = json!({ "email": "user@xn--mnchen-3ya.example", "password": PASSWORD });
    user.mutate("changeEmail", change, "clientMutationId").await.done();
    let token = json!({ "token": app.token_to("user@xn--mnchen-3ya.example").await });
    let changed = user.mutate("verifyEmail", token, "viewer { email }").await.done();
    assert_eq!(changed["viewer"]["email"], "user@xn--mnchen-3ya.example", "as it was written, this too");
    app.close().await;
}

#[tokio::test]
async fn invite_members_treats_two_spellings_of_a_domain_as_one() {
    let app = TestApp::new().await;
    let owner = app.person("olga").await;
    let id = owner.creates("acme").await;
    let invite = async |emails: &[&str]| {
        let invitees: Vec<Value> = emails.iter().map(|email| json!({ "email": email, "role": "WORKER" })).collect();
        let input = json!({ "organizationId": id, "invitees": invitees });
        let fields = "results { invitation { id email } userErrors { code } }";
        owner.mutate("inviteMembers", input, fields).await.done()["results"].clone()
    };
    let results = invite(&[UNICODE, ASCII]).await;
    assert_eq!(results[0]["invitation"]["email"], UNICODE);
    assert_eq!(results[1]["userErrors"][0]["code"], "DUPLICATE_IN_REQUEST");
    assert_eq!(invite(&[ASCII]).await[0]["userErrors"][0]["code"], "ALREADY_INVITED");
    for (search, count) in [(UNICODE, 1), (ASCII, 1), ("bücher", 1), ("BÜCH", 1), ("xn--bcher", 1), ("münchen", 0)] {
        let query = "query Q($id: ID!, $search: String) { organization(id: $id) { invitations(search: $search) { totalCount nodes { email } } } }";
        let found = owner.run(query, json!({ "id": id, "search": search })).await.data();
        assert_eq!(found["organization"]["invitations"]["totalCount"], count, "{search}");
    }

    let token = app.token_to(ASCII).await;
    let preview = app.nobody(&format!(r#"{{ invitationPreview(token: "{token}") {{ email accountExists }} }}"#)).await;
    assert_eq!(preview.data()["invitationPreview"], json!({ "email": UNICODE, "accountExists": false }));
    let input = json!({ "username": "user", "password": PASSWORD, "invitationToken": token, "email": ASCII });
    let payload = app
        .mutate_anonymously_selecting("signUp", input, "session { accessToken } viewer { email emailVerified }")
        .await
        .done();
    assert_eq!(payload["viewer"], json!({ "email": UNICODE, "emailVerified": true }));
    assert_eq!(invite(&[ASCII]).await[0]["userErrors"][0]["code"], "ALREADY_MEMBER");
    let members = "{ organization(slug: \"acme\") { members { nodes { user { username email } } } } }";
    let members = graphql::send(&app.router, Some(&owner.token), members, json!({})).await.data();
    let shown = members["organization"]["members"]["nodes"].as_array().expect("members").iter();
    assert!(shown.into_iter().any(|node| node["user"]["email"] == UNICODE), "{members}");
    app.close().await;
}

#[tokio::test]
async fn migrate_converts_stored_addresses_and_the_older_proof_keeps_a_duplicate() {
    let app = TestApp::new().await;
    let owner = app.person("olga").await;
    let id = owner.creates("acme").await;
    app.sql(&format!(
        "INSERT INTO users (id, username, email, email_verified_at, created_at) VALUES
           ('01000000-0000-7000-8000-000000000001', 'older', '{UNICODE}', '2026-01-01', '2026-01-01'),
           ('01000000-0000-7000-8000-000000000002', 'newer', '{ASCII}', '2026-02-01', '2025-01-01'),
           ('01000000-0000-7000-8000-000000000003', 'claims', '{UNICODE}', NULL, '2025-01-01'),
           ('01000000-0000-7000-8000-000000000004', 'first', 'b@xn--bcher-kva.example', '2026-01-01', '2026-01-01'),
           ('01000000-0000-7000-8000-000000000005', 'second', 'b@bücher.example', '2026-02-01', '2025-01-01'),
           ('01000000-0000-7000-8000-000000000006', 'alone', 'c@bücher.example', '2026-02-01', '2025-01-01'),
           ('01000000-0000-7000-8000-000000000007', 'broken', 'd@bü_cher.example', '2026-02-01', '2025-01-01'),
           ('01000000-0000-7000-8000-000000000008', 'local', 'ü@example.org', '2026-02-01', '2025-01-01');
         INSERT INTO invitations (id, organization_id, email, role, created_at, expires_at, sent_requested_at)
         SELECT i.id::uuid, o.id, i.email, 'WORKER', i.at::timestamptz, now() + interval '1 day', now()
         FROM organizations o, (VALUES
           ('01000000-0000-7000-8000-000000000011', '{ASCII}', '2026-01-01'),
           ('01000000-0000-7000-8000-000000000012', '{UNICODE}', '2026-02-01'),
           ('01000000-0000-7000-8000-000000000013', 'e@bücher.example', '2026-02-01')) i (id, email, at);
         INSERT INTO events (workspace_id, type, at, subject_id, email, tied_ids)
         SELECT id, 'INVITATION_CREATED', now(), 'inv_x', '{UNICODE}', '{{}}' FROM organizations",
    ))
    .await;
    for _ in 0..2 {
        guildhall::store::migrate::migrate(&connector(&app.url)).await.expect("it runs");
        let users = "SELECT username || ' ' || coalesce(email, '-') || ' ' || coalesce(email_written, '-')
            || CASE WHEN email_verified_at IS NULL THEN '' ELSE ' proven' END FROM users WHERE username <> 'olga' ORDER BY id";
        assert_eq!(
            app.texts(users).await,
            [
                format!("older {ASCII} {UNICODE} proven"),
                "newer - -".to_owned(),
                "claims - -".to_owned(),
                "first b@xn--bcher-kva.example - proven".to_owned(),
                "second - -".to_owned(),
                "alone c@xn--bcher-kva.example c@bücher.example proven".to_owned(),
                "broken d@bü_cher.example - proven".to_owned(),
                "local ü@example.org - proven".to_owned(),
            ]
        );
        let invitations =
            "SELECT status || ' ' || email || ' ' || coalesce(email_written, '-') FROM invitations ORDER BY id";
        assert_eq!(
            app.texts(invitations).await,
            [
                format!("PENDING {ASCII} -"),
                format!("REVOKED {ASCII} {UNICODE}"),
                "PENDING e@xn--bcher-kva.example e@bücher.example".to_owned(),
            ]
        );
    }
    assert_eq!(app.count("events WHERE type = 'INVITATION_REVOKED'").await, 1, "one event");
    assert_eq!(app.count(&format!("events WHERE email = '{ASCII}'")).await, 2);
    let query = format!(r#"{{ organization(id: "{id}") {{ invitations {{ nodes {{ email }} }} }} }}"#);
    let shown = owner.ask(&query).await.data()["organization"]["invitations"]["nodes"].clone();
    assert!(shown.as_array().expect("a list").iter().any(|node| node["email"] == UNICODE), "{shown}");
    app.close().await;
}

//! Accounts: sign-up, verification of addresses, sign-in, sessions, passwords and deletion.

mod address_proof;
mod delete;
mod email_domains;
mod model;
mod oidc;
mod oidc_attacks;
mod sessions;
mod throttles;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, graphql};

const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "session { accessToken refreshToken accessTokenExpiresAt refreshTokenExpiresAt }";

async fn sign_up(app: &TestApp, input: Value) -> Answer {
    app.nobody_gets(
        "signUp",
        input,
        &format!("{SESSION} viewer {{ email emailVerified user {{ username displayName }} }}"),
    )
    .await
}

async fn sign_in(app: &TestApp, login: &str, password: &str) -> Answer {
    app.nobody_gets("signIn", json!({ "login": login, "password": password }), SESSION).await
}

fn account(name: &str) -> Value {
    json!({ "email": format!("{name}@example.org"), "username": name, "password": PASSWORD })
}

/// Signs up and returns the person with their refresh token.
async fn newcomer(app: &TestApp, name: &str) -> (Person, String) {
    let payload = sign_up(app, account(name)).await.done();
    (as_person(app, name, &payload), payload["session"]["refreshToken"].as_str().expect("a token").to_owned())
}

fn as_person(app: &TestApp, name: &str, payload: &Value) -> Person {
    let token = payload["session"]["accessToken"].as_str().expect("a token").to_owned();
    app.holder(name, token)
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.nobody_gets("refreshSession", json!({ "refreshToken": token }), SESSION).await
}

fn refresh_token(payload: &Value) -> String {
    payload["session"]["refreshToken"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn sign_up_then_verify_email_allows_sign_in_by_username_and_address() {
    let app = TestApp::new().await;
    let payload = sign_up(
        &app,
        json!({ "email": "Ada@Example.org", "username": "Ada", "password": PASSWORD, "displayName": " Ada L. " }),
    )
    .await
    .done();
    assert_eq!(
        payload["viewer"],
        json!({ "email": "ada@example.org", "emailVerified": false, "user": { "username": "ada", "displayName": "Ada L." } })
    );
    let ada = as_person(&app, "ada", &payload);
    assert_eq!(
        sign_in(&app, "ada@example.org", PASSWORD).await.refused(),
        ["INVALID_CREDENTIALS"],
        "the address is not proven"
    );
    sign_in(&app, "ADA", PASSWORD).await.done();
    let token = app.token_to("ada@example.org").await;
    let verify = json!({ "token": token });
    let verified = ada.mutate("verifyEmail", verify.clone(), "viewer { emailVerified }").await.done();
    assert_eq!(verified["viewer"]["emailVerified"], true);
    let again = ada.mutate("verifyEmail", verify, "viewer { emailVerified }").await.done();
    assert_eq!(again, verified, "the same answer");
    sign_in(&app, "ADA@example.org", PASSWORD).await.done();
    for (login, password) in
        [("ada", "wrong"), ("nobody", PASSWORD), ("nobody@example.org", PASSWORD), ("a\u{0}", "\u{0}")]
    {
        assert_eq!(sign_in(&app, login, password).await.refused(), ["INVALID_CREDENTIALS"], "{login:?}");
    }
    app.close().await;
}

#[tokio::test]
async fn sign_up_refuses_each_invalid_input_with_its_code() {
    let app = TestApp::new().await;
    app.person("taken").await;
    let with = |field: &str, value: Value| {
        let mut input = account("fresh");
        input[field] = value;
        input
    };
    for (input, code) in [
        (with("username", json!("TAKEN")), "USERNAME_TAKEN"),
        (with("email", json!("taken@example.org")), "EMAIL_TAKEN"),
        (with("email", json!("nonsense")), "INVALID_FORMAT"),
        (with("email", Value::Null), "REQUIRED"),
        (with("username", json!("a")), "INVALID_FORMAT"),
        (with("password", json!("short")), "PASSWORD_TOO_WEAK"),
        (with("password", json!("password1")), "PASSWORD_TOO_WEAK"),
        (with("password", json!("x".repeat(129))), "TOO_LONG"),
        (with("displayName", json!("x".repeat(65))), "TOO_LONG"),
        (with("invitationToken", json!("nonsense")), "NOT_FOUND"),
    ] {
        assert_eq!(sign_up(&app, input.clone()).await.refused(), [code], "{input}");
    }
    assert_eq!(app.count("users").await, 1);
    app.close().await;
}

#[tokio::test]
async fn verify_email_gives_the_address_to_the_first_account_that_proves_it() {
    let app = TestApp::new().await;
    let (squatter, _) = newcomer(&app, "squatter").await;
    let mut input = account("ada");
    input["email"] = json!(squatter.email());
    let payload = sign_up(&app, input).await.done();
    let ada = as_person(&app, "ada", &payload);
    let token = app.token_to(&squatter.email()).await;
    ada.mutate("verifyEmail", json!({ "token": token }), "viewer { email }").await.done();
    let viewer = squatter.ask("{ viewer { email emailVerified } }").await.data();
    assert_eq!(viewer["viewer"], json!({ "email": null, "emailVerified": false }));
    app.close().await;
}

#[tokio::test]
async fn refresh_session_rotates_tokens_and_reuse_ends_the_session() {
    let app = TestApp::new().await;
    let (_, first) = newcomer(&app, "ada").await;
    let second = refresh_token(&refresh(&app, &first).await.done());
    assert_ne!(first, second);
    assert_eq!(refresh_token(&refresh(&app, &first).await.done()), second, "two tabs get the same successor");
    let third = refresh_token(&refresh(&app, &second).await.done());
    app.env.clock.advance(TimeDelta::seconds(11));
    assert_eq!(refresh(&app, &first).await.refused(), ["INVALID_CREDENTIALS"], "reuse of an old one");
    assert_eq!(refresh(&app, &third).await.refused(), ["INVALID_CREDENTIALS"], "ends the family");
    for nonsense in ["", "nonsense", &first.replace('.', "x"), &"x".repeat(5000)] {
        assert_eq!(refresh(&app, nonsense).await.refused(), ["INVALID_CREDENTIALS"]);
    }
    let signed_in = sign_in(&app, "ada", PASSWORD).await.done();
    let token = refresh_token(&signed_in);
    let sign_out = json!({ "refreshToken": token });
    app.nobody_mutates("signOut", sign_out.clone()).await.done();
    app.nobody_mutates("signOut", sign_out).await.done();
    assert_eq!(refresh(&app, &token).await.refused(), ["INVALID_CREDENTIALS"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_session_gives_fifty_concurrent_refreshes_the_same_successor() {
    let app = TestApp::new().await;
    let (_, token) = newcomer(&app, "ada").await;
    let answers = futures_util::future::join_all((0..50).map(|_| refresh(&app, &token))).await;
    let successors: std::collections::BTreeSet<_> =
        answers.into_iter().map(|answer| refresh_token(&answer.done())).collect();
    assert_eq!(successors.len(), 1);
    app.close().await;
}

#[tokio::test]
async fn reset_password_and_change_password_end_other_sessions() {
    let app = TestApp::new().await;
    let (ada, refresh_before) = newcomer(&app, "ada").await;
    let token = json!({ "token": app.token_to("ada@example.org").await });
    ada.mutate("verifyEmail", token, "clientMutationId").await.done();
    let mails = app.count("mails").await;
    app.nobody_mutates("requestPasswordReset", json!({ "email": "unknown@example.org" })).await.done();
    assert_eq!(app.count("mails").await, mails, "no mail to strangers, and the same answer");
    app.nobody_mutates("requestPasswordReset", json!({ "email": "ADA@example.org" })).await.done();
    let reset = |token: String, password: &str| {
        let input = json!({ "token": token, "newPassword": password });
        async { app.nobody_mutates("resetPassword", input).await }
    };
    let token = app.token_to("ada@example.org").await;
    assert_eq!(reset(token.clone(), "short").await.refused(), ["PASSWORD_TOO_WEAK"]);
    reset(token.clone(), "another horse battery").await.done();
    assert_eq!(reset(token, "a third horse battery").await.refused(), ["INVALID_CREDENTIALS"], "once");
    assert_eq!(refresh(&app, &refresh_before).await.refused(), ["INVALID_CREDENTIALS"], "every session ended");
    assert_eq!(sign_in(&app, "ada", PASSWORD).await.refused(), ["INVALID_CREDENTIALS"]);

    let here = sign_in(&app, "ada", "another horse battery").await.done();
    let there = sign_in(&app, "ada", "another horse battery").await.done();
    let ada = app.holder(&ada.name, as_person(&app, "ada", &here).token);
    let change = |current: &str| {
        let input = json!({ "currentPassword": current, "newPassword": "a fourth horse battery" });
        let ada = ada.clone();
        async move { ada.mutate("changePassword", input, "viewer { email }").await }
    };
    assert_eq!(change("wrong").await.refused(), ["INVALID_CREDENTIALS"]);
    change("another horse battery").await.done();
    refresh(&app, &refresh_token(&here)).await.done();
    assert_eq!(
        refresh(&app, &refresh_token(&there)).await.refused(),
        ["INVALID_CREDENTIALS"],
        "every other session ended"
    );
    app.close().await;
}

#[tokio::test]
async fn reset_password_refuses_an_expired_token() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    app.nobody_mutates("requestPasswordReset", json!({ "email": ada.email() })).await.done();
    let token = app.token_to(&ada.email()).await;
    app.env.clock.advance(TimeDelta::hours(25));
    let late = json!({ "token": token, "newPassword": "another horse battery" });
    assert_eq!(app.nobody_mutates("resetPassword", late).await.refused(), ["INVALID_CREDENTIALS"]);
    app.close().await;
}

#[tokio::test]
async fn update_profile_and_change_email_change_the_viewer() {
    let app = TestApp::new().await;
    let (ada, _) = newcomer(&app, "ada").await;
    app.person("taken").await;
    let id = ada.creates("acme").await;
    let update = |input: Value| {
        let ada = ada.clone();
        async move { ada.mutate("updateProfile", input, "viewer { user { username displayName } }").await }
    };
    let renamed = update(json!({ "username": "Countess", "displayName": "Ada" })).await.done();
    assert_eq!(renamed["viewer"]["user"], json!({ "username": "countess", "displayName": "Ada" }));
    let by_name = r#"{ organization(slug: "acme") { members(orderBy: { field: USERNAME, direction: ASC }) { nodes { user { username } } } } }"#;
    assert_eq!(ada.ask(by_name).await.data()["organization"]["members"]["nodes"][0]["user"]["username"], "countess");
    assert!(id.starts_with("org_"));
    assert_eq!(update(json!({ "username": "taken" })).await.refused(), ["USERNAME_TAKEN"]);
    assert_eq!(update(json!({ "username": null })).await.refused(), ["REQUIRED"]);

    let change = |email: &str, password: &str| {
        let (ada, input) = (ada.clone(), json!({ "email": email, "password": password }));
        async move { ada.mutate("changeEmail", input, "viewer { email }").await }
    };
    assert_eq!(change("new@example.org", "wrong").await.refused(), ["INVALID_CREDENTIALS"]);
    change("taken@example.org", PASSWORD).await.done();
    assert_eq!(app.count("users WHERE email = 'taken@example.org'").await, 1, "nobody is told whose it is");
    let pending = change("new@example.org", PASSWORD).await.done();
    assert_eq!(pending["viewer"]["email"], "ada@example.org", "until the new one is proven");
    let token = app.token_to("new@example.org").await;
    let proven = ada.mutate("verifyEmail", json!({ "token": token }), "viewer { email emailVerified }").await.done();
    assert_eq!(proven["viewer"], json!({ "email": "new@example.org", "emailVerified": true }));
    app.close().await;
}

#[tokio::test]
async fn sign_up_with_an_invitation_token_joins_the_organization() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    ada.invites(&id, "newbie@example.org", "SUPERVISOR").await;
    let token = app.token_to("newbie@example.org").await;
    let with_token = |email: Option<&str>| json!({ "username": "newbie", "password": PASSWORD, "invitationToken": token, "email": email });
    let other = sign_up(&app, with_token(Some("other@example.org"))).await.refused();
    assert_eq!(other.len(), 1, "{other:?}");
    assert_eq!(app.count("users").await, 1);
    let payload = sign_up(&app, with_token(None)).await.done();
    assert_eq!(payload["viewer"]["emailVerified"], true, "the token proves the address");
    let newbie = as_person(&app, "newbie", &payload);
    let seen = newbie.ask(r#"{ organization(slug: "acme") { memberCount viewerMembership { role } } }"#).await.data();
    assert_eq!(seen["organization"], json!({ "memberCount": 2, "viewerMembership": { "role": "SUPERVISOR" } }));
    let again = json!({ "username": "newbie2", "password": PASSWORD, "invitationToken": token });
    let refused = sign_up(&app, again).await.refused();
    assert!(refused == ["EMAIL_TAKEN"] || refused == ["INVITATION_NOT_PENDING"], "{refused:?}");
    ada.invites(&id, "late@example.org", "WORKER").await;
    let token = app.token_to("late@example.org").await;
    app.env.clock.advance(TimeDelta::days(8));
    let late = json!({ "username": "late", "password": PASSWORD, "invitationToken": token });
    assert_eq!(sign_up(&app, late).await.refused(), ["INVITATION_EXPIRED"]);
    assert_eq!(app.count("users").await, 2, "no account is made");
    app.close().await;
}

#[tokio::test]
async fn sign_up_can_be_closed_or_limited_to_invitees() {
    use guildhall::operations::SignUp;
    for (rule, open_to_invitees) in [(SignUp::Invited, true), (SignUp::Closed, false)] {
        let app = TestApp::with(|settings| settings.rules.sign_up = rule).await;
        let ada = app.person("ada").await;
        let id = ada.creates("acme").await;
        assert_eq!(sign_up(&app, account("bob")).await.refused(), ["FORBIDDEN"]);
        ada.invites(&id, "bob@example.org", "WORKER").await;
        let token = app.token_to("bob@example.org").await;
        let invited = sign_up(&app, json!({ "username": "bob", "password": PASSWORD, "invitationToken": token })).await;
        if open_to_invitees {
            invited.done();
        } else {
            assert_eq!(invited.refused(), ["FORBIDDEN"]);
        }
        app.close().await;
    }
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
    assert_eq!(app.count("organizations WHERE status = 'ACTIVE'").await, 1, "what is theirs alone is about to go");
    let after = bob.ask("{ viewer { email } }").await;
    assert_eq!(after.codes(), ["UNAUTHENTICATED"], "a token of an account that is gone");
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test]
async fn sign_in_is_rate_limited_unless_limits_are_off() {
    let app = TestApp::new().await;
    let mut last = Vec::new();
    for _ in 0..15 {
        last = sign_in(&app, "ada", "wrong").await.refused();
    }
    assert_eq!(last, ["RATE_LIMITED"]);
    let app_without = TestApp::with(|settings| settings.rules.rate_limits = false).await;
    for _ in 0..15 {
        assert_eq!(sign_in(&app_without, "ada", "wrong").await.refused(), ["INVALID_CREDENTIALS"]);
    }
    app.close().await;
    app_without.close().await;
}

#[tokio::test]
async fn resend_verification_email_replaces_the_earlier_token() {
    let app = TestApp::new().await;
    let (ada, _) = newcomer(&app, "ada").await;
    let first = app.token_to("ada@example.org").await;
    ada.mutate("resendVerificationEmail", json!({}), "viewer { email }").await.done();
    let second = app.token_to("ada@example.org").await;
    let verify = async |token: &str| ada.mutate("verifyEmail", json!({ "token": token }), "clientMutationId").await;
    assert_eq!(verify(&first).await.refused(), ["INVALID_CREDENTIALS"]);
    verify(&second).await.done();
    let nobody = graphql::send(
        &app.router,
        None,
        "mutation { resendVerificationEmail(input: {}) { viewer { email } } }",
        json!({}),
    )
    .await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

#[tokio::test]
async fn sign_in_payload_selects_the_data_of_the_new_viewer() {
    let app = TestApp::new().await;
    let (ada, _) = newcomer(&app, "ada").await;
    ada.creates("acme").await;
    let input = json!({ "login": "ada", "password": PASSWORD });
    let fields = "viewer { organizations { nodes { slug viewerPermissions members { nodes { organization { slug } user { email } } } } } }";
    let payload = app.nobody_gets("signIn", input, fields).await.done();
    let organization = &payload["viewer"]["organizations"]["nodes"][0];
    assert_eq!(
        organization["members"]["nodes"],
        json!([{ "organization": { "slug": "acme" }, "user": { "email": "ada@example.org" } }])
    );
    app.close().await;
}

/// Long enough, but too common.
const WEAK: &str = "password1";

#[tokio::test]
async fn sign_up_is_rate_limited_before_the_password_is_checked() {
    let app = TestApp::new().await;
    let mut weak = account("ada");
    weak["password"] = json!(WEAK);
    for _ in 0..10 {
        assert_eq!(sign_up(&app, weak.clone()).await.refused(), ["PASSWORD_TOO_WEAK"]);
    }
    assert_eq!(sign_up(&app, weak).await.refused(), ["RATE_LIMITED"]);
    app.close().await;
}

#[tokio::test]
async fn reset_password_looks_up_the_token_before_it_checks_the_new_password() {
    let app = TestApp::new().await;
    let reset = |token: &str| json!({ "token": token, "newPassword": WEAK });
    assert_eq!(app.nobody_mutates("resetPassword", reset("nonsense")).await.refused(), ["INVALID_CREDENTIALS"]);
    let ada = app.person("ada").await;
    app.nobody_mutates("requestPasswordReset", json!({ "email": ada.email() })).await.done();
    let token = app.token_to(&ada.email()).await;
    assert_eq!(app.nobody_mutates("resetPassword", reset(&token)).await.refused(), ["PASSWORD_TOO_WEAK"]);
    app.close().await;
}

#[tokio::test]
async fn change_password_checks_the_current_password_before_the_new_one() {
    let app = TestApp::new().await;
    let (ada, _) = newcomer(&app, "ada").await;
    for (present, code) in [("wrong", "INVALID_CREDENTIALS"), (PASSWORD, "PASSWORD_TOO_WEAK")] {
        let input = json!({ "currentPassword": present, "newPassword": WEAK });
        assert_eq!(ada.mutate("changePassword", input, "viewer { email }").await.refused(), [code]);
    }
    app.close().await;
}

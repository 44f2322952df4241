//! `signUp`: inputs, invitation tokens, and restrictions of the installation.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{PASSWORD, WEAK, account, as_person, sign_in, sign_up};
use crate::support::TestApp;

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
    assert_eq!(again, verified, "a repeat gets the same payload");
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
    assert_eq!(app.count("users").await, 2, "no account is created");
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

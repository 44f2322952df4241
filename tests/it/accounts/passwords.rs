//! `resetPassword` and `changePassword`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{PASSWORD, SESSION, WEAK, as_person, newcomer, sign_in};
use crate::support::{Answer, TestApp};

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.mutate_anonymously_selecting("refreshSession", json!({ "refreshToken": token }), SESSION).await
}

fn refresh_token(payload: &Value) -> String {
    payload["session"]["refreshToken"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn reset_password_and_change_password_end_other_sessions() {
    let app = TestApp::new().await;
    let (ada, refresh_before) = newcomer(&app, "ada").await;
    let token = json!({ "token": app.token_to("ada@example.org").await });
    ada.mutate("verifyEmail", token, "clientMutationId").await.done();
    let mails = app.count("mails").await;
    app.mutate_anonymously("requestPasswordReset", json!({ "email": "unknown@example.org" })).await.done();
    assert_eq!(app.count("mails").await, mails, "an unknown address gets no mail, but the same payload");
    app.mutate_anonymously("requestPasswordReset", json!({ "email": "ADA@example.org" })).await.done();
    let reset = |token: String, password: &str| {
        let input = json!({ "token": token, "newPassword": password });
        async { app.mutate_anonymously("resetPassword", input).await }
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
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ada.email() })).await.done();
    let token = app.token_to(&ada.email()).await;
    app.env.clock.advance(TimeDelta::hours(25));
    let late = json!({ "token": token, "newPassword": "another horse battery" });
    assert_eq!(app.mutate_anonymously("resetPassword", late).await.refused(), ["INVALID_CREDENTIALS"]);
    app.close().await;
}

#[tokio::test]
async fn reset_password_looks_up_the_token_before_it_checks_the_new_password() {
    let app = TestApp::new().await;
    let reset = |token: &str| json!({ "token": token, "newPassword": WEAK });
    assert_eq!(app.mutate_anonymously("resetPassword", reset("nonsense")).await.refused(), ["INVALID_CREDENTIALS"]);
    let ada = app.person("ada").await;
    app.mutate_anonymously("requestPasswordReset", json!({ "email": ada.email() })).await.done();
    let token = app.token_to(&ada.email()).await;
    assert_eq!(app.mutate_anonymously("resetPassword", reset(&token)).await.refused(), ["PASSWORD_TOO_WEAK"]);
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

//! `updateProfile`, `changeEmail`, `verifyEmail` and `resendVerificationEmail`.

use serde_json::{Value, json};

use super::{PASSWORD, account, as_person, newcomer, sign_up};
use crate::support::{TestApp, graphql};

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
    assert_eq!(
        app.count("users WHERE email = 'taken@example.org'").await,
        1,
        "the payload does not disclose that the address is taken"
    );
    let pending = change("new@example.org", PASSWORD).await.done();
    assert_eq!(pending["viewer"]["email"], "ada@example.org", "the address changes when the new one is verified");
    let token = app.token_to("new@example.org").await;
    let proven = ada.mutate("verifyEmail", json!({ "token": token }), "viewer { email emailVerified }").await.done();
    assert_eq!(proven["viewer"], json!({ "email": "new@example.org", "emailVerified": true }));
    app.close().await;
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

//! `signIn`: payload and rate limit.

use serde_json::json;

use super::{PASSWORD, newcomer, sign_in};
use crate::support::TestApp;

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
async fn sign_in_payload_selects_the_data_of_the_new_viewer() {
    let app = TestApp::new().await;
    let (ada, _) = newcomer(&app, "ada").await;
    ada.creates("acme").await;
    let input = json!({ "login": "ada", "password": PASSWORD });
    let fields = "viewer { organizations { nodes { slug viewerPermissions members { nodes { organization { slug } user { email } } } } } }";
    let payload = app.mutate_anonymously_selecting("signIn", input, fields).await.done();
    let organization = &payload["viewer"]["organizations"]["nodes"][0];
    assert_eq!(
        organization["members"]["nodes"],
        json!([{ "organization": { "slug": "acme" }, "user": { "email": "ada@example.org" } }])
    );
    app.close().await;
}

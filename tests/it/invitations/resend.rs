//! `resendInvitation`: renewal of pending and expired invitations.

use chrono::TimeDelta;
use serde_json::json;

use super::{accept_by_token, state};
use crate::support::TestApp;

#[tokio::test]
async fn resend_invitation_renews_an_expired_invitation_with_a_new_token() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let first_token = app.token_to(&bob.email()).await;
    app.env.clock.advance(TimeDelta::days(7));
    let (ada, bob) = (app.again(&ada).await, app.again(&bob).await);
    assert_eq!(state(&ada, &invitation).await["status"], "EXPIRED");
    assert!(state(&ada, &invitation).await["resolvedAt"].is_string());
    assert_eq!(accept_by_token(&bob, &first_token).await.refused(), ["INVITATION_EXPIRED"]);
    let pending = "{ viewer { invitations { totalCount } } }";
    assert_eq!(bob.ask(pending).await.data()["viewer"]["invitations"]["totalCount"], 0);

    let resend = json!({ "invitationId": invitation });
    let renewed = ada
        .mutate("resendInvitation", resend.clone(), "invitation { status resolvedAt delivery { state } }")
        .await
        .done();
    assert_eq!(
        renewed["invitation"],
        json!({ "status": "PENDING", "resolvedAt": null, "delivery": { "state": "QUEUED" } })
    );
    assert_eq!(
        ada.mutate("resendInvitation", resend, "invitation { id }").await.refused(),
        ["RATE_LIMITED"],
        "once a minute"
    );
    assert_eq!(accept_by_token(&bob, &first_token).await.refused(), ["NOT_FOUND"], "the earlier token is invalid");
    let second_token = app.token_to(&bob.email()).await;
    assert_eq!(accept_by_token(&bob, &second_token).await.done()["membership"]["role"], "WORKER");
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_allows_a_maintainer_any_role() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let own = ada.invites(&id, &bob.email(), "MAINTAINER").await;
    bob.accepts(&own).await;
    let invitation = ada.invites(&id, "carol@example.org", "MAINTAINER").await;
    app.env.clock.advance(TimeDelta::minutes(1));
    let resent = bob.mutate("resendInvitation", json!({ "invitationId": invitation }), "invitation { role }").await;
    assert_eq!(resent.done()["invitation"]["role"], "MAINTAINER");
    app.close().await;
}

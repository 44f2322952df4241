//! `declineInvitation` and `revokeInvitation`.

use serde_json::{Value, json};

use super::{accept_by_token, state};
use crate::support::{Person, TestApp};

#[tokio::test]
async fn revoke_invitation_and_decline_invitation_end_an_invitation() {
    let app = TestApp::new().await;
    let (ada, bob, sue) = (app.person("ada").await, app.person("bob").await, app.person("sue").await);
    let id = ada.creates("acme").await;
    sue.accepts(&ada.invites(&id, &sue.email(), "SUPERVISOR").await).await;
    let revoked = ada.invites(&id, &bob.email(), "WORKER").await;
    let token = app.token_to(&bob.email()).await;
    let revoke = |by: &Person, invitation: &str| {
        let (by, input) = (by.clone(), json!({ "invitationId": invitation }));
        async move { by.mutate("revokeInvitation", input, "invitation { status }").await }
    };
    assert_eq!(revoke(&sue, &revoked).await.refused(), ["FORBIDDEN"]);
    assert_eq!(
        revoke(&bob, &revoked).await.refused(),
        ["FORBIDDEN"],
        "the invitee sees the invitation, but can only decline it"
    );
    assert_eq!(revoke(&app.person("eve").await, &revoked).await.refused(), ["NOT_FOUND"]);
    assert_eq!(revoke(&ada, &revoked).await.done()["invitation"]["status"], "REVOKED");
    assert_eq!(accept_by_token(&bob, &token).await.refused(), ["INVITATION_NOT_PENDING"]);

    let declined = ada.invites(&id, &bob.email(), "WORKER").await;
    let input = json!({ "token": app.token_to(&bob.email()).await });
    let answer = app.mutate_anonymously("declineInvitation", input.clone()).await.done();
    assert_eq!(answer["userErrors"], json!([]), "without signing in");
    assert_eq!(app.mutate_anonymously("declineInvitation", input).await.refused(), ["INVITATION_NOT_PENDING"]);
    assert_eq!(state(&ada, &declined).await["status"], "DECLINED");
    assert_eq!(
        app.mutate_anonymously("declineInvitation", json!({ "invitationId": declined })).await.codes(),
        ["UNAUTHENTICATED"]
    );
    app.close().await;
}

#[tokio::test]
async fn decline_invitation_hides_the_account_of_the_address_from_the_inviter() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    bob.mutate("declineInvitation", json!({ "invitationId": invitation }), "invitation { status }").await.done();
    app.log_settles().await;
    let declined = async |by: &Person, rest: &str| {
        let query = format!(
            r#"{{ organization(id: "{id}") {{ events(last: 1{rest}) {{ nodes {{ type actor {{ username }} }} totalCount }} }} }}"#
        );
        by.ask(&query).await.data()["organization"]["events"].clone()
    };
    let event = |actor: Value| json!([{ "type": "INVITATION_DECLINED", "actor": actor }]);
    assert_eq!(declined(&ada, "").await["nodes"], event(Value::Null));
    let by_bob = format!(r#", actorId: "{}""#, bob.id);
    assert_eq!(
        declined(&ada, &by_bob).await,
        json!({ "nodes": [], "totalCount": 0 }),
        "the filter does not disclose the actor"
    );
    let root = app.admin("root").await;
    assert_eq!(declined(&root, &by_bob).await["nodes"], event(json!({ "username": "bob" })));
    app.close().await;
}

//! `acceptInvitation`, by ID and by token.

use serde_json::{Value, json};

use super::{accept_by_token, state};
use crate::support::TestApp;

#[tokio::test]
async fn accept_invitation_makes_the_invitee_a_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, "BOB@example.org", "SUPERVISOR").await;
    let own = "{ viewer { invitations { totalCount nodes { id role organization { slug displayName } viewerPermissions delivery { state } } } } }";
    assert_eq!(
        bob.ask(own).await.data()["viewer"]["invitations"],
        json!({ "totalCount": 1, "nodes": [{
            "id": invitation, "role": "SUPERVISOR", "organization": { "slug": "acme", "displayName": "acme" },
            "viewerPermissions": ["VIEW_INVITATIONS", "ACCEPT_INVITATION", "DECLINE_INVITATION"], "delivery": null,
        }] })
    );
    let glimpse = r#"{ organization(slug: "acme") { slug name description viewerPermissions } }"#;
    assert_eq!(bob.ask(glimpse).await.data()["organization"]["slug"], "acme", "invitees see the name");
    let more = bob.ask(r#"{ organization(slug: "acme") { slug memberCount } }"#).await;
    assert_eq!((more.codes(), &more.body["data"]["organization"]), (vec!["FORBIDDEN"], &Value::Null));

    bob.accepts(&invitation).await;
    let seen = bob
        .ask(r#"{ organization(slug: "acme") { memberCount viewerMembership { role invitedBy { username } } } }"#)
        .await
        .data();
    assert_eq!(
        seen["organization"],
        json!({ "memberCount": 2, "viewerMembership": { "role": "SUPERVISOR", "invitedBy": { "username": "ada" } } })
    );
    let again = bob.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await;
    assert_eq!(again.refused(), ["INVITATION_NOT_PENDING"]);
    assert_eq!(state(&ada, &invitation).await["status"], "ACCEPTED");
    app.close().await;
}

#[tokio::test]
async fn accept_invitation_by_token_requires_an_account_with_the_invited_address() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let bob = app.unverified("bob").await;
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let token = app.token_to(&bob.email()).await;
    assert_eq!(accept_by_token(&eve, &token).await.refused(), ["INVITATION_FOR_ANOTHER"]);
    assert_eq!(accept_by_token(&eve, "nonsense").await.refused(), ["NOT_FOUND"]);
    let by_id = bob.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await;
    assert_eq!(by_id.refused(), ["EMAIL_NOT_VERIFIED"]);
    let by_id = eve.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await;
    assert_eq!(by_id.refused(), ["NOT_FOUND"]);
    let both = json!({ "invitationId": invitation, "token": token });
    assert_eq!(bob.mutate("acceptInvitation", both, "membership { id }").await.refused(), ["REQUIRED"]);

    let preview = format!(
        r#"{{ invitationPreview(token: "{token}") {{ organizationName organizationSlug inviterName role status email accountExists }} }}"#
    );
    assert_eq!(
        app.nobody(&preview).await.data()["invitationPreview"],
        json!({ "organizationName": "acme", "organizationSlug": "acme", "inviterName": "ada", "role": "WORKER",
                "status": "PENDING", "email": bob.email(), "accountExists": false })
    );
    assert_eq!(accept_by_token(&bob, &token).await.done()["membership"]["user"]["username"], "bob");
    let verified = bob.ask("{ viewer { emailVerified } }").await.data();
    assert_eq!(verified["viewer"]["emailVerified"], true, "the token proved the address");
    app.close().await;
}

#[tokio::test]
async fn invitation_token_is_not_found_while_the_organization_is_pending_deletion() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    ada.invites(&id, &bob.email(), "WORKER").await;
    let token = app.token_to(&bob.email()).await;
    app.sql("UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now() + interval '7 d'")
        .await;
    for by in [&bob, &ada] {
        assert_eq!(accept_by_token(by, &token).await.refused(), ["NOT_FOUND"]);
    }
    let input = json!({ "token": token });
    assert_eq!(app.mutate_anonymously("declineInvitation", input).await.refused(), ["NOT_FOUND"]);
    let newcomer = json!({ "username": "newcomer", "password": "a long and winding road", "invitationToken": token });
    let refused = app.mutate_anonymously("signUp", newcomer).await;
    assert_eq!(refused.body["data"]["signUp"]["userErrors"][0]["path"], json!(["input", "invitationToken"]));
    assert_eq!(refused.refused(), ["NOT_FOUND"]);
    let preview = format!(r#"{{ invitationPreview(token: "{token}") {{ status }} }}"#);
    assert_eq!(app.nobody(&preview).await.data()["invitationPreview"], Value::Null);
    app.close().await;
}

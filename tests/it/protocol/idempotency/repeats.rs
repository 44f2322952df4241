//! Payloads of repeated mutations.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{acme, change_role, create};
use crate::support::{Person, TestApp};

#[tokio::test]
async fn idempotency_key_repeat_returns_the_same_object_and_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let first = create(&ada, "acme", "k").await.done();
    assert!(first["organization"]["id"].is_string());
    assert_eq!(create(&ada, "acme", "k").await.done(), first);
    assert_eq!(app.count("organizations").await, 1);
    assert_eq!(app.log().await, ["ORGANIZATION_CREATED", "MEMBER_JOINED"]);
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_repeat_returns_the_current_state() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (id, membership) = acme(&ada, &bob).await;
    change_role(&ada, &membership, "SUPERVISOR", "up").await.done();
    change_role(&ada, &membership, "MAINTAINER", "further").await.done();
    let repeated = change_role(&ada, &membership, "SUPERVISOR", "up").await.done();
    assert_eq!(repeated["membership"]["role"], "MAINTAINER");

    let invite = json!({ "organizationId": id, "idempotencyKey": "k",
        "invitees": [{ "email": "cy@example.org", "role": "WORKER" }] });
    let results = "results { email invitation { id } userErrors { code } }";
    let invited = bob.mutate("inviteMembers", invite.clone(), results).await.done();
    assert!(invited["results"][0]["invitation"]["id"].is_string());
    change_role(&ada, &membership, "WORKER", "down").await.done();
    let repeated = bob.mutate("inviteMembers", invite.clone(), results).await.done();
    let nothing = json!([{ "email": "cy@example.org", "invitation": null, "userErrors": [] }]);
    assert_eq!(repeated["results"], nothing, "workers do not see invitations");

    let removal = json!({ "membershipId": membership, "idempotencyKey": "out" });
    let fields = "removedMembershipId organization { memberCount }";
    let removed = ada.mutate("removeMember", removal.clone(), fields).await.done();
    assert_eq!(removed, ada.mutate("removeMember", removal, fields).await.done());
    assert_eq!(removed["removedMembershipId"], membership);
    let gone = change_role(&ada, &membership, "SUPERVISOR", "up").await.done();
    assert_eq!(gone["membership"], Value::Null, "the membership was removed, but the repeat is not refused");
    app.close().await;
}

#[tokio::test]
async fn invite_members_repeat_returns_the_same_results_and_sends_no_mail() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let invitees = json!([
        { "email": "Bob@Example.org", "role": "WORKER" },
        { "email": "ada@example.org", "role": "WORKER" },
        { "email": "nonsense", "role": "WORKER" },
        { "email": "cy@example.org", "role": "OWNER" },
        { "email": "di@example.org", "role": "MAINTAINER" },
        { "email": "di@example.org", "role": "WORKER" },
    ]);
    let input = json!({ "organizationId": id, "invitees": invitees, "message": "Come.", "idempotencyKey": "k" });
    let fields = "results { email invitation { id email status } userErrors { code message path } }";
    let first = ada.mutate("inviteMembers", input.clone(), fields).await.done();
    let codes = |payload: &Value| -> Vec<String> {
        let results = payload["results"].as_array().expect("results").iter();
        results.map(|result| result["userErrors"][0]["code"].as_str().unwrap_or("ok").to_owned()).collect()
    };
    let expected = ["ok", "ALREADY_MEMBER", "INVALID_FORMAT", "ROLE_NOT_ASSIGNABLE", "ok", "DUPLICATE_IN_REQUEST"];
    assert_eq!(codes(&first), expected);
    let log = app.log().await;
    assert_eq!(ada.mutate("inviteMembers", input.clone(), fields).await.done(), first);
    assert_eq!((app.count("mails").await, app.count("invitations").await), (2, 2));
    assert_eq!(app.log().await, log);
    let stored_addresses = "SELECT count(*) FROM idempotency_keys WHERE result::text LIKE '%example%'";
    assert_eq!(app.number(stored_addresses).await, 0, "no addresses are stored");
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_repeat_sends_no_mail_and_is_not_rate_limited() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, "bob@example.org", "WORKER").await;
    app.env.clock.advance(TimeDelta::minutes(2));
    let resend = |key: &str| {
        let input = json!({ "invitationId": invitation, "idempotencyKey": key });
        let ada = ada.clone();
        async move { ada.mutate("resendInvitation", input, "invitation { id expiresAt }").await }
    };
    let first = resend("k").await.done();
    let token = app.token_to("bob@example.org").await;
    assert_eq!(resend("k").await.done(), first);
    assert_eq!(app.token_to("bob@example.org").await, token);
    assert_eq!(app.count("mails").await, 2);
    assert_eq!(resend("another").await.refused(), ["RATE_LIMITED"]);
    app.close().await;
}

#[tokio::test]
async fn ownership_offer_mutations_run_once_per_idempotency_key() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (id, membership) = acme(&ada, &bob).await;
    let fields = "ownershipOffer { id status }";
    let twice = |person: &Person, mutation: &'static str, field: &'static str, value: Value| {
        let (person, input) = (person.clone(), json!({ field: value, "idempotencyKey": "k" }));
        async move {
            let first = person.mutate(mutation, input.clone(), fields).await.done();
            assert_eq!(person.mutate(mutation, input, fields).await.done(), first, "{mutation}");
            first["ownershipOffer"]["id"].clone()
        }
    };
    let offer = twice(&ada, "offerOwnership", "membershipId", json!(membership)).await;
    twice(&bob, "declineOwnership", "ownershipOfferId", offer).await;
    let offer = |key: &'static str| {
        let (ada, input) = (ada.clone(), json!({ "membershipId": membership, "idempotencyKey": key }));
        async move { ada.mutate("offerOwnership", input, fields).await.done()["ownershipOffer"]["id"].clone() }
    };
    twice(&ada, "cancelOwnershipOffer", "ownershipOfferId", offer("second").await).await;
    let input = json!({ "ownershipOfferId": offer("third").await, "idempotencyKey": "k" });
    let fields = "ownershipOffer { status } organization { owner { username } }";
    let accepted = bob.mutate("acceptOwnership", input.clone(), fields).await.done();
    assert_eq!(accepted["organization"]["owner"]["username"], "bob");
    assert_eq!(bob.mutate("acceptOwnership", input, fields).await.done(), accepted);

    let leave = json!({ "organizationId": id, "idempotencyKey": "k" });
    let left = ada.mutate("leaveOrganization", leave.clone(), "leftMembershipId").await.done();
    assert_eq!(ada.mutate("leaveOrganization", leave, "leftMembershipId").await.done(), left);
    let count = |log: &[String], kind: &str| log.iter().filter(|event| *event == kind).count();
    let log = app.log().await;
    assert_eq!((count(&log, "OWNERSHIP_TRANSFERRED"), count(&log, "MEMBER_LEFT")), (1, 1));
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test]
async fn accept_invitation_and_decline_invitation_run_once_per_idempotency_key() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    for (mutation, fields) in [
        ("declineInvitation", "invitation { id status }"),
        ("acceptInvitation", "invitation { id status } membership { id role }"),
    ] {
        let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
        let input = json!({ "invitationId": invitation, "idempotencyKey": "k" });
        let first = bob.mutate(mutation, input.clone(), fields).await.done();
        assert_eq!(first["invitation"]["id"], invitation);
        assert_eq!(bob.mutate(mutation, input, fields).await.done(), first);
        let bare = json!({ "invitationId": invitation });
        assert_eq!(bob.mutate(mutation, bare, fields).await.refused(), ["INVITATION_NOT_PENDING"]);
    }
    app.close().await;
}

#[tokio::test]
async fn decline_invitation_by_token_repeats_without_sign_in() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut tokens = Vec::new();
    for email in ["bob@example.org", "cy@example.org"] {
        ada.invites(&id, email, "WORKER").await;
        tokens.push(app.token_to(email).await);
    }
    let decline = |token: &str, key: &str| {
        let input = json!({ "token": token, "idempotencyKey": key });
        let app = &app;
        async move { app.mutate_anonymously_selecting("declineInvitation", input, "invitation { id }").await }
    };
    assert_eq!(decline(&tokens[0], "k").await.done()["invitation"], Value::Null);
    decline(&tokens[0], "k").await.done();
    assert_eq!(decline(&tokens[0], "other").await.refused(), ["INVITATION_NOT_PENDING"]);
    decline(&tokens[1], "k").await.done();
    assert_eq!(decline("unknown", "k").await.refused(), ["NOT_FOUND"]);
    let declined = app.log().await.into_iter().filter(|event| event == "INVITATION_DECLINED").count();
    assert_eq!(declined, 2, "one for each token");
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_repeat_without_sign_in_is_unauthenticated() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    create(&ada, "acme", "k").await.done();
    let input = json!({ "slug": "acme", "idempotencyKey": "k" });
    assert_eq!(app.mutate_anonymously("createOrganization", input).await.codes(), ["UNAUTHENTICATED"]);
    app.close().await;
}

//! When a key is stored, and when it expires.

use chrono::TimeDelta;
use guildhall::operations::maintenance::schedule;
use serde_json::json;

use super::{acme, change_role, create};
use crate::support::TestApp;

#[tokio::test]
async fn idempotency_key_is_not_stored_for_a_refused_mutation() {
    let app = TestApp::new().await;
    let (ada, bob, cy) = (app.person("ada").await, app.person("bob").await, app.person("cyd").await);
    let (id, membership) = acme(&ada, &bob).await;
    let of_cy = cy.accepts(&ada.invites(&id, &cy.email(), "WORKER").await).await;
    assert_eq!(change_role(&bob, &of_cy, "SUPERVISOR", "k").await.refused(), ["FORBIDDEN"]);
    assert_eq!(app.count("idempotency_keys").await, 0);
    change_role(&ada, &membership, "MAINTAINER", "k").await.done();
    let changed = change_role(&bob, &of_cy, "SUPERVISOR", "k").await.done();
    assert_eq!(changed["membership"]["role"], "SUPERVISOR");
    assert_eq!(app.count("idempotency_keys").await, 2);
    app.close().await;
}

#[tokio::test]
async fn invite_members_without_a_new_invitation_does_not_store_the_key() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    for policy in ["SKIP", "REJECT_ALL"] {
        let invitation = ada.invites(&id, "bob@example.org", "WORKER").await;
        let input = json!({ "organizationId": id, "onError": policy, "idempotencyKey": policy,
            "invitees": [{ "email": "bob@example.org", "role": "WORKER" }] });
        let fields = "results { invitation { id } userErrors { code } }";
        let invite = || ada.mutate("inviteMembers", input.clone(), fields);
        let none = invite().await.data()["inviteMembers"]["results"][0].clone();
        assert_eq!(none, json!({ "invitation": null, "userErrors": [{ "code": "ALREADY_INVITED" }] }));
        ada.mutate("revokeInvitation", json!({ "invitationId": invitation }), "invitation { id }").await.done();
        let second = invite().await.done();
        let made = second["results"][0]["invitation"]["id"].clone();
        assert!(made.is_string(), "{policy}: {second}");
        assert_eq!(invite().await.done(), second);
        ada.mutate("revokeInvitation", json!({ "invitationId": made }), "invitation { id }").await.done();
    }
    app.close().await;
}

#[tokio::test]
async fn idempotency_key_expires_after_a_day_and_is_deleted_by_the_sweep() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let first = create(&ada, "acme", "k").await.done();
    create(&ada, "second", "swept").await.done();
    app.env.clock.advance(TimeDelta::hours(24) - TimeDelta::minutes(1));
    let ada = app.again(&ada).await;
    assert_eq!(create(&ada, "acme", "k").await.done(), first);
    schedule::sweep(&app.env.store, &app.env.clock).await.expect("a sweep");
    assert_eq!(app.count("idempotency_keys").await, 2, "keys are kept for a day");

    app.env.clock.advance(TimeDelta::minutes(2));
    assert_eq!(create(&ada, "acme", "k").await.refused(), ["SLUG_TAKEN"], "an expired key does not repeat the result");
    let other = create(&ada, "other", "k").await.done();
    assert_ne!(other["organization"]["id"], first["organization"]["id"]);
    assert_eq!(create(&ada, "other", "k").await.done(), other, "the expired key was replaced");
    schedule::sweep(&app.env.store, &app.env.clock).await.expect("a sweep");
    let left = "SELECT count(*) FROM idempotency_keys WHERE key = 'k'";
    assert_eq!((app.number(left).await, app.count("idempotency_keys").await), (1, 1));
    app.close().await;
}

#[tokio::test]
async fn sweep_deletes_more_than_one_batch_of_idempotency_keys() {
    let app = TestApp::new().await;
    app.sql(
        "INSERT INTO idempotency_keys (scope_id, mutation, key, input_hash, created_at)
         SELECT gen_random_uuid(), 'createOrganization', n::text, '\\x00', now() - interval '25 h' FROM generate_series(1, 1200) n",
    )
    .await;
    assert_eq!(schedule::sweep(&app.env.store, &app.env.clock).await.expect("a sweep"), 1200);
    assert_eq!(app.count("idempotency_keys").await, 0);
    app.close().await;
}

//! Concurrent offers of ownership and concurrent responses to them.

use serde_json::json;

use crate::support::TestApp;
use crate::support::concurrency::{MANY, at_once, counts, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offer_ownership_fifty_times_concurrently_leaves_one_pending() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let answers = at_once(|_| {
        let (ada, input) = (ada.clone(), json!({ "membershipId": membership }));
        async move { ada.mutate("offerOwnership", input, "ownershipOffer { id }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("OFFER_ALREADY_PENDING", MANY - 1)]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_ownership_against_cancel_and_removal_leaves_exactly_one_owner() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for round in 0..5 {
        let id = ada.creates(&format!("org-{round}")).await;
        let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
        let input = json!({ "membershipId": membership });
        let made = ada.mutate("offerOwnership", input, "ownershipOffer { id }").await.done();
        let offer = made["ownershipOffer"]["id"].clone();
        let answers = at_once(|n| {
            let (ada, bob, id) = (ada.clone(), bob.clone(), id.clone());
            let (answer, removal) = (json!({ "ownershipOfferId": offer }), json!({ "membershipId": membership }));
            async move {
                match (n + round) % 5 {
                    0 | 1 => bob.mutate("acceptOwnership", answer, "ownershipOffer { status }").await,
                    2 => ada.mutate("cancelOwnershipOffer", answer, "ownershipOffer { status }").await,
                    3 => ada.mutate("removeMember", removal, "removedMembershipId").await,
                    _ => bob.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await,
                }
            }
        })
        .await;
        let tally = tally(answers);
        let clean =
            ["ok", "OFFER_NOT_PENDING", "NOT_FOUND", "FORBIDDEN", "OWNER_CANNOT_LEAVE", "OWNER_CANNOT_BE_CHANGED"];
        assert!(tally.keys().all(|code| clean.contains(&code.as_str())), "{tally:?}");
        app.check_invariants().await;
        // The offer has one final status, and the owner is the person that this status implies.
        let settled = "SELECT count(*) FROM ownership_offers f JOIN organizations o ON o.id = f.organization_id
            WHERE o.owner_id = CASE f.status WHEN 'ACCEPTED' THEN f.to_id WHEN 'CANCELLED' THEN f.from_id END";
        assert_eq!(app.number(settled).await, round as i64 + 1);
        let ends = "SELECT count(*) FROM events WHERE type = 'OWNERSHIP_OFFER_RESOLVED'";
        assert_eq!(app.number(ends).await, round as i64 + 1, "one event for each offer");
    }
    app.close().await;
}

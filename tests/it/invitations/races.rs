//! Concurrent `acceptInvitation`, `inviteMembers` and `revokeInvitation`: the right number of them succeed.

use serde_json::json;

use crate::support::TestApp;
use crate::support::concurrency::{MANY, at_once, counts, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_fifty_times_concurrently_creates_one_member() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let answers = at_once(|_| {
        let (bob, input) = (bob.clone(), json!({ "invitationId": invitation }));
        async move { bob.mutate("acceptInvitation", input, "membership { id }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("INVITATION_NOT_PENDING", MANY - 1)]));
    assert_eq!(app.count("memberships").await, 2);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_members_fifty_times_concurrently_leaves_one_pending_per_address() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let input = json!({ "organizationId": id, "onError": "REJECT_ALL", "invitees": [{ "email": "bob@example.org", "role": "WORKER" }] });
    let answers = at_once(|_| {
        let (ada, input) = (ada.clone(), input.clone());
        async move { ada.mutate("inviteMembers", input, "results { email }").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("ALREADY_INVITED", MANY - 1)]));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_against_revoke_invitation_has_one_winner() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    for _ in 0..5 {
        let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
        let answers = at_once(|n| {
            let (ada, bob, input) = (ada.clone(), bob.clone(), json!({ "invitationId": invitation }));
            async move {
                if n % 2 == 0 {
                    bob.mutate("acceptInvitation", input, "membership { id }").await
                } else {
                    ada.mutate("revokeInvitation", input, "invitation { status }").await
                }
            }
        });
        assert_eq!(tally(answers.await), counts([("ok", 1), ("INVITATION_NOT_PENDING", MANY - 1)]));
        let query =
            format!(r#"{{ invitation(id: "{invitation}") {{ status }} organization(id: "{id}") {{ memberCount }} }}"#);
        let data = ada.ask(&query).await.data();
        let accepted = data["invitation"]["status"] == "ACCEPTED";
        assert_eq!(data["organization"]["memberCount"], if accepted { 2 } else { 1 });
        if accepted {
            bob.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await.done();
        }
        app.check_invariants().await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_during_update_profile_stores_the_new_names() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for round in 0..10 {
        let id = ada.creates(&format!("org-{round}")).await;
        let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
        let renamed = json!({ "username": format!("bob-{round}"), "displayName": format!("Bob {round}") });
        let accepted = bob.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }");
        let (accepted, renamed) = tokio::join!(accepted, bob.mutate("updateProfile", renamed, "viewer { email }"));
        accepted.done();
        renamed.done();
    }
    let stale = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
        WHERE (m.username, m.shown_name) <> (u.username, u.shown_name)";
    assert_eq!(app.number(stale).await, 0);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_succeeds_while_the_inviter_deletes_the_account() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    let mut invited = Vec::new();
    for n in 0..MANY - 1 {
        let person = app.person(&format!("person{n}")).await;
        let invitation = bob.invites(&id, &person.email(), "WORKER").await;
        invited.push((person, invitation));
    }
    bob.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await.done();
    let answers = at_once(|n| {
        let (bob, invited) = (bob.clone(), invited.get(n).cloned());
        async move {
            match invited {
                Some((person, invitation)) => {
                    person.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }").await
                }
                None => bob.mutate("deleteAccount", json!({ "confirmUsername": "bob" }), "deletedUserId").await,
            }
        }
    })
    .await;
    assert_eq!(tally(answers), counts([("ok", MANY)]));
    app.close().await;
}

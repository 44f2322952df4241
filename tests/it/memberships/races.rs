//! Concurrent changes of members: roles, removal, leaving and joining.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::concurrency::{MANY, at_once, tally};
use crate::support::{Office, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_member_role_against_remove_member_leaves_the_member_removed() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let answers = at_once(|n| {
        let (ada, membership) = (ada.clone(), membership.clone());
        async move {
            if n == MANY / 2 {
                ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await
            } else {
                let role = ["SUPERVISOR", "WORKER"][n % 2];
                let input = json!({ "membershipId": membership, "role": role });
                ada.mutate("changeMemberRole", input, "membership { role }").await
            }
        }
    });
    let tally = tally(answers.await);
    assert_eq!(tally.keys().filter(|code| *code != "ok" && *code != "NOT_FOUND").count(), 0, "{tally:?}");
    assert_eq!(tally.values().sum::<usize>(), MANY);
    assert_eq!(app.count("memberships").await, 1);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_member_role_demotion_stops_later_invitations_of_the_maintainer() {
    let app = TestApp::new().await;
    let (ada, max) = (app.person("ada").await, app.person("max").await);
    let id = ada.creates("acme").await;
    let max_id = max.accepts(&ada.invites(&id, &max.email(), "MAINTAINER").await).await;
    let answers = at_once(|n| {
        let (ada, max, id, max_id) = (ada.clone(), max.clone(), id.clone(), max_id.clone());
        async move {
            if n == 10 {
                let input = json!({ "membershipId": max_id, "role": "WORKER" });
                ada.mutate("changeMemberRole", input, "membership { role }").await
            } else {
                let input = json!({ "organizationId": id, "invitees": [{ "email": format!("p{n}@example.org"), "role": "WORKER" }] });
                max.mutate("inviteMembers", input, "results { email }").await
            }
        }
    });
    let tally = tally(answers.await);
    assert_eq!(tally.keys().filter(|code| *code != "ok" && *code != "FORBIDDEN").count(), 0, "{tally:?}");
    // The log contains no invitation by the maintainer after the demotion.
    let log = app.log().await;
    let demoted = log.iter().position(|kind| kind == "MEMBER_ROLE_CHANGED").expect("the demotion");
    let after = app.log_after("MEMBER_ROLE_CHANGED").await;
    assert!(demoted > 0 && after.iter().all(|kind| kind != "INVITATION_CREATED"), "{after:?}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leave_organization_and_accept_invitation_concurrently_keep_the_count() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut people = Vec::new();
    for n in 0..20 {
        let person = app.person(&format!("person-{n}")).await;
        let invitation = ada.invites(&id, &person.email(), "WORKER").await;
        people.push((person, invitation));
    }
    for (person, invitation) in people.iter().take(10) {
        person.accepts(invitation).await;
    }
    let moves = people.iter().enumerate().map(|(n, (person, invitation))| {
        let (person, invitation, id) = (person.clone(), invitation.clone(), id.clone());
        tokio::spawn(async move {
            if n < 10 {
                person.mutate("leaveOrganization", json!({ "organizationId": id }), "leftMembershipId").await.done();
            } else {
                person.accepts(&invitation).await;
            }
        })
    });
    for moved in join_all(moves).await {
        moved.expect("a response");
    }
    app.check_invariants().await;
    let data =
        ada.ask(&format!(r#"{{ organization(id: "{id}") {{ memberCount members {{ totalCount }} }} }}"#)).await.data();
    assert_eq!(data["organization"], json!({ "memberCount": 11, "members": { "totalCount": 11 } }));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_profile_and_remove_member_concurrently_do_not_deadlock() {
    let office = Office::new().await;
    for round in 0..20 {
        // The removal also resets the selected workspace of the member.
        let wes = &office.other;
        let select = json!({ "workspaceId": office.id });
        wes.mutate("selectWorkspace", select, "clientMutationId").await.done();
        let removal = json!({ "membershipId": office.membership(wes).await });
        let name = |n: usize| json!({ "displayName": format!("Wes {round}.{n}") });
        let (removed, first, second) = tokio::join!(
            office.owner.mutate("removeMember", removal, "organization { id }"),
            wes.mutate("updateProfile", name(1), "viewer { email }"),
            wes.mutate("updateProfile", name(2), "viewer { email }"),
        );
        for answer in [removed, first, second] {
            answer.done();
        }
        wes.accepts(&office.owner.invites(&office.id, &wes.email(), "WORKER").await).await;
    }
    let stale =
        "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.shown_name <> u.shown_name";
    assert_eq!(office.app.number(stale).await, 0);
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organization_lock_waiters_are_refused_after_a_demotion_commits() {
    let office = Office::new().await;
    let Office { app, id, owner, maintainer, .. } = &office;
    let invitation = owner.invites(id, "guest@example.org", "WORKER").await;
    let membership = office.membership(&office.worker).await;
    let (mut other, connection) = tokio_postgres::connect(&app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let demotion = other.transaction().await.expect("a transaction");
    let demote = "SELECT FROM organizations FOR NO KEY UPDATE;
        UPDATE memberships SET role = 'WORKER' WHERE role = 'MAINTAINER'";
    demotion.batch_execute(demote).await.expect("a demotion");

    let attempts = [
        ("changeMemberRole", json!({ "membershipId": membership, "role": "SUPERVISOR" })),
        ("removeMember", json!({ "membershipId": membership })),
        ("revokeInvitation", json!({ "invitationId": invitation })),
        (
            "inviteMembers",
            json!({ "organizationId": id, "invitees": [{ "email": "p@example.org", "role": "WORKER" }] }),
        ),
        ("updateOrganization", json!({ "organizationId": id, "name": "Mine" })),
    ];
    let all = attempts.len() as i64;
    let attempts = attempts.map(|(mutation, input)| {
        let maintainer = maintainer.clone();
        tokio::spawn(async move { maintainer.mutate(mutation, input, "clientMutationId").await })
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while app.number(waiting).await < all {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    demotion.commit().await.expect("a commit");
    for attempt in attempts {
        assert_eq!(attempt.await.expect("an answer").refused(), ["FORBIDDEN"]);
    }
    office.app.close().await;
}

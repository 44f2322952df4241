//! Concurrent mutations never exceed the limits of a plan.

use serde_json::json;

use super::{add_workers, app_with_limits, organization_above_limits};
use crate::support::concurrency::{MANY, at_once, counts, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_fifty_times_concurrently_stops_at_the_plan_limit() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    for (round, most) in [(0, 1), (1, 3)] {
        if round == 1 {
            let input = json!({ "workspaceId": ada.id.replace("usr_", "pws_"), "tier": "SOLO" });
            ada.mutate("changePlan", input, "clientMutationId").await.done();
        }
        let before = usize::try_from(app.count("organizations").await).expect("a count");
        let answers = at_once(|n| {
            let ada = ada.clone();
            let document = format!(
                r#"mutation {{ createOrganization(input: {{ slug: "acme-{round}-{n}" }}) {{ userErrors {{ code limit {{ kind used max }} }} }} }}"#
            );
            async move { ada.ask(&document).await }
        })
        .await;
        for answer in &answers {
            let errors = &answer.body["data"]["createOrganization"]["userErrors"];
            let limit = json!({ "kind": "OWNED_ORGANIZATIONS", "used": most, "max": most });
            let refused = json!([{ "code": "LIMIT_EXCEEDED", "limit": limit }]);
            assert!(*errors == json!([]) || *errors == refused, "{errors}");
        }
        let made = most - before;
        assert_eq!(tally(answers), counts([("ok", made), ("LIMIT_EXCEEDED", MANY - made)]));
        assert_eq!(app.number(&format!("SELECT {most} - count(*) FROM organizations")).await, 0);
    }
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_members_fifty_times_concurrently_never_exceeds_the_seats() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    add_workers(&app, &id, 6).await;
    for (seats, code) in [(10, "LIMIT_EXCEEDED"), (14, "SEATS_EXHAUSTED")] {
        if seats > 10 {
            let input = json!({ "workspaceId": id, "tier": "TEAM", "seats": seats });
            ada.mutate("changePlan", input, "clientMutationId").await.done();
        }
        let answers = at_once(|n| {
            let (ada, email) = (ada.clone(), format!("guest-{seats}-{n}@example.org"));
            let input = json!({ "organizationId": id, "invitees": [{ "email": email, "role": "WORKER" }] });
            let fields = "results { userErrors { code limit { kind used max } } }";
            async move { ada.mutate("inviteMembers", input, fields).await }
        })
        .await;
        let mut refused = 0;
        for answer in answers {
            let errors = answer.done()["results"][0]["userErrors"].clone();
            let limit = (seats == 10).then(|| json!({ "kind": "MEMBERS", "used": 10, "max": 10 }));
            if errors != json!([]) {
                assert_eq!(errors, json!([{ "code": code, "limit": limit }]));
                refused += 1;
            }
        }
        let taken =
            "SELECT member_count + (SELECT count(*) FROM invitations WHERE status = 'PENDING') FROM organizations";
        assert_eq!((app.number(taken).await, refused), (seats, MANY - if seats == 10 { 3 } else { 4 }));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_invitation_concurrently_never_exceeds_the_member_limit() {
    let app = app_with_limits().await;
    let (_, _, guests) = organization_above_limits(&app, 4, 9).await;
    let accepts = guests.iter().map(|(guest, invitation)| {
        guest.mutate("acceptInvitation", json!({ "invitationId": invitation }), "membership { id }")
    });
    let outcomes = tally(futures_util::future::join_all(accepts).await);
    assert_eq!(outcomes, counts([("ok", 5), ("LIMIT_EXCEEDED", 4)]));
    assert_eq!(app.number("SELECT member_count::bigint FROM organizations").await, 10);
    app.check_invariants().await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_plan_against_invite_members_never_leaves_too_few_seats() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let buy = |seats: usize| {
        let (ada, input) = (ada.clone(), json!({ "workspaceId": id, "tier": "TEAM", "seats": seats }));
        async move { ada.mutate("changePlan", input, "clientMutationId").await }
    };
    buy(30).await.done();
    let answers = at_once(|n| {
        let (ada, buy) = (ada.clone(), (n % 2 == 0).then(|| buy(1 + n / 2)));
        let email = format!("guest-{n}@example.org");
        let input = json!({ "organizationId": id, "invitees": [{ "email": email, "role": "WORKER" }] });
        async move {
            match buy {
                Some(buy) => buy.await,
                None => ada.mutate("inviteMembers", input, "results { email }").await,
            }
        }
    });
    let outcomes = tally(answers.await);
    assert!(outcomes.keys().all(|code| code == "ok" || code == "OUT_OF_RANGE"), "{outcomes:?}");
    let left = "SELECT seats - 1 - (SELECT count(*) FROM invitations WHERE status = 'PENDING') FROM plans";
    assert!(app.number(left).await >= 0);
    app.close().await;
}

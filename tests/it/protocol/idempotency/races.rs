//! Concurrent requests with one idempotency key.

use serde_json::{Value, json};

use super::{acme, change_role, create};
use crate::support::concurrency::{MANY, at_once, counts, tally};
use crate::support::{Answer, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_fifty_times_with_one_key_returns_one_organization() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let answers = at_once(|_| {
        let ada = ada.clone();
        async move { create(&ada, "acme", "k").await }
    });
    let mut payloads: Vec<Value> = answers.await.into_iter().map(Answer::done).collect();
    payloads.dedup();
    assert_eq!(payloads.len(), 1, "all payloads are equal");
    assert!(payloads[0]["organization"]["id"].is_string());
    assert_eq!(app.count("organizations").await, 1);
    assert_eq!(app.log().await, ["ORGANIZATION_CREATED", "MEMBER_JOINED"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_organization_with_fifty_inputs_and_one_key_creates_one() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let answers = at_once(|n| {
        let ada = ada.clone();
        async move { create(&ada, &format!("acme-{n}"), "k").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", 1), ("IDEMPOTENCY_KEY_REUSED", MANY - 1)]));
    assert_eq!(app.count("organizations").await, 1);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn change_member_role_fifty_times_with_one_key_writes_one_event() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (_, membership) = acme(&ada, &bob).await;
    let answers = at_once(|_| {
        let (ada, membership) = (ada.clone(), membership.clone());
        async move { change_role(&ada, &membership, "SUPERVISOR", "k").await }
    });
    assert_eq!(tally(answers.await), counts([("ok", MANY)]));
    assert_eq!(app.log_after("MEMBER_JOINED").await, ["MEMBER_ROLE_CHANGED"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invite_members_fifty_times_with_one_key_sends_one_mail() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let input = json!({ "organizationId": id, "onError": "REJECT_ALL", "idempotencyKey": "k",
        "invitees": [{ "email": "bob@example.org", "role": "WORKER" }] });
    let answers = at_once(|_| {
        let (ada, input) = (ada.clone(), input.clone());
        async move { ada.mutate("inviteMembers", input, "results { invitation { id } }").await }
    });
    let mut payloads: Vec<Value> = answers.await.into_iter().map(Answer::done).collect();
    payloads.dedup();
    assert_eq!(payloads.len(), 1, "all payloads are equal; without a key all but one would be ALREADY_INVITED");
    assert_eq!(app.count("mails").await, 1);
    app.close().await;
}

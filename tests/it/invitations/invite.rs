//! `inviteMembers`: results for each invitee, permission, and limits.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::state;
use crate::support::{Person, TestApp};

#[tokio::test]
async fn invite_members_returns_a_result_for_each_invitee() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    ada.invites(&id, "waiting@example.org", "WORKER").await;
    let invitees = json!([
        { "email": "new@example.org", "role": "WORKER" },
        { "email": "NEW@example.org", "role": "WORKER" },
        { "email": "nonsense", "role": "WORKER" },
        { "email": ada.email(), "role": "WORKER" },
        { "email": "waiting@example.org", "role": "WORKER" },
        { "email": "other@example.org", "role": "MAINTAINER" },
    ]);
    let fields = "results { email invitation { email status } userErrors { code path } }";
    let invite = |on_error: &str| {
        let input = json!({ "organizationId": id, "invitees": invitees, "onError": on_error });
        let bob = bob.clone();
        async move { bob.mutate("inviteMembers", input, fields).await.data()["inviteMembers"].clone() }
    };
    let codes = |payload: &Value| {
        let results = payload["results"].as_array().expect("results").iter();
        results.map(|result| result["userErrors"][0]["code"].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>()
    };
    let problems =
        ["DUPLICATE_IN_REQUEST", "INVALID_FORMAT", "ALREADY_MEMBER", "ALREADY_INVITED", "ROLE_NOT_ASSIGNABLE"];
    let before = app.count("invitations").await;
    let rejected = invite("REJECT_ALL").await;
    assert_eq!(codes(&rejected)[1..], problems);
    assert_eq!(rejected["userErrors"].as_array().map(Vec::len), Some(5));
    assert_eq!(app.count("invitations").await, before, "nothing is written");
    let skipped = invite("SKIP").await;
    assert_eq!(codes(&skipped)[1..], problems);
    assert_eq!(skipped["userErrors"], json!([]));
    assert_eq!(skipped["results"][0]["invitation"], json!({ "email": "new@example.org", "status": "PENDING" }));
    assert_eq!(skipped["results"][5]["userErrors"][0]["path"], json!(["input", "invitees", "5", "role"]));
    assert_eq!(app.count("invitations").await, before + 1);
    app.close().await;
}

#[tokio::test]
async fn invite_members_refuses_callers_without_permission_and_bad_lists() {
    let app = TestApp::new().await;
    let (ada, sue, eve) = (app.person("ada").await, app.person("sue").await, app.person("eve").await);
    let newbie = app.unverified("newbie").await;
    let id = ada.creates("acme").await;
    sue.accepts(&ada.invites(&id, &sue.email(), "SUPERVISOR").await).await;
    let own = newbie.creates("newbies").await;
    let invite = |by: &Person, organization: &str, invitees: Value| {
        let (by, input) = (by.clone(), json!({ "organizationId": organization, "invitees": invitees }));
        async move { by.mutate("inviteMembers", input, "results { email }").await.refused() }
    };
    let one = json!([{ "email": "x@example.org", "role": "WORKER" }]);
    assert_eq!(invite(&sue, &id, one.clone()).await, ["FORBIDDEN"]);
    assert_eq!(invite(&eve, &id, one.clone()).await, ["NOT_FOUND"]);
    assert_eq!(invite(&newbie, &own, one.clone()).await, ["EMAIL_NOT_VERIFIED"]);
    assert_eq!(invite(&ada, &id, json!([])).await, ["OUT_OF_RANGE"]);
    let many: Vec<_> = (0..101).map(|n| json!({ "email": format!("p{n}@example.org"), "role": "WORKER" })).collect();
    assert_eq!(invite(&ada, &id, json!(many)).await, ["TOO_LONG"]);
    assert_eq!(invite(&ada, &ada.id, one).await, ["INVALID_FORMAT"]);
    assert_eq!(app.count("invitations").await, 1);
    app.close().await;
}

#[tokio::test]
async fn invite_members_is_limited_to_a_hundred_mails_a_day() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let invite = |from: u32, to: u32| {
        let people: Vec<_> =
            (from..to).map(|n| json!({ "email": format!("p{n}@example.org"), "role": "WORKER" })).collect();
        let (ada, input) = (ada.clone(), json!({ "organizationId": id, "invitees": people }));
        async move { ada.mutate("inviteMembers", input, "results { invitation { id } }").await }
    };
    assert_eq!(invite(0, 99).await.done()["results"].as_array().map(Vec::len), Some(99));
    let refused = invite(99, 101).await.data();
    assert_eq!(refused["inviteMembers"]["userErrors"][0]["code"], "RATE_LIMITED");
    assert!(refused["inviteMembers"]["userErrors"][0]["retryAt"].is_string());
    assert!(refused["inviteMembers"]["results"].is_null());
    invite(99, 100).await.done();
    app.close().await;
}

#[tokio::test]
async fn invite_members_accepts_an_address_with_an_expired_invitation() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let first = ada.invites(&id, "bob@example.org", "WORKER").await;
    app.env.clock.advance(TimeDelta::days(8));
    let ada = app.again(&ada).await;
    let second = ada.invites(&id, "bob@example.org", "SUPERVISOR").await;
    assert_eq!(state(&ada, &first).await["status"], "EXPIRED");
    assert_eq!(state(&ada, &second).await["status"], "PENDING");
    let resend = ada.mutate("resendInvitation", json!({ "invitationId": first }), "invitation { id }").await;
    assert_eq!(resend.refused(), ["ALREADY_INVITED"]);

    app.env.clock.advance(TimeDelta::days(8));
    let ada = app.again(&ada).await;
    ada.mutate("resendInvitation", json!({ "invitationId": first }), "invitation { id }").await.done();
    assert_eq!(state(&ada, &first).await["status"], "PENDING");
    assert_eq!(state(&ada, &second).await["status"], "EXPIRED", "an expired invitation does not block the address");
    assert_eq!(app.log().await[..].last_chunk().unwrap(), &["INVITATION_EXPIRED", "INVITATION_RESENT"]);
    app.close().await;
}

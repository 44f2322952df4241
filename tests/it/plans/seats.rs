//! Seats: members and pending invitations of an organization.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{LIMIT, add_workers, app_with_limits, invitees, organization_fields};

#[tokio::test]
async fn invite_members_gives_the_last_seats_to_the_first_invitees() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    add_workers(&app, &id, 7).await;
    let fields = format!("results {{ invitation {{ id }} userErrors {{ code path {LIMIT} }} }}");
    let mut input = invitees(&id, 0..4);
    input["invitees"][0]["email"] = json!("no address");
    input["onError"] = json!("REJECT_ALL");
    let rejected = ada.mutate("inviteMembers", input.clone(), &fields).await;
    assert_eq!(rejected.body["data"]["inviteMembers"]["results"][1], json!({ "invitation": null, "userErrors": [] }));
    assert_eq!(app.count("invitations").await, 0, "nothing is written if one invitee is invalid");

    input["onError"] = json!("SKIP");
    let results = ada.mutate("inviteMembers", input, &fields).await.done()["results"].clone();
    assert_eq!(results[0]["userErrors"][0]["code"], "INVALID_FORMAT", "an invalid invitee takes no seat");
    assert!(results[1]["invitation"]["id"].is_string() && results[2]["invitation"]["id"].is_string(), "{results}");
    let limit = json!({ "kind": "MEMBERS", "used": 10, "max": 10 });
    let error = json!({ "code": "LIMIT_EXCEEDED", "path": ["input", "invitees", "3"], "limit": limit });
    assert_eq!(results[3], json!({ "invitation": null, "userErrors": [error] }));
    let taken = json!({ "used": 8, "reserved": 2, "total": 10 });
    assert_eq!(organization_fields(&ada, &id, "seats { used reserved total }").await["seats"], taken);
    app.close().await;
}

#[tokio::test]
async fn invite_members_reject_all_reports_current_use_without_rejected_invitees() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    add_workers(&app, &id, 7).await;
    let mut input = invitees(&id, 0..4);
    input["onError"] = json!("REJECT_ALL");
    let fields = format!("results {{ userErrors {{ code message {LIMIT} }} }}");
    let rejected = ada.mutate("inviteMembers", input, &fields).await.body["data"]["inviteMembers"].clone();
    let errors: Vec<_> = (0..4).map(|n| rejected["results"][n]["userErrors"][0].clone()).collect();
    assert_eq!(errors[..2], [Value::Null, Value::Null], "two seats are free");
    for error in &errors[2..] {
        assert_eq!(error["limit"], json!({ "kind": "MEMBERS", "used": 8, "max": 10 }));
    }
    assert_eq!(app.count("invitations").await, 0);
    app.close().await;
}

#[tokio::test]
async fn resend_invitation_of_an_expired_one_needs_a_free_seat() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    add_workers(&app, &id, 8).await;
    let first = ada.invites(&id, "guest@example.org", "WORKER").await;
    let resend = json!({ "invitationId": first });
    ada.mutate("resendInvitation", resend.clone(), "invitation { id }").await.done();
    app.env.clock.advance(TimeDelta::days(8));
    let ada = app.again(&ada).await;
    assert_eq!(organization_fields(&ada, &id, "seats { reserved }").await["seats"]["reserved"], 0);
    ada.invites(&id, "another@example.org", "WORKER").await;
    let refused = ada.mutate("resendInvitation", resend, "invitation { id }").await;
    assert_eq!(refused.refused(), ["LIMIT_EXCEEDED"]);
    app.close().await;
}

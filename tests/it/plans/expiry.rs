//! `cancelPlan` and the end of a cancelled plan.

use chrono::TimeDelta;
use guildhall::operations::maintenance::expire_plans::expire_plans;
use serde_json::{Value, json};

use super::{PLAN, add_workers, app_with_limits, change_plan, invitees, organization_fields};

#[tokio::test]
async fn cancel_plan_keeps_the_plan_until_its_period_ends_and_deletes_nothing() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let team = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    add_workers(&app, &id, 14).await;
    let renews_at = team["plan"]["renewsAt"].clone();
    app.env.clock.advance(TimeDelta::days(10));
    let ada = app.again(&ada).await;
    let input = json!({ "workspaceId": id });
    ada.mutate("cancelPlan", input.clone(), "clientMutationId").await.done();
    let cancelled = organization_fields(&ada, &id, PLAN).await["plan"].clone();
    assert_eq!((&cancelled["tier"], &cancelled["cancelsAt"]), (&json!("TEAM"), &renews_at));
    assert_eq!(cancelled["renewsAt"], Value::Null);
    ada.mutate("cancelPlan", input, "clientMutationId").await.done();
    assert_eq!(organization_fields(&ada, &id, PLAN).await["plan"], cancelled, "a repeat changes nothing");
    ada.invites(&id, "guest@example.org", "WORKER").await;

    let taken_back = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!(taken_back["plan"], team["plan"], "the period is unchanged");
    change_plan(&ada, json!({ "workspaceId": id, "tier": "FREE" })).await;
    app.env.clock.advance(TimeDelta::days(22));
    let ada = app.again(&ada).await;
    let over = organization_fields(&ada, &id, "plan { tier cancelsAt } memberCount billing { amount }").await;
    assert_eq!(over, json!({ "plan": { "tier": "FREE", "cancelsAt": null }, "memberCount": 15, "billing": null }));
    assert_eq!(app.count("plans").await, 1, "before the maintenance job runs");
    let results = ada.mutate("inviteMembers", invitees(&id, 0..1), "results { userErrors { code } }").await.done();
    assert_eq!(results["results"][0]["userErrors"][0]["code"], "LIMIT_EXCEEDED");

    let ended: usize = futures_util::future::join_all((0..4).map(|_| expire_plans(&app.env.store, &app.env.clock)))
        .await
        .into_iter()
        .map(|ended| ended.expect("it ends"))
        .sum();
    assert_eq!((ended, app.count("plans").await), (1, 0), "four processes end the plan once");
    let plan_changes = "SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'";
    assert_eq!(app.number(plan_changes).await, 5, "bought, cancelled, taken back, cancelled, ended");
    let without_actor = "SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED' AND actor_id IS NULL
        AND changes @> '[{\"field\": \"plan.tier\", \"before\": \"TEAM\", \"after\": \"FREE\"}]'";
    assert_eq!(app.number(without_actor).await, 1);
    app.close().await;
}

#[tokio::test]
async fn change_plan_after_an_ended_plan_starts_anew_and_logs_the_end() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "interval": "YEAR", "seats": 5 })).await;
    ada.mutate("cancelPlan", json!({ "workspaceId": id }), "clientMutationId").await.done();
    app.env.clock.advance(TimeDelta::days(367));
    let ada = app.again(&ada).await;
    let team = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await["plan"].clone();
    assert_eq!(
        (&team["interval"], &team["seats"]),
        (&json!("MONTH"), &Value::Null),
        "no terms of the old plan are left"
    );
    assert_eq!(app.number("SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'").await, 4);
    assert_eq!(expire_plans(&app.env.store, &app.env.clock).await.expect("it runs"), 0, "the end was already logged");
    app.close().await;
}

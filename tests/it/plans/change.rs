//! `changePlan`: prices, seats, intervals and permission.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{LIMIT, add_workers, app_with_limits, change_plan, invitees, organization_fields, personal_workspace};
use crate::support::TestApp;

#[tokio::test]
async fn change_plan_bills_bought_seats_or_members_if_seats_are_elastic() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    add_workers(&app, &id, 4).await;
    let free =
        organization_fields(&ada, &id, "plan { tier interval seats renewsAt cancelsAt } billing { amount }").await;
    let nothing = json!({ "tier": "FREE", "interval": null, "seats": null, "renewsAt": null, "cancelsAt": null });
    assert_eq!(free, json!({ "plan": nothing, "billing": null }));

    let elastic = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!((&elastic["plan"]["interval"], &elastic["plan"]["seats"]), (&json!("MONTH"), &Value::Null));
    let bill = json!({ "currency": "USD", "unitPrice": 3300, "quantity": 5, "amount": 16500, "interval": "MONTH" });
    assert_eq!(elastic["billing"], bill, "33.00 for each of five members");
    assert_eq!(organization_fields(&ada, &id, "seats { used reserved total }").await["seats"]["total"], Value::Null);

    let bought = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "interval": "YEAR", "seats": 6 })).await;
    let bill = json!({ "currency": "USD", "unitPrice": 27720, "quantity": 6, "amount": 166320, "interval": "YEAR" });
    assert_eq!(bought["billing"], bill, "277.20 for each of six seats");
    let unchanged = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!(unchanged, bought, "absent fields are unchanged");

    let fields = format!("results {{ invitation {{ id }} userErrors {{ code {LIMIT} }} }}");
    let results = ada.mutate("inviteMembers", invitees(&id, 0..2), &fields).await.done()["results"].clone();
    assert!(results[0]["invitation"]["id"].is_string(), "{results}");
    assert_eq!(results[1]["userErrors"], json!([{ "code": "SEATS_EXHAUSTED", "limit": null }]));
    for (seats, message) in
        [(5, "fewer than five members and an invitation"), (0, "none"), (-3, "less"), (50_001, "too many")]
    {
        let input = json!({ "workspaceId": id, "tier": "TEAM", "seats": seats });
        let refused = ada.mutate("changePlan", input, "clientMutationId").await;
        assert_eq!(refused.body["data"]["changePlan"]["userErrors"][0]["path"], json!(["input", "seats"]));
        assert_eq!(refused.refused(), ["OUT_OF_RANGE"], "{message}");
    }
    let more = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": null })).await;
    assert_eq!((&more["plan"]["seats"], &more["billing"]["quantity"]), (&Value::Null, &json!(5)));
    app.close().await;
}

#[tokio::test]
async fn change_plan_refuses_tiers_of_the_other_kind_of_workspace() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    for (workspace, tier) in [(id.clone(), "SOLO"), (personal_workspace(&ada), "TEAM")] {
        let refused =
            ada.mutate("changePlan", json!({ "workspaceId": workspace, "tier": tier }), "clientMutationId").await;
        assert_eq!(refused.refused(), ["PLAN_NOT_AVAILABLE"]);
    }
    for tier in ["SOLO", "FREE"] {
        let input = json!({ "workspaceId": personal_workspace(&ada), "tier": tier, "seats": 3 });
        assert_eq!(ada.mutate("changePlan", input, "clientMutationId").await.refused(), ["OUT_OF_RANGE"]);
    }
    let solo =
        change_plan(&ada, json!({ "workspaceId": personal_workspace(&ada), "tier": "SOLO", "interval": "YEAR" })).await;
    let bill = json!({ "currency": "USD", "unitPrice": 27720, "quantity": 1, "amount": 27720, "interval": "YEAR" });
    assert_eq!((&solo["plan"]["tier"], &solo["billing"]), (&json!("SOLO"), &bill));
    assert_eq!(solo["id"], personal_workspace(&ada));
    let bad = ada.mutate("changePlan", json!({ "workspaceId": ada.id, "tier": "SOLO" }), "clientMutationId").await;
    assert_eq!(bad.refused(), ["INVALID_FORMAT"]);
    app.close().await;
}

#[tokio::test]
async fn change_plan_of_interval_starts_a_new_period_and_of_seats_keeps_it() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let monthly = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await["plan"].clone();
    app.env.clock.advance(TimeDelta::days(3));
    let ada = app.again(&ada).await;
    let seats = change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": 9 })).await["plan"].clone();
    assert_eq!(seats["renewsAt"], monthly["renewsAt"]);
    let yearly =
        change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "interval": "YEAR" })).await["plan"].clone();
    assert_eq!(yearly["seats"], 9);
    let begins = |plan: &Value| {
        plan["renewsAt"].as_str().expect("an instant").parse::<chrono::DateTime<chrono::Utc>>().expect("an instant")
    };
    assert!((360..=366).contains(&(begins(&yearly) - app.env.clock.now()).num_days()));
    let log = app.number("SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'").await;
    change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    assert_eq!(app.number("SELECT count(*) FROM events WHERE type = 'PLAN_CHANGED'").await, log, "nothing changed");
    app.close().await;
}

#[tokio::test]
async fn change_plan_by_owners_is_refused_if_only_administrators_manage_plans() {
    let app = TestApp::with(|settings| settings.rules.owners_manage_plans = false).await;
    let (ada, root) = (app.person("ada").await, app.admin("root").await);
    let bob = app.person("bob").await;
    let id = ada.creates("acme").await;
    let shared = ada.creates("shared").await;
    bob.accepts(&ada.invites(&shared, &bob.email(), "WORKER").await).await;
    let refused = bob.mutate("changePlan", json!({ "workspaceId": shared, "tier": "TEAM" }), "clientMutationId").await;
    let error = &refused.body["data"]["changePlan"]["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["requiredRole"]),
        (&json!("FORBIDDEN"), &Value::Null),
        "the owner's role is not sufficient either"
    );
    for (workspace, tier) in [(id, "TEAM"), (personal_workspace(&ada), "SOLO")] {
        let input = json!({ "workspaceId": workspace, "tier": tier });
        let refused = ada.mutate("changePlan", input.clone(), "clientMutationId").await;
        let error = refused.body["data"]["changePlan"]["userErrors"][0].clone();
        assert_eq!((&error["code"], &error["permission"]), (&json!("FORBIDDEN"), &json!("MANAGE_PLAN")));
        assert_eq!(error["requiredRole"], Value::Null, "no role is sufficient");
        let bought = root
            .mutate("changePlan", input, "workspace { id plan { tier } billing { amount } limits { kind max } }")
            .await
            .done();
        assert_eq!(bought["workspace"]["plan"]["tier"], tier);
        assert_eq!(
            (&bought["workspace"]["id"], &bought["workspace"]["billing"]["amount"]),
            (&json!(workspace), &json!(3300))
        );
        let cancelled =
            root.mutate("cancelPlan", json!({ "workspaceId": workspace }), "workspace { plan { cancelsAt } }").await;
        assert!(cancelled.done()["workspace"]["plan"]["cancelsAt"].is_string());
    }
    app.close().await;
}

#[tokio::test]
async fn change_plan_is_not_found_for_non_members_and_forbidden_below_owner() {
    let app = app_with_limits().await;
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let id = ada.creates("acme").await;
    bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    for mutation in ["changePlan", "cancelPlan"] {
        for workspace in [id.clone(), personal_workspace(&ada), personal_workspace(&bob).replace("pws_0", "pws_1")] {
            let mut input = json!({ "workspaceId": workspace });
            if mutation == "changePlan" {
                input["tier"] = json!("FREE");
            }
            assert_eq!(eve.mutate(mutation, input.clone(), "clientMutationId").await.refused(), ["NOT_FOUND"]);
            let nobody = app.mutate_anonymously_selecting(mutation, input.clone(), "clientMutationId").await;
            assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
            if workspace == id {
                let refused = bob.mutate(mutation, input, "clientMutationId").await;
                let error = refused.body["data"][mutation]["userErrors"][0].clone();
                assert_eq!((&error["permission"], &error["requiredRole"]), (&json!("MANAGE_PLAN"), &json!("OWNER")));
            }
        }
    }
    app.close().await;
}

#[tokio::test]
async fn change_plan_with_a_repeated_idempotency_key_runs_once() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let input = json!({ "workspaceId": id, "tier": "TEAM", "seats": 4, "idempotencyKey": "k" });
    change_plan(&ada, input.clone()).await;
    change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": 7 })).await;
    let repeat = change_plan(&ada, input).await;
    assert_eq!(repeat["plan"]["seats"], 7, "the current state is returned");
    let other = json!({ "workspaceId": id, "tier": "TEAM", "idempotencyKey": "k" });
    assert_eq!(ada.mutate("changePlan", other, "clientMutationId").await.refused(), ["IDEMPOTENCY_KEY_REUSED"]);
    app.close().await;
}

//! Which viewers see the plan and the billing of a workspace.

use serde_json::{Value, json};

use super::{app_with_limits, change_plan, personal_workspace};

#[tokio::test]
async fn plan_is_visible_to_all_members_and_billing_to_maintainers() {
    let app = app_with_limits().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM", "seats": 8 })).await;
    let fields = "slug plan { tier seats } seats { used reserved total } limits { kind used max } billing { amount }";
    for (name, role, may) in [("bob", "WORKER", false), ("carol", "SUPERVISOR", false), ("dan", "MAINTAINER", true)] {
        let person = app.person(name).await;
        person.accepts(&ada.invites(&id, &person.email(), role).await).await;
        let answer = person.ask(&format!(r#"{{ organization(id: "{id}") {{ {fields} }} }}"#)).await;
        let organization = answer.body["data"]["organization"].clone();
        assert_eq!(organization["plan"], json!({ "tier": "TEAM", "seats": 8 }), "{role}");
        assert_eq!(organization["seats"]["total"], 8);
        assert_eq!(organization["limits"].as_array().map(Vec::len), Some(5));
        if may {
            assert_eq!((organization["billing"]["amount"].clone(), answer.codes().len()), (json!(26400), 0));
        } else {
            assert_eq!((organization["billing"].clone(), answer.codes()), (Value::Null, vec!["FORBIDDEN"]));
            assert_eq!(answer.body["errors"][0]["path"], json!(["organization", "billing"]));
            assert_eq!(answer.body["errors"][0]["extensions"]["permission"], "VIEW_BILLING");
            assert_eq!(answer.body["errors"][0]["extensions"]["requiredRole"], "MAINTAINER");
        }
    }
    let eve = app.person("eve").await;
    ada.invites(&id, &eve.email(), "WORKER").await;
    let glimpse = eve.ask(&format!(r#"{{ organization(id: "{id}") {{ slug plan {{ tier }} }} }}"#)).await;
    assert_eq!(glimpse.codes(), ["FORBIDDEN"], "invitees see the name, but not the plan");
    app.close().await;
}

#[tokio::test]
async fn billing_requires_permission_through_the_workspace_interface_too() {
    let app = app_with_limits().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    change_plan(&ada, json!({ "workspaceId": id, "tier": "TEAM" })).await;
    bob.accepts(&ada.invites(&id, &bob.email(), "WORKER").await).await;
    let query = "query Q($id: ID!) { node(id: $id) { ... on Workspace { plan { tier } limits { kind used } billing { amount } } } }";
    let costs = ada.run(query, json!({ "id": id })).await.data();
    assert_eq!(costs["node"]["billing"]["amount"], 6600);
    let hidden = bob.run(query, json!({ "id": id })).await;
    assert_eq!((hidden.codes(), &hidden.body["data"]["node"]["billing"]), (vec!["FORBIDDEN"], &Value::Null));
    assert_eq!(hidden.body["data"]["node"]["plan"]["tier"], "TEAM");

    let own = bob.run(query, json!({ "id": personal_workspace(&bob) })).await.data()["node"].clone();
    assert_eq!((&own["plan"]["tier"], &own["billing"]), (&json!("FREE"), &Value::Null));
    let owned = json!({ "kind": "OWNED_ORGANIZATIONS", "used": 0 });
    assert_eq!(own["limits"].as_array().expect("limits").last(), Some(&owned));
    assert_eq!(bob.run(query, json!({ "id": personal_workspace(&ada) })).await.data()["node"], Value::Null);
    app.close().await;
}

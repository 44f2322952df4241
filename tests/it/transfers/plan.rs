//! `transferPlan`: problems of each resource, and resources that the caller does not see.

use guildhall::domain::{ProjectId, WorkspaceId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{World, personal_workspace, plan, problems, transfer, user};

#[tokio::test]
async fn transfer_plan_reports_problems_per_resource_and_one_blocks_the_transfer() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let inner = world.task(&world.here, &world.sue, Some(&project)).await;
    let other = world.project(&world.here, &world.ada).await;
    let task_of_wim = world.task(&world.here, &world.wim, None).await;

    let planned = plan(&world.sue, &[&inner, &project], &world.there, "DETACH").await;
    assert_eq!(
        (problems(&planned), &planned["possible"]),
        (vec![vec!["RESOURCE_IN_PROJECT".into()], vec![]], &json!(false))
    );
    assert_eq!(planned["items"][0]["problems"][0]["path"], json!(["resourceIds", "0"]));
    assert_eq!(
        transfer(&world.sue, &[&project, &inner], &world.there, "DETACH").await.refused(),
        ["RESOURCE_IN_PROJECT"]
    );

    let planned = plan(&world.sue, &[&project], &world.here, "DETACH").await;
    assert_eq!(problems(&planned), [["SAME_WORKSPACE"]]);

    // An assignee sees a project, but may not transfer it.
    world.set("projects", &other, &format!("assignee_id = '{}'", user(&world.sue))).await;
    let planned = plan(&world.sue, &[&other], &world.there, "DETACH").await;
    assert_eq!(problems(&planned), [["FORBIDDEN"]]);
    let problem = &planned["items"][0]["problems"][0];
    assert_eq!((&problem["permission"], &problem["requiredRole"]), (&json!("TRANSFER_RESOURCE"), &json!("MAINTAINER")));

    // Permission is checked before state.
    let planned = plan(&world.sue, &[&other], &world.here, "DETACH").await;
    assert_eq!(problems(&planned), [["FORBIDDEN", "SAME_WORKSPACE"]]);
    let within = world.task(&world.here, &world.ada, Some(&project)).await;
    world.set("projects", &project, &format!("owner_id = '{}'", user(&world.ada))).await;
    world.set("tasks", &within, &format!("assignee_id = '{}'", user(&world.sue))).await;
    let planned = plan(&world.sue, &[&within], &world.there, "DETACH").await;
    assert_eq!(problems(&planned), [["FORBIDDEN", "RESOURCE_IN_PROJECT"]]);
    world.set("projects", &project, &format!("owner_id = '{}'", user(&world.sue))).await;

    // A worker may transfer their own task out, but may not create it in the destination.
    let planned = plan(&world.wim, &[&task_of_wim], &world.there, "DETACH").await;
    let problem = &planned["items"][0]["problems"][0];
    assert_eq!((&problem["permission"], &problem["requiredRole"]), (&json!("CREATE_TASK"), &json!("SUPERVISOR")));
    assert_eq!(problem["path"], json!(["destinationWorkspaceId"]));
    let refused = transfer(&world.wim, &[&task_of_wim], &world.there, "DETACH").await.data();
    let error = &refused["transferResources"]["userErrors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("FORBIDDEN"), &json!(["input", "destinationWorkspaceId"])));

    // One resource that cannot be transferred blocks all others.
    assert_eq!(transfer(&world.sue, &[&project, &other], &world.there, "DETACH").await.refused(), ["FORBIDDEN"]);
    let there = WorkspaceId::parse(&world.there).expect("a workspace").uuid();
    let moved = format!("SELECT count(*) FROM projects WHERE workspace_id = '{there}'");
    assert_eq!(world.number(&moved).await, 0);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_and_transfer_resources_hide_invisible_resources() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.ada).await;
    let eve = world.app.person("eve").await;
    let outside = eve.creates("outside").await;
    assert_eq!(plan(&eve, &[&project], &outside, "DETACH").await, Value::Null, "the caller is not a member");
    assert_eq!(
        plan(&world.wim, &[&project], &world.there, "DETACH").await,
        Value::Null,
        "the caller is not assigned to it"
    );
    assert_eq!(
        plan(&world.ada, &[&project], &outside, "DETACH").await,
        Value::Null,
        "the caller does not see the destination"
    );
    assert_eq!(transfer(&eve, &[&project], &outside, "DETACH").await.refused(), ["NOT_FOUND"]);
    assert_eq!(transfer(&world.ada, &[&project], &outside, "DETACH").await.refused(), ["NOT_FOUND"]);
    assert_eq!(transfer(&world.ada, &[&project], &personal_workspace(&eve), "DETACH").await.refused(), ["NOT_FOUND"]);
    let unknown = ProjectId::from(Uuid::from_u128(7)).to_string();
    assert_eq!(transfer(&world.ada, &[&unknown], &world.there, "DETACH").await.refused(), ["NOT_FOUND", "NOT_FOUND"]);
    let query = format!(
        r#"{{ transferPlan(resourceIds: ["{project}"], destinationWorkspaceId: "{}", storage: DETACH) {{ possible }} }}"#,
        world.there
    );
    assert_eq!(world.app.nobody(&query).await.data()["transferPlan"], Value::Null);
    let input = json!({ "resourceIds": [project], "destinationWorkspaceId": world.there, "storage": "DETACH" });
    assert_eq!(world.app.mutate_anonymously("transferResources", input).await.codes(), ["UNAUTHENTICATED"]);
    world.app.close().await;
}

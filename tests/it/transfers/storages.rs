//! Matching of cloud storages between the two workspaces of a transfer.

use super::{World, personal_workspace, plan, problems, resource_uuid, transfer, user};

#[tokio::test]
async fn transfer_resources_matches_storages_by_provider_and_resource() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let storage = world.storage(&world.here, &world.ada, "bucket").await;
    world.set("projects", &project, &format!("source_storage_id = '{}'", resource_uuid(&storage))).await;
    let codes = async || problems(&plan(&world.sue, &[&project], &world.there, "AUTO_MATCH").await);

    world.storage(&world.there, &world.bob, "Bucket").await;
    assert_eq!(codes().await, [["STORAGE_MATCH_NOT_FOUND"]], "another resource");
    assert_eq!(
        transfer(&world.sue, &[&project], &world.there, "AUTO_MATCH").await.refused(),
        ["STORAGE_MATCH_NOT_FOUND"]
    );

    // A storage of another person, which a supervisor sees; and then a second one.
    let alike = world.storage(&world.there, &world.bob, "bucket").await;
    assert_eq!(codes().await, [[] as [&str; 0]]);
    let second = world.storage(&world.there, &world.bob, "bucket").await;
    assert_eq!(codes().await, [["STORAGE_MATCH_AMBIGUOUS"]]);
    assert_eq!(
        transfer(&world.sue, &[&project], &world.there, "AUTO_MATCH").await.refused(),
        ["STORAGE_MATCH_AMBIGUOUS"]
    );
    world.app.sql(&format!("DELETE FROM cloud_storages WHERE id = '{}'", resource_uuid(&second))).await;

    let done = transfer(&world.sue, &[&project], &world.there, "AUTO_MATCH").await.done();
    assert_eq!(done["resources"][0]["sourceStorage"]["id"], alike);
    assert_eq!(done["plan"]["items"][0]["storages"][0]["replacement"]["id"], alike);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_matches_no_storages_without_permission_to_transfer() {
    let world = World::new().await;
    // Wim sees the task, but may not transfer it.
    let task = world.task(&world.here, &world.ada, None).await;
    let linked = world.storage(&world.here, &world.ada, "right").await;
    let set = format!("assignee_id = '{}', source_storage_id = '{}'", user(&world.wim), resource_uuid(&linked));
    world.set("tasks", &task, &set).await;
    let mut answers = Vec::new();
    for guess in ["wrong", "right", "right"] {
        let storage = world.storage(&personal_workspace(&world.wim), &world.wim, guess).await;
        answers.push(plan(&world.wim, &[&task], &personal_workspace(&world.wim), "AUTO_MATCH").await);
        if guess == "wrong" {
            world.app.sql(&format!("DELETE FROM cloud_storages WHERE id = '{}'", resource_uuid(&storage))).await;
        }
    }
    assert_eq!(problems(&answers[0]), [["FORBIDDEN"]]);
    assert_eq!(answers[0], answers[1], "one match");
    assert_eq!(answers[0], answers[2], "several matches");
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_matches_no_storages_that_the_caller_cannot_see() {
    let world = World::new().await;
    // Wim owns the task, so he may transfer it to his personal workspace, but he does not see its storage.
    let task = world.task(&world.here, &world.wim, None).await;
    let linked = world.storage(&world.here, &world.ada, "right").await;
    world.set("tasks", &task, &format!("source_storage_id = '{}'", resource_uuid(&linked))).await;
    let mut answers = Vec::new();
    for guess in ["wrong", "right", "right"] {
        world.storage(&personal_workspace(&world.wim), &world.wim, guess).await;
        answers.push(plan(&world.wim, &[&task], &personal_workspace(&world.wim), "AUTO_MATCH").await);
    }
    assert_eq!(problems(&answers[0]), [["STORAGE_MATCH_NOT_FOUND"]]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let refused = transfer(&world.wim, &[&task], &personal_workspace(&world.wim), "AUTO_MATCH").await;
    assert_eq!(refused.refused(), ["STORAGE_MATCH_NOT_FOUND"]);
    // A storage that Wim owns is matched.
    let own = world.storage(&world.here, &world.wim, "own").await;
    world.set("tasks", &task, &format!("source_storage_id = '{}'", resource_uuid(&own))).await;
    let alike = world.storage(&personal_workspace(&world.wim), &world.wim, "own").await;
    let done = transfer(&world.wim, &[&task], &personal_workspace(&world.wim), "AUTO_MATCH").await.done();
    assert_eq!(done["resources"][0]["sourceStorage"]["id"], alike);
    world.app.close().await;
}

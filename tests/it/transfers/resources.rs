//! `transferResources`: moved rows, limits, lists of resources, and repeats.

use guildhall::domain::WorkspaceId;
use serde_json::{Value, json};

use super::{FIELDS, World, personal_workspace, plan, problems, resource_uuid, transfer, user};
use crate::support::TestApp;

#[tokio::test]
async fn transfer_resources_moves_a_project_with_tasks_and_jobs_to_the_caller() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let task = world.task(&world.here, &world.ada, Some(&project)).await;
    world.task(&world.here, &world.ada, Some(&project)).await;
    let storage = world.storage(&world.here, &world.ada, "bucket").await;
    let (wim, sue) = (user(&world.wim), user(&world.sue));
    world
        .set("projects", &project, &format!("assignee_id = '{wim}', source_storage_id = '{}'", resource_uuid(&storage)))
        .await;
    world
        .set("tasks", &task, &format!("assignee_id = '{sue}', target_storage_id = '{}'", resource_uuid(&storage)))
        .await;
    world.app.sql(&format!("UPDATE jobs SET assignee_id = '{wim}'")).await;

    let planned = plan(&world.sue, &[&project], &world.there, "DETACH").await;
    assert_eq!(planned["possible"], true);
    let item = &planned["items"][0];
    assert_eq!((&item["taskCount"], &item["jobCount"]), (&json!(2), &json!(4)));
    let mut names: Vec<&str> =
        item["unassigned"].as_array().expect("people").iter().filter_map(|user| user["username"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["sue", "wim"]);
    assert_eq!(item["storages"], json!([{ "current": { "id": storage }, "replacement": null }]));
    let untouched = format!("SELECT count(*) FROM projects WHERE assignee_id = '{wim}'");
    assert_eq!(world.number(&untouched).await, 1, "a plan changes nothing");

    let done = transfer(&world.sue, &[&project], &world.there, "DETACH").await.done();
    let expected = json!([{ "id": project, "workspace": { "id": world.there }, "owner": { "username": "sue" },
        "assignee": null, "sourceStorage": null, "targetStorage": null }]);
    assert_eq!(done["resources"], expected);
    let there = WorkspaceId::parse(&world.there).expect("a workspace").uuid();
    for (table, count) in [("projects", 1), ("tasks", 2), ("jobs", 4)] {
        let moved = format!("SELECT count(*) FROM {table} WHERE workspace_id = '{there}' AND assignee_id IS NULL");
        assert_eq!(world.number(&moved).await, count, "{table}");
    }
    let owned_by_sue = format!("SELECT count(*) FROM tasks WHERE owner_id = '{sue}' AND target_storage_id IS NULL");
    assert_eq!(world.number(&owned_by_sue).await, 2);
    let log = world.app.log().await;
    assert_eq!(log.iter().filter(|kind| *kind == "RESOURCE_MOVED_OUT").count(), 3, "the project and its tasks");
    assert_eq!(log.iter().filter(|kind| *kind == "RESOURCE_MOVED_IN").count(), 3);
    let seen = world.ada.ask(&format!(r#"{{ node(id: "{project}") {{ id }} }}"#)).await.data();
    assert_eq!(seen["node"], Value::Null, "the former workspace does not contain it");
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_works_between_personal_workspaces_and_organizations() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let task = world.task(&world.here, &world.sue, None).await;
    let (own, back) = (personal_workspace(&world.sue), &world.there);
    transfer(&world.sue, &[&project, &task], &own, "DETACH").await.done();
    for person in [&world.ada, &world.app.admin("root").await] {
        let seen = person.ask(&format!(r#"{{ node(id: "{task}") {{ id }} }}"#)).await.data();
        assert_eq!(seen["node"], Value::Null, "only its user sees a personal workspace");
    }
    let done = transfer(&world.sue, &[&task, &project], back, "DETACH").await.done();
    assert_eq!(done["resources"][0]["id"], task, "in the order of the request");
    assert_eq!(done["resources"][1]["workspace"]["id"], *back);
    // A worker may transfer their own task to their personal workspace.
    let own_task = world.task(&world.here, &world.wim, None).await;
    transfer(&world.wim, &[&own_task], &personal_workspace(&world.wim), "DETACH").await.done();
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_respects_the_limits_of_the_destination() {
    let app = TestApp::with(|settings| settings.rules.plans = Default::default()).await;
    let world = World::of(app).await;
    let mut projects = Vec::new();
    for _ in 0..4 {
        projects.push(world.project(&world.here, &world.sue).await);
    }
    let all: Vec<&String> = projects.iter().collect();
    let planned = plan(&world.sue, &all, &world.there, "DETACH").await;
    assert_eq!(problems(&planned), [vec![], vec![], vec![], vec!["LIMIT_EXCEEDED".to_owned()]]);
    let limit = &planned["items"][3]["problems"][0]["limit"];
    assert_eq!(*limit, json!({ "kind": "PROJECTS", "used": 0, "max": 3 }), "the destination is empty");
    let message = planned["items"][3]["problems"][0]["message"].as_str().expect("a message");
    assert!(message.ends_with("0 in use, 3 left, 4 asked for."), "{message}");
    assert_eq!(transfer(&world.sue, &all, &world.there, "DETACH").await.refused(), ["LIMIT_EXCEEDED"]);
    transfer(&world.sue, &all[..3], &world.there, "DETACH").await.done();

    let full = &projects[3];
    for _ in 0..6 {
        world.task(&world.here, &world.sue, Some(full)).await;
    }
    let planned = plan(&world.sue, &[full], &personal_workspace(&world.sue), "DETACH").await;
    assert_eq!(
        planned["items"][0]["problems"][0]["limit"],
        json!({ "kind": "TASKS_PER_PROJECT", "used": 0, "max": 5 })
    );
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_moves_a_hundred_projects_and_refuses_bad_lists() {
    let world = World::new().await;
    let mut projects = Vec::new();
    for _ in 0..100 {
        let project = world.project(&world.here, &world.sue).await;
        world.task(&world.here, &world.sue, Some(&project)).await;
        projects.push(project);
    }
    let all: Vec<&String> = projects.iter().collect();
    let done = transfer(&world.sue, &all, &world.there, "DETACH").await.done();
    assert_eq!(done["resources"].as_array().map(Vec::len), Some(100));
    let there = WorkspaceId::parse(&world.there).expect("a workspace").uuid();
    assert_eq!(world.number(&format!("SELECT count(*) FROM jobs WHERE workspace_id = '{there}'")).await, 200);

    let too_many: Vec<&String> = std::iter::repeat_n(&projects[0], 101).collect();
    assert_eq!(transfer(&world.sue, &too_many, &world.there, "DETACH").await.refused(), ["TOO_LONG"]);
    let twice = [&projects[0], &projects[1], &projects[0]];
    let refused = transfer(&world.sue, &twice, &world.here, "DETACH").await.data();
    let error = &refused["transferResources"]["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["path"]),
        (&json!("DUPLICATE_IN_REQUEST"), &json!(["input", "resourceIds", "2"]))
    );
    let shapes = [&world.here, &"nonsense".to_owned()];
    assert_eq!(transfer(&world.sue, &shapes, &world.sue.id, "DETACH").await.refused(), ["INVALID_FORMAT"; 3]);
    assert_eq!(transfer(&world.sue, &[], &world.there, "DETACH").await.refused(), ["OUT_OF_RANGE"]);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_runs_once_per_idempotency_key() {
    let world = World::new().await;
    let task = world.task(&world.here, &world.sue, None).await;
    let input = json!({
        "resourceIds": [task], "destinationWorkspaceId": world.there, "storage": "DETACH", "idempotencyKey": "once",
    });
    let first = world.sue.mutate("transferResources", input.clone(), FIELDS).await.done();
    let again = world.sue.mutate("transferResources", input, FIELDS).await.done();
    assert_eq!(first, again);
    let moved = "SELECT count(*) FROM events WHERE type = 'RESOURCE_MOVED_IN'";
    assert_eq!(world.number(moved).await, 1);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_repeat_returns_the_current_rows() {
    let world = World::new().await;
    let (remaining, gone) =
        (world.task(&world.here, &world.sue, None).await, world.task(&world.here, &world.sue, None).await);
    let input = json!({
        "resourceIds": [remaining, gone], "destinationWorkspaceId": world.there, "storage": "DETACH", "idempotencyKey": "once",
    });
    let fields = "plan { destination { id } items { resource { id } } } resources { id }";
    world.sue.mutate("transferResources", input.clone(), fields).await.done();
    world.sue.mutate("deleteResource", json!({ "resourceId": gone }), "deletedResourceId").await.done();
    let again = world.sue.mutate("transferResources", input.clone(), fields).await.done();
    assert_eq!(again, json!({ "plan": null, "resources": [{ "id": remaining }], "userErrors": [] }));
    let leave = json!({ "organizationId": WorkspaceId::parse(&world.there).expect("a workspace").to_string() });
    world.sue.mutate("leaveOrganization", leave, "leftMembershipId").await.done();
    let again = world.sue.mutate("transferResources", input, fields).await.done();
    assert_eq!(again, json!({ "plan": null, "resources": [], "userErrors": [] }));
    world.app.close().await;
}

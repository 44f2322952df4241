//! Projects and tasks: creation, updates, and limits of the plan.

use serde_json::{Value, json};

use super::{outcome_of, uuid};
use crate::support::org_fixture::{bucket, with};
use crate::support::{Office, TestApp};

const PROJECT: &str = "project { id name description assignee { username } updatedAt viewerPermissions }";

#[tokio::test]
async fn create_project_and_create_task_return_the_rows_and_log_events_in_order() {
    let office = Office::new().await;
    let (sue, wim) = (&office.supervisor, &office.worker);
    let storage = office.storage(&office.owner).await;
    let input = json!({
        "workspaceId": office.id, "name": "  Street  scenes ", "description": "Trams\nand people",
        "assigneeId": wim.id, "sourceStorageId": storage, "clientMutationId": "m",
    });
    let fields = "project { id name description owner { username } assignee { username } sourceStorage { id }
        targetStorage { id } workspace { id } createdAt updatedAt } clientMutationId";
    let made = sue.mutate("createProject", input, fields).await.done();
    let project = made["project"]["id"].as_str().expect("an ID").to_owned();
    assert_eq!(made["clientMutationId"], "m");
    assert_eq!(made["project"]["name"], "Street  scenes");
    assert_eq!(made["project"]["description"], "Trams\nand people");
    assert_eq!(made["project"]["owner"]["username"], "sue");
    assert_eq!(made["project"]["assignee"]["username"], "wim");
    assert_eq!(made["project"]["sourceStorage"]["id"], storage);
    assert_eq!(made["project"]["targetStorage"], Value::Null);
    assert_eq!(made["project"]["workspace"]["id"], office.id);
    assert_eq!(made["project"]["createdAt"], made["project"]["updatedAt"]);

    let input = json!({ "projectId": project, "name": "Crossings", "jobCount": 3 });
    let fields = "task { id status project { id } workspace { id } assignee { id } }";
    let made = sue.mutate("createTask", input, fields).await.done();
    assert_eq!(made["task"]["status"], "ANNOTATION");
    assert_eq!(made["task"]["project"]["id"], project);
    assert_eq!(made["task"]["workspace"]["id"], office.id, "the workspace of its project");
    assert_eq!(made["task"]["assignee"], Value::Null);
    assert_eq!(office.app.count("jobs").await, 3);
    assert_eq!(
        office.app.log_after("CLOUD_STORAGE_CREATED").await,
        ["PROJECT_CREATED", "TASK_CREATED", "JOB_CREATED", "JOB_CREATED", "JOB_CREATED"]
    );
    let changes_of_project = "SELECT changes::text FROM events WHERE type = 'PROJECT_CREATED' AND person_id = ";
    let changes_of_project = office.app.texts(&format!("{changes_of_project}'{}'", uuid(&wim.id))).await;
    assert_eq!(
        serde_json::from_str::<Value>(&changes_of_project[0]).expect("JSON"),
        json!([{ "field": "assignee", "before": null, "after": wim.id }])
    );
    let tied = "SELECT count(*) FROM events WHERE type IN ('TASK_CREATED', 'JOB_CREATED') AND tied_ids @> ARRAY[";
    let tied = format!("{tied}'{}', '{}']::uuid[]", uuid(&sue.id), uuid(&wim.id));
    assert_eq!(office.app.number(&tied).await, 4, "the people of the containing resources are included");
    let alone = office.task(sue, json!({})).await;
    assert_eq!(outcome_of(sue, "updateTask", json!({ "taskId": alone, "name": "x" })).await, "ok");
    assert_eq!(office.app.count("jobs").await, 4, "one job by default");
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn update_project_logs_a_change_once_and_nothing_for_a_no_op() {
    let office = Office::new().await;
    let owner = &office.owner;
    let storage = office.storage(owner).await;
    let project = office.project(owner, json!({ "description": "Old" })).await;
    let query = format!(r#"{{ node(id: "{project}") {{ ... on Project {{ updatedAt }} }} }}"#);
    let updated = async || owner.ask(&query).await.data()["node"]["updatedAt"].clone();
    let first = updated().await;
    for input in [json!({}), json!({ "name": "Project" }), json!({ "description": "Old", "assigneeId": null })] {
        assert_eq!(outcome_of(owner, "updateProject", with(json!({ "projectId": project }), input)).await, "ok");
    }
    assert_eq!(office.app.log_after("PROJECT_CREATED").await, [] as [&str; 0]);
    assert_eq!(updated().await, first);
    let input = json!({
        "projectId": project, "name": "New", "description": null, "assigneeId": office.worker.id,
        "sourceStorageId": storage, "targetStorageId": storage,
    });
    let changed = owner.mutate("updateProject", input, PROJECT).await.done();
    assert_eq!(changed["project"]["description"], Value::Null);
    assert_ne!(changed["project"]["updatedAt"], first);
    assert_eq!(office.app.log_after("PROJECT_CREATED").await, ["PROJECT_UPDATED"]);
    let changes_of_project = office.app.texts("SELECT changes::text FROM events WHERE type = 'PROJECT_UPDATED'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&changes_of_project[0]).expect("JSON"),
        json!([
            { "field": "name", "before": "Project", "after": "New" },
            { "field": "description", "before": "Old", "after": null },
            { "field": "sourceStorage", "before": null, "after": storage },
            { "field": "targetStorage", "before": null, "after": storage },
            { "field": "assignee", "before": null, "after": office.worker.id },
        ])
    );
    let renamed = json!({ "cloudStorageId": storage, "displayName": "Barrel", "description": "Of data" });
    assert_eq!(outcome_of(owner, "updateCloudStorage", renamed.clone()).await, "ok");
    assert_eq!(outcome_of(owner, "updateCloudStorage", renamed).await, "ok");
    assert_eq!(office.app.log_after("PROJECT_UPDATED").await, ["CLOUD_STORAGE_UPDATED"]);
    office.app.close().await;
}

#[tokio::test]
async fn create_project_create_task_and_delete_resource_run_once_per_idempotency_key() {
    let office = Office::new().await;
    let input = json!({ "workspaceId": office.id, "name": "P", "idempotencyKey": "k" });
    let first = office.owner.makes("createProject", input.clone()).await;
    assert_eq!(office.owner.makes("createProject", input).await, first);
    let task = json!({ "projectId": first, "name": "T", "jobCount": 2, "idempotencyKey": "k" });
    assert_eq!(office.owner.makes("createTask", task.clone()).await, office.owner.makes("createTask", task).await);
    let delete = json!({ "resourceId": first, "idempotencyKey": "k" });
    for _ in 0..2 {
        let gone = office.owner.mutate("deleteResource", delete.clone(), "deletedResourceId").await.done();
        assert_eq!(gone["deletedResourceId"], first);
    }
    let kinds = ["PROJECT_CREATED", "TASK_CREATED", "PROJECT_DELETED"];
    for kind in kinds {
        assert_eq!(office.app.number(&format!("SELECT count(*) FROM events WHERE type = '{kind}'")).await, 1, "{kind}");
    }
    office.app.close().await;
}

#[tokio::test]
async fn create_and_update_task_project_and_storage_respect_plan_limits() {
    let office = Office::over(TestApp::with(|settings| settings.rules.plans = Default::default()).await).await;
    let owner = &office.owner;
    let mut projects = Vec::new();
    for _ in 0..3 {
        projects.push(office.project(owner, json!({})).await);
    }
    let more = json!({ "workspaceId": office.id, "name": "P" });
    assert_eq!(outcome_of(owner, "createProject", more).await, "LIMIT_EXCEEDED");
    for _ in 0..5 {
        owner.makes("createTask", json!({ "projectId": projects[0], "name": "T" })).await;
    }
    let more = json!({ "projectId": projects[0], "name": "T" });
    assert_eq!(outcome_of(owner, "createTask", more).await, "LIMIT_EXCEEDED", "the limit of tasks in a project");
    let alone = office.task(owner, json!({})).await;
    let into = |project: &str| json!({ "taskId": alone, "projectId": project });
    assert_eq!(outcome_of(owner, "updateTask", into(&projects[0])).await, "LIMIT_EXCEEDED");
    assert_eq!(outcome_of(owner, "updateTask", into(&projects[1])).await, "ok");
    let full = json!({ "taskId": alone, "name": "Still editable" });
    for _ in 0..4 {
        office.task(owner, json!({})).await;
    }
    assert_eq!(
        outcome_of(owner, "createTask", json!({ "workspaceId": office.id, "name": "T" })).await,
        "LIMIT_EXCEEDED"
    );
    assert_eq!(outcome_of(owner, "updateTask", full).await, "ok");
    for _ in 0..10 {
        office.storage(owner).await;
    }
    assert_eq!(outcome_of(owner, "createCloudStorage", bucket(&office.id)).await, "LIMIT_EXCEEDED");
    assert_eq!(
        outcome_of(&office.admin, "createCloudStorage", bucket(&office.id)).await,
        "LIMIT_EXCEEDED",
        "limits apply to administrators, too"
    );
    office.app.check_invariants().await;
    office.app.close().await;
}

//! Invalid inputs of resource mutations, and references to resources that the caller may not use.

use serde_json::json;

use super::{Things, outcome_of, uuid};
use crate::support::Office;
use crate::support::org_fixture::{bucket, with};

#[tokio::test]
async fn resource_mutations_report_all_input_errors_and_change_nothing() {
    let office = Office::new().await;
    let Things { project, task, job, storage } = Things::new(&office).await;
    let (owner, id) = (&office.owner, &office.id);
    let (long, nul) = ("x".repeat(257), "a\0b");
    let unknown = |prefix: &str| format!("{prefix}_01jd0000000000000000000000");
    let cases = [
        ("createProject", json!({ "workspaceId": task, "name": " " }), "INVALID_FORMAT workspaceId, REQUIRED name"),
        ("createProject", json!({ "workspaceId": unknown("org"), "name": "x" }), "NOT_FOUND workspaceId"),
        ("createProject", json!({ "workspaceId": unknown("pws"), "name": "x" }), "NOT_FOUND workspaceId"),
        (
            "createProject",
            json!({ "workspaceId": id, "name": long, "description": nul, "assigneeId": task, "sourceStorageId": "x", "targetStorageId": "" }),
            "TOO_LONG name, INVALID_FORMAT description, INVALID_FORMAT assigneeId, INVALID_FORMAT sourceStorageId, INVALID_FORMAT targetStorageId",
        ),
        (
            "createProject",
            json!({ "workspaceId": id, "name": nul, "description": "x".repeat(4097) }),
            "INVALID_FORMAT name, TOO_LONG description",
        ),
        (
            "createProject",
            json!({ "workspaceId": id, "name": "x", "assigneeId": unknown("usr") }),
            "ASSIGNEE_NOT_ELIGIBLE assigneeId",
        ),
        (
            "createProject",
            json!({ "workspaceId": id, "name": "x", "assigneeId": office.admin.id }),
            "ASSIGNEE_NOT_ELIGIBLE assigneeId",
        ),
        (
            "createProject",
            json!({ "workspaceId": id, "name": "x", "sourceStorageId": unknown("sto"), "targetStorageId": unknown("sto") }),
            "NOT_FOUND sourceStorageId, NOT_FOUND targetStorageId",
        ),
        ("updateProject", json!({ "projectId": task, "name": null }), "INVALID_FORMAT projectId, REQUIRED name"),
        ("updateProject", json!({ "projectId": project, "name": " " }), "REQUIRED name"),
        (
            "updateProject",
            json!({ "projectId": project, "name": long, "description": nul }),
            "TOO_LONG name, INVALID_FORMAT description",
        ),
        ("updateProject", json!({ "projectId": unknown("prj"), "name": "x" }), "NOT_FOUND projectId"),
        (
            "updateProject",
            json!({ "projectId": project, "assigneeId": unknown("usr") }),
            "ASSIGNEE_NOT_ELIGIBLE assigneeId",
        ),
        (
            "updateProject",
            json!({ "projectId": project, "targetStorageId": project }),
            "INVALID_FORMAT targetStorageId",
        ),
        ("createTask", json!({ "name": "x" }), "REQUIRED workspaceId"),
        (
            "createTask",
            json!({ "workspaceId": id, "projectId": project, "name": "" }),
            "REQUIRED workspaceId, REQUIRED name",
        ),
        ("createTask", json!({ "workspaceId": id, "name": "x", "jobCount": 0 }), "OUT_OF_RANGE jobCount"),
        (
            "createTask",
            json!({ "projectId": project, "name": long, "jobCount": 101 }),
            "TOO_LONG name, OUT_OF_RANGE jobCount",
        ),
        ("createTask", json!({ "projectId": id, "name": "x" }), "INVALID_FORMAT projectId"),
        ("createTask", json!({ "projectId": unknown("prj"), "name": "x" }), "NOT_FOUND projectId"),
        (
            "updateTask",
            json!({ "taskId": project, "projectId": task, "name": null }),
            "INVALID_FORMAT taskId, REQUIRED name, INVALID_FORMAT projectId",
        ),
        ("updateTask", json!({ "taskId": unknown("tsk"), "name": "x" }), "NOT_FOUND taskId"),
        ("updateTask", json!({ "taskId": task, "projectId": unknown("prj") }), "NOT_FOUND projectId"),
        ("updateTask", json!({ "taskId": task, "name": nul }), "INVALID_FORMAT name"),
        (
            "updateJob",
            json!({ "jobId": task, "stage": null, "state": null }),
            "INVALID_FORMAT jobId, REQUIRED stage, REQUIRED state",
        ),
        ("updateJob", json!({ "jobId": unknown("job"), "state": "NEW" }), "NOT_FOUND jobId"),
        (
            "updateJob",
            json!({ "jobId": job, "assigneeId": unknown("usr"), "state": "COMPLETED" }),
            "ASSIGNEE_NOT_ELIGIBLE assigneeId",
        ),
        ("deleteResource", json!({ "resourceId": job }), "INVALID_FORMAT resourceId"),
        ("deleteResource", json!({ "resourceId": "" }), "INVALID_FORMAT resourceId"),
        ("deleteResource", json!({ "resourceId": id }), "INVALID_FORMAT resourceId"),
        ("deleteResource", json!({ "resourceId": unknown("prj") }), "NOT_FOUND resourceId"),
        ("deleteResource", json!({ "resourceId": unknown("tsk") }), "NOT_FOUND resourceId"),
        ("deleteResource", json!({ "resourceId": unknown("sto") }), "NOT_FOUND resourceId"),
        (
            "createCloudStorage",
            with(bucket("pws_"), json!({ "displayName": "x".repeat(65), "resource": nul, "description": nul })),
            "INVALID_FORMAT workspaceId, TOO_LONG displayName, INVALID_FORMAT resource, INVALID_FORMAT description",
        ),
        (
            "createCloudStorage",
            with(bucket(id), json!({ "displayName": "", "resource": long })),
            "REQUIRED displayName, TOO_LONG resource",
        ),
        ("createCloudStorage", bucket(&unknown("org")), "NOT_FOUND workspaceId"),
        ("updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": null }), "REQUIRED displayName"),
        (
            "updateCloudStorage",
            json!({ "cloudStorageId": project, "displayName": "x" }),
            "INVALID_FORMAT cloudStorageId",
        ),
        (
            "updateCloudStorage",
            json!({ "cloudStorageId": unknown("sto"), "displayName": "x" }),
            "NOT_FOUND cloudStorageId",
        ),
    ];
    let before = office.app.snapshot().await;
    assert!(before["jobs"].contains(&uuid(&job)), "the snapshot contains the rows");
    for (mutation, input, expected) in cases {
        assert_eq!(outcome_of(owner, mutation, input.clone()).await, expected, "{mutation} {input}");
    }
    assert_eq!(office.app.snapshot().await, before);
    office.app.close().await;
}

#[tokio::test]
async fn update_task_gives_the_same_error_for_non_members_and_unknown_assignees() {
    let office = Office::new().await;
    let things = Things::new(&office).await;
    let message = async |assignee: &str| {
        let input = json!({ "taskId": things.task, "assigneeId": assignee });
        let data = office.owner.mutate("updateTask", input, "clientMutationId").await.data();
        data["updateTask"]["userErrors"].clone()
    };
    let existing = message(&office.stranger.id).await;
    assert_eq!(existing[0]["code"], "ASSIGNEE_NOT_ELIGIBLE");
    assert_eq!(existing, message("usr_01jd0000000000000000000000").await, "the error is the same for unknown users");
    office.app.close().await;
}

#[tokio::test]
async fn create_project_and_update_task_refuse_links_across_workspaces() {
    let office = Office::new().await;
    let sue = &office.supervisor;
    let own = sue.makes("createCloudStorage", bucket(&sue.workspace())).await;
    let own_project = sue.makes("createProject", json!({ "workspaceId": sue.workspace(), "name": "Own" })).await;
    let hidden = office.owner.makes("createCloudStorage", bucket(&office.owner.workspace())).await;
    let hidden_project =
        office.owner.makes("createProject", json!({ "workspaceId": office.owner.workspace(), "name": "H" })).await;
    let unseen = office.project(&office.owner, json!({})).await;
    let create = |storage: &str| json!({ "workspaceId": office.id, "name": "x", "targetStorageId": storage });
    assert_eq!(outcome_of(sue, "createProject", create(&own)).await, "DIFFERENT_WORKSPACE targetStorageId");
    assert_eq!(outcome_of(sue, "createProject", create(&hidden)).await, "NOT_FOUND targetStorageId");
    assert_eq!(outcome_of(&office.admin, "createTask", create(&hidden)).await, "NOT_FOUND targetStorageId");
    let task = office.task(sue, json!({})).await;
    let to = |project: &str| json!({ "taskId": task, "projectId": project });
    assert_eq!(outcome_of(sue, "updateTask", to(&own_project)).await, "DIFFERENT_WORKSPACE projectId");
    assert_eq!(outcome_of(sue, "updateTask", to(&hidden_project)).await, "NOT_FOUND projectId");
    assert_eq!(
        outcome_of(sue, "updateTask", to(&unseen)).await,
        "NOT_FOUND projectId",
        "an invisible project in the same workspace"
    );
    // Workers see only their own storages, so they cannot link to others.
    let storage = office.storage(&office.owner).await;
    let project = office.project(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let task = office.owner.makes("createTask", json!({ "projectId": project, "name": "T" })).await;
    let link = json!({ "taskId": task, "sourceStorageId": storage });
    assert_eq!(outcome_of(&office.worker, "updateTask", link.clone()).await, "NOT_FOUND sourceStorageId");
    let cut = json!({ "taskId": task, "sourceStorageId": null });
    assert_eq!(outcome_of(&office.owner, "updateTask", link).await, "ok");
    assert_eq!(outcome_of(&office.worker, "updateTask", cut).await, "ok", "workers can remove the link");
    office.app.close().await;
}

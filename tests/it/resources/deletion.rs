//! `deleteResource`: contained resources and links to cloud storages.

use serde_json::{Value, json};

use super::{outcome_of, uuid};
use crate::support::Office;
use crate::support::org_fixture::with;

#[tokio::test]
async fn delete_resource_deletes_contained_resources_with_an_event_for_each() {
    let office = Office::new().await;
    let owner = &office.owner;
    let project = office.project(owner, json!({ "assigneeId": office.worker.id })).await;
    for _ in 0..2 {
        owner.makes("createTask", json!({ "projectId": project, "name": "T", "jobCount": 2 })).await;
    }
    let other = office.task(owner, json!({})).await;
    let input = json!({ "resourceId": project });
    let gone = owner.mutate("deleteResource", input.clone(), "deletedResourceId").await.done();
    assert_eq!(gone["deletedResourceId"], project);
    assert_eq!(
        office.app.log_after("JOB_CREATED").await,
        ["PROJECT_DELETED", "TASK_DELETED", "JOB_DELETED", "JOB_DELETED", "TASK_DELETED", "JOB_DELETED", "JOB_DELETED"]
    );
    let participants = "SELECT count(*) FROM events WHERE type LIKE '%DELETED' AND tied_ids @> ARRAY[";
    let participants = format!("{participants}'{}', '{}']::uuid[]", uuid(&owner.id), uuid(&office.worker.id));
    assert_eq!(office.app.number(&participants).await, 7, "all events name the users who could see them");
    assert_eq!((office.app.count("tasks").await, office.app.count("jobs").await), (1, 1), "the other task stays");
    assert_eq!(outcome_of(owner, "deleteResource", input).await, "NOT_FOUND resourceId", "once");
    assert_eq!(outcome_of(owner, "deleteResource", json!({ "resourceId": other })).await, "ok");
    assert_eq!(office.app.log_after("PROJECT_DELETED").await[6..], ["TASK_DELETED", "JOB_DELETED"]);
    office.app.close().await;
}

#[tokio::test]
async fn delete_resource_unlinks_a_storage_from_all_resources() {
    let office = Office::new().await;
    let owner = &office.owner;
    let (storage, other_storage) = (office.storage(owner).await, office.storage(owner).await);
    let both = json!({ "sourceStorageId": storage, "targetStorageId": storage });
    let project = office.project(owner, both).await;
    let half = json!({ "sourceStorageId": other_storage, "targetStorageId": storage });
    let task = owner.makes("createTask", with(json!({ "projectId": project, "name": "T" }), half)).await;
    office.task(owner, json!({ "sourceStorageId": other_storage })).await;
    assert_eq!(outcome_of(owner, "deleteResource", json!({ "resourceId": storage })).await, "ok");
    assert_eq!(office.app.log_after("JOB_CREATED").await, ["CLOUD_STORAGE_DELETED", "PROJECT_UPDATED", "TASK_UPDATED"]);
    let changes_of_project = office.app.texts("SELECT changes::text FROM events WHERE type = 'PROJECT_UPDATED'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&changes_of_project[0]).expect("JSON"),
        json!([
            { "field": "sourceStorage", "before": storage, "after": null },
            { "field": "targetStorage", "before": storage, "after": null },
        ])
    );
    let query =
        format!(r#"{{ node(id: "{task}") {{ ... on Task {{ sourceStorage {{ id }} targetStorage {{ id }} }} }} }}"#);
    let links = json!({ "sourceStorage": { "id": other_storage }, "targetStorage": null });
    assert_eq!(owner.ask(&query).await.data()["node"], links);
    office.app.close().await;
}

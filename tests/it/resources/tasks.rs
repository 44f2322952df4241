//! `updateTask`: moves between projects, and the payload.

use serde_json::{Value, json};

use super::{Things, outcome_of};
use crate::support::Office;

const TASK: &str = "task { id name status project { id } assignee { username } updatedAt }";

#[tokio::test]
async fn update_task_moves_a_task_into_a_project_and_out_again() {
    let office = Office::new().await;
    let (sue, wim) = (&office.supervisor, &office.worker);
    let (first, second) = (office.project(sue, json!({})).await, office.project(sue, json!({})).await);
    let task = office.task(sue, json!({ "assigneeId": wim.id })).await;
    let moved = async |to: Value| {
        let input = json!({ "taskId": task, "projectId": to });
        sue.mutate("updateTask", input, TASK).await.done()["task"]["project"]["id"].clone()
    };
    assert_eq!(moved(json!(first)).await, first);
    assert_eq!(moved(json!(first)).await, first, "the current project is accepted");
    assert_eq!(moved(json!(second)).await, second);
    assert_eq!(moved(Value::Null).await, Value::Null);
    assert_eq!(office.app.log_after("JOB_CREATED").await, ["TASK_UPDATED"; 3]);
    let changes_of_task =
        office.app.texts("SELECT changes::text FROM events WHERE type = 'TASK_UPDATED' ORDER BY sequence").await;
    assert_eq!(
        serde_json::from_str::<Value>(&changes_of_task[1]).expect("JSON"),
        json!([{ "field": "project", "before": first, "after": second }])
    );
    // The assignee may edit the task, but not move it.
    let away = json!({ "taskId": task, "projectId": first });
    assert_eq!(outcome_of(wim, "updateTask", away).await, "NOT_FOUND projectId");
    assert_eq!(outcome_of(wim, "updateTask", json!({ "taskId": task, "projectId": null })).await, "FORBIDDEN");
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn update_task_returns_null_if_the_caller_can_no_longer_see_the_task() {
    let office = Office::new().await;
    let things = Things::new(&office).await;
    // The assignee of a project may assign its tasks, but only its owner may assign the project.
    things.relate(&office, &office.worker, "projects.assignee_id").await;
    let out = json!({ "projectId": things.project, "assigneeId": null });
    assert_eq!(outcome_of(&office.worker, "updateProject", out).await, "FORBIDDEN");
    things.relate(&office, &office.supervisor, "projects.owner_id").await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.supervisor.id })).await;
    let input = json!({ "taskId": task, "projectId": things.project });
    let moved = office.owner.mutate("updateTask", input, TASK).await.done();
    assert_eq!(moved["task"]["project"]["id"], things.project);
    // The supervisor sees the task only through its project, so it becomes invisible outside of it.
    let input = json!({ "taskId": task, "assigneeId": null, "projectId": null });
    assert_eq!(office.supervisor.mutate("updateTask", input, TASK).await.done()["task"], Value::Null);
    office.app.close().await;
}

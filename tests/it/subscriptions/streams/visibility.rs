//! Which events and changes each subscriber receives.

use serde_json::json;

use super::{acme, app_with_dispatcher, rename, set_role};
use crate::support::stream::{Listener, text};
use crate::support::{Office, Person};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_follow_a_changed_role() {
    let app = app_with_dispatcher().await;
    let (ada, id, bob, membership) = acme(&app, "WORKER").await;
    let mut listener = app.follow(&bob, &id, &app.last_cursor(&ada, &id).await);
    ada.invites(&id, "one@example.org", "WORKER").await;
    rename(&ada, &id, "Unseen before").await;
    assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"], "workers do not see invitations");
    set_role(&ada, &membership, "MAINTAINER").await;
    assert_eq!(listener.types(1).await, ["MEMBER_ROLE_CHANGED"]);
    let invitation = ada.invites(&id, "two@example.org", "WORKER").await;
    assert_eq!(text(&listener.event().await, "subjectId"), invitation);
    set_role(&ada, &membership, "WORKER").await;
    assert_eq!(listener.types(1).await, ["MEMBER_ROLE_CHANGED"]);
    ada.invites(&id, "three@example.org", "WORKER").await;
    assert!(listener.is_silent().await);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_with_the_same_selection_show_each_viewer_only_visible_changes() {
    let office = Office::over(app_with_dispatcher().await).await;
    let app = &office.app;
    let query = "subscription S($id: ID!, $after: String) {
        workspaceEvents(workspaceId: $id, after: $after) { id type cursor subjectId changes { field after } } }";
    let cursor = app.last_cursor(&office.owner, &office.id).await;
    let listen = |person: &Person| app.listen(person, query, json!({ "id": office.id, "after": cursor }));
    let storage = office.storage(&office.owner).await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let input = json!({ "taskId": task, "name": "Renamed", "sourceStorageId": storage });
    office.owner.mutate("updateTask", input, "clientMutationId").await.done();
    let mut maintainers = [listen(&office.owner), listen(&office.maintainer)];
    let mut workers = [listen(&office.worker), listen(&office.worker)];
    let name = json!({ "field": "name", "after": "Renamed" });
    let link = json!({ "field": "sourceStorage", "after": storage });
    let updated = async |listener: &mut Listener| loop {
        let event = listener.event().await;
        if event["type"] == "TASK_UPDATED" {
            return event;
        }
    };
    let mut seen = Vec::new();
    for listener in maintainers.iter_mut().chain(&mut workers) {
        seen.push(updated(listener).await);
    }
    assert_eq!(seen[0]["changes"], json!([name, link]));
    assert_eq!(seen[2]["changes"], json!([name]), "workers see no storages");
    assert!(seen[0] == seen[1] && seen[2] == seen[3]);
    assert_eq!(seen[0]["cursor"], seen[2]["cursor"]);
    office.app.close().await;
}

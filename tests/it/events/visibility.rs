//! Which events and changes each viewer sees in a list.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::stream::{events_of, text};
use crate::support::{Office, Person, TestApp};

fn event_types(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| text(event, "type")).collect()
}

fn types_of_subject(events: &[Value], subject: &str) -> Vec<String> {
    events.iter().filter(|event| event["subjectId"] == subject).map(|event| text(event, "type")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_list_shows_each_viewer_only_visible_events_and_changes() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let storage = office.storage(&office.owner).await;
    let project = office.project(&office.owner, json!({})).await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let deleted = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    office.owner.mutate("deleteResource", json!({ "resourceId": deleted }), "clientMutationId").await.done();
    let linked = json!({ "projectId": project, "sourceStorageId": storage, "name": "Renamed" });
    office.owner.mutate("updateProject", linked, "clientMutationId").await.done();
    office.app.log_settles().await;
    let seen = async |person: &Person| events_of(person, &office.id, "first: 100").await;

    let (worker, other) = (seen(&office.worker).await, seen(&office.other).await);
    assert_eq!(types_of_subject(&worker, &task), ["TASK_CREATED"]);
    assert_eq!(
        types_of_subject(&worker, &deleted),
        ["TASK_CREATED", "TASK_DELETED"],
        "access at the time of deletion counts"
    );
    assert_eq!(types_of_subject(&worker, &project), [] as [&str; 0]);
    let members = ["MEMBER_JOINED", "ORGANIZATION_CREATED"].map(str::to_owned);
    let own = ["INVITATION_ACCEPTED", "INVITATION_CREATED"].map(str::to_owned);
    assert_eq!(
        event_types(&other),
        members.iter().chain(&own).cloned().collect(),
        "members, the organization, and the viewer's own invitation"
    );
    assert!(event_types(&seen(&office.supervisor).await).contains("CLOUD_STORAGE_CREATED"));
    let (maintainer, admin) = (seen(&office.maintainer).await, seen(&office.admin).await);
    assert_eq!(maintainer, admin);
    assert_eq!(maintainer.len() as i64, office.app.count("events").await);

    // Current ties count: a new assignee sees earlier events, but not the storage.
    let assigned = json!({ "projectId": project, "assigneeId": office.other.id });
    office.owner.mutate("updateProject", assigned, "clientMutationId").await.done();
    office.app.log_settles().await;
    let other = seen(&office.other).await;
    assert_eq!(types_of_subject(&other, &project), ["PROJECT_CREATED", "PROJECT_UPDATED", "PROJECT_UPDATED"]);
    let fields = |events: &[Value]| -> Vec<String> {
        let updated = events.iter().find(|event| event["type"] == "PROJECT_UPDATED").expect("the update");
        updated["changes"].as_array().expect("changes").iter().map(|change| text(change, "field")).collect()
    };
    assert_eq!(fields(&other), ["name"]);
    assert_eq!(fields(&maintainer), ["name", "sourceStorage"]);

    let query = format!(r#"{{ organization(id: "{}") {{ slug events {{ nodes {{ id }} }} }} }}"#, office.id);
    let data = office.stranger.ask(&query).await.data();
    assert!(data["organization"].is_null());
    office.owner.invites(&office.id, &office.stranger.email(), "WORKER").await;
    for query in [
        query.clone(),
        query
            .replace("organization(id", "node(id")
            .replace("slug events", "... on Workspace { events")
            .replace("} } }", "} } } }"),
    ] {
        let answer = office.stranger.ask(&query).await;
        assert_eq!(answer.codes(), ["FORBIDDEN"], "{query}");
        assert_eq!(answer.body["errors"][0]["extensions"]["permission"], "VIEW_EVENTS");
    }
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_actor_of_a_deleted_account_is_shown_as_deleted_user() {
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let gone = json!({ "confirmUsername": "max" });
    office.maintainer.mutate("deleteAccount", gone, "clientMutationId").await.done();
    office.app.log_settles().await;
    let last = events_of(&office.owner, &office.id, "last: 1, types: [MEMBER_LEFT]").await;
    assert_eq!(last[0]["actor"]["username"], "deleted user");
    office.app.close().await;
}

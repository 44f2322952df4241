//! Permission to change resources: by role, ownership and assignment.

use serde_json::{Value, json};

use super::{Things, outcome_of};
use crate::support::Office;
use crate::support::org_fixture::bucket;

#[tokio::test]
async fn resource_mutations_follow_the_permission_table_by_role_ownership_and_assignment() {
    let office = Office::new().await;
    let everything = ["ok"; 18].join(" ");
    let nothing = ["–"; 18].join(" ");
    #[rustfmt::skip]
    let expected = [
        // Person, relation, outcomes of `Things::all`: project (3), new task, task (4), job (3), storage, deletion of
        // task, project, storage, new project, new task, new storage.
        (&office.owner,      "",                     everything.as_str()),
        (&office.maintainer, "",                     everything.as_str()),
        (&office.admin,      "",                     everything.as_str()),
        (&office.supervisor, "",                     "– – – – – – – – – – – F – – F ok ok F"),
        (&office.supervisor, "projects.owner_id",    "ok ok ok ok ok ok ok ok ok ok ok F ok ok F ok ok F"),
        (&office.supervisor, "projects.assignee_id", "ok F F ok ok ok ok ok ok ok ok F ok F F ok ok F"),
        (&office.supervisor, "tasks.owner_id",       "– – – – ok ok ok ok ok ok ok F ok – F ok ok F"),
        (&office.supervisor, "tasks.assignee_id",    "– – – – ok F F F ok ok ok F F – F ok ok F"),
        (&office.supervisor, "cloud_storages.owner_id", "– – – – – – – – – – – ok – – ok ok ok F"),
        (&office.worker,     "",                     "– – – – – – – – – – – – – – – F F F"),
        (&office.worker,     "projects.owner_id",    "ok ok ok F ok ok ok F ok ok ok – ok ok – F F F"),
        (&office.worker,     "projects.assignee_id", "ok F F F ok ok ok F ok ok ok – ok F – F F F"),
        (&office.worker,     "tasks.owner_id",       "– – – – ok ok ok F ok ok ok – ok – – F F F"),
        (&office.worker,     "tasks.assignee_id",    "– – – – ok F F F ok ok ok – F – – F F F"),
        (&office.worker,     "jobs.assignee_id",     "– – – – – – – – ok F F – – – – F F F"),
        (&office.worker,     "cloud_storages.owner_id", "– – – – – – – – – – – ok – – ok F F F"),
        (&office.stranger,   "",                     nothing.as_str()),
        (&office.stranger,   "projects.owner_id",    nothing.as_str()),
        (&office.stranger,   "cloud_storages.owner_id", nothing.as_str()),
    ];
    for (person, relation, expected) in expected {
        let things = Things::new(&office).await;
        things.relate(&office, person, relation).await;
        let permitted = things.permitted(&office, person).await;
        assert_eq!(things.all(&office, person).await, expected, "{} with {relation:?}", person.name);
        for (place, may) in permitted {
            let does = expected.split(' ').nth(place) == Some("ok");
            assert_eq!(may, does, "viewerPermissions of {} with {relation:?} at {place}", person.name);
        }
    }
    let things = Things::new(&office).await;
    let nobody = office.app.mutate_anonymously("updateTask", json!({ "taskId": things.task, "name": "x" })).await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn resource_mutation_errors_name_the_permission_and_the_required_role() {
    let office = Office::new().await;
    let things = Things::new(&office).await;
    things.relate(&office, &office.worker, "tasks.assignee_id").await;
    let error_of = async |mutation: &str, input: Value| {
        let data = office.worker.mutate(mutation, input, "clientMutationId").await.data();
        let error = data[mutation]["userErrors"][0].clone();
        format!("{} {} {}", error["code"], error["permission"], error["requiredRole"]).replace('"', "")
    };
    let unseen = json!({ "projectId": things.project, "name": "x" });
    assert_eq!(error_of("updateProject", unseen).await, "NOT_FOUND null null");
    let assign = json!({ "taskId": things.task, "assigneeId": null });
    assert_eq!(error_of("updateTask", assign).await, "FORBIDDEN ASSIGN_RESOURCE MAINTAINER");
    let delete = json!({ "resourceId": things.task });
    assert_eq!(error_of("deleteResource", delete).await, "FORBIDDEN DELETE_RESOURCE MAINTAINER");
    let create = json!({ "workspaceId": office.id, "name": "x" });
    assert_eq!(error_of("createTask", create.clone()).await, "FORBIDDEN CREATE_TASK SUPERVISOR");
    assert_eq!(error_of("createProject", create).await, "FORBIDDEN CREATE_PROJECT SUPERVISOR");
    assert_eq!(error_of("createCloudStorage", bucket(&office.id)).await, "FORBIDDEN MANAGE_CLOUD_STORAGES MAINTAINER");
    office.app.close().await;
}

#[tokio::test]
async fn resource_mutations_in_a_personal_workspace_are_not_found_for_others() {
    let office = Office::new().await;
    let eve = &office.stranger;
    let workspace = eve.workspace();
    let storage = eve.makes("createCloudStorage", bucket(&workspace)).await;
    let own = json!({ "workspaceId": workspace, "name": "P", "assigneeId": eve.id, "sourceStorageId": storage });
    let project = eve.makes("createProject", own).await;
    let task = eve.makes("createTask", json!({ "projectId": project, "name": "T" })).await;
    let job = office.jobs().await.pop().expect("a job");
    let inputs = [
        ("createProject", json!({ "workspaceId": workspace, "name": "P" }), "workspaceId"),
        ("createTask", json!({ "workspaceId": workspace, "name": "T" }), "workspaceId"),
        ("createTask", json!({ "projectId": project, "name": "T" }), "projectId"),
        ("createCloudStorage", bucket(&workspace), "workspaceId"),
        ("updateProject", json!({ "projectId": project, "name": "Q", "assigneeId": eve.id }), "projectId"),
        ("updateTask", json!({ "taskId": task, "projectId": null }), "taskId"),
        ("updateJob", json!({ "jobId": job, "state": "COMPLETED", "assigneeId": eve.id }), "jobId"),
        ("updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": "C" }), "cloudStorageId"),
        ("deleteResource", json!({ "resourceId": task }), "resourceId"),
        ("deleteResource", json!({ "resourceId": project }), "resourceId"),
        ("deleteResource", json!({ "resourceId": storage }), "resourceId"),
    ];
    let before = office.app.snapshot().await;
    for (mutation, input, field) in &inputs {
        for other in [&office.admin, &office.owner] {
            let outcome = outcome_of(other, mutation, input.clone()).await;
            assert_eq!(outcome, format!("NOT_FOUND {field}"), "{} {mutation}", other.name);
        }
    }
    let stranger = json!({ "projectId": project, "assigneeId": office.owner.id });
    assert_eq!(
        outcome_of(eve, "updateProject", stranger).await,
        "ASSIGNEE_NOT_ELIGIBLE assigneeId",
        "a personal workspace has one user"
    );
    assert_eq!(office.app.snapshot().await, before);
    for (mutation, input, _) in inputs {
        assert_eq!(outcome_of(eve, mutation, input).await, "ok", "{mutation}");
    }
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn resource_mutations_are_refused_while_the_organization_is_pending_deletion() {
    let office = Office::new().await;
    let Things { project, task, job, storage } = Things::new(&office).await;
    let deletion =
        "UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now() + interval '7 days'";
    office.app.sql(deletion).await;
    let before = office.app.snapshot().await;
    let inputs = [
        ("createProject", json!({ "workspaceId": office.id, "name": "P" })),
        ("createTask", json!({ "projectId": project, "name": "T" })),
        ("createCloudStorage", bucket(&office.id)),
        ("updateProject", json!({ "projectId": project })),
        ("updateTask", json!({ "taskId": task, "projectId": null })),
        ("updateJob", json!({ "jobId": job, "state": "COMPLETED" })),
        ("updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": "x" })),
        ("deleteResource", json!({ "resourceId": project })),
        ("deleteResource", json!({ "resourceId": storage })),
    ];
    for (mutation, input) in inputs {
        let outcome = outcome_of(&office.owner, mutation, input.clone()).await;
        assert_eq!(outcome, "ORGANIZATION_PENDING_DELETION", "{mutation}");
        let outcome = outcome_of(&office.maintainer, mutation, input).await;
        assert!(outcome.starts_with("NOT_FOUND"), "not found for other members: {mutation} {outcome}");
    }
    assert_eq!(office.app.snapshot().await, before);
    office.app.close().await;
}

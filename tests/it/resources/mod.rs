//! Projects, tasks, jobs and cloud storages: creation, update and deletion, permissions, and their events.

mod visibility;

use guildhall::domain::job::{JobStage, JobState};

use guildhall::domain::task::TaskStatus;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use crate::support::org_fixture::{bucket, with};
use crate::support::{Answer, Office, Person, TestApp};

const PROJECT: &str = "project { id name description assignee { username } updatedAt viewerPermissions }";
const TASK: &str = "task { id name status project { id } assignee { username } updatedAt }";
const JOB: &str = "job { id stage state assignee { username } }";

/// `ok`, or code and path of each user error, or the codes of the top-level errors.
fn outcome(answer: Answer) -> String {
    if answer.body.get("errors").is_some() {
        return answer.codes().join(" ");
    }
    let data = answer.data();
    let payload = data.as_object().expect("data").values().next().expect("a payload");
    let errors = payload["userErrors"].as_array().expect("userErrors");
    let told = errors.iter().map(|error| {
        let path: Vec<_> = error["path"].as_array().into_iter().flatten().filter_map(Value::as_str).skip(1).collect();
        format!("{} {}", error["code"].as_str().expect("a code"), path.join(".")).trim().to_owned()
    });
    let told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() { "ok".to_owned() } else { told }
}

async fn tried(by: &Person, mutation: &str, input: Value) -> String {
    outcome(by.mutate(mutation, input, "clientMutationId").await)
}

/// The UUID in a typed ID, for SQL.
fn uuid(id: &str) -> String {
    use guildhall::domain::ids::TypedId;
    use guildhall::domain::{CloudStorageId, JobId, ProjectId, TaskId, UserId};
    let any = UserId::parse(id).map(uuid::Uuid::from);
    let any = any.or_else(|| ProjectId::parse(id).map(uuid::Uuid::from));
    let any = any.or_else(|| TaskId::parse(id).map(uuid::Uuid::from));
    let any = any.or_else(|| JobId::parse(id).map(uuid::Uuid::from));
    any.or_else(|| CloudStorageId::parse(id).map(uuid::Uuid::from)).expect("an ID").to_string()
}

/// A project with a task with one job, and a cloud storage, all owned by the owner.
struct Things {
    project: String,
    task: String,
    job: String,
    storage: String,
}

impl Things {
    async fn new(office: &Office) -> Self {
        let owner = &office.owner;
        let storage = office.storage(owner).await;
        let project = office.project(owner, json!({})).await;
        let task = owner.makes("createTask", json!({ "projectId": project, "name": "Task" })).await;
        let job = office.jobs().await.pop().expect("a job");
        Self { project, task, job, storage }
    }

    /// Makes the person the owner or assignee of one of them.
    async fn tie(&self, office: &Office, person: &Person, tie: &str) {
        let Some((table, column)) = tie.split_once('.') else { return };
        let id = match table {
            "projects" => &self.project,
            "tasks" => &self.task,
            "jobs" => &self.job,
            _ => &self.storage,
        };
        let (person, id) = (uuid(&person.id), uuid(id));
        office.app.sql(&format!("UPDATE {table} SET {column} = '{person}' WHERE id = '{id}'")).await;
    }

    /// Whether `viewerPermissions` allow the operations of [`Things::all`] that need a single permission, by their
    /// position there.
    async fn promised(&self, office: &Office, by: &Person) -> Vec<(usize, bool)> {
        let Self { project, task, job, storage } = self;
        let mut promised = Vec::new();
        for (id, kind, places) in [
            (
                project,
                "Project",
                vec![(0, "UPDATE_RESOURCE"), (1, "ASSIGN_RESOURCE"), (2, "ASSIGN_RESOURCE"), (13, "DELETE_RESOURCE")],
            ),
            (
                task,
                "Task",
                vec![(4, "UPDATE_RESOURCE"), (5, "ASSIGN_RESOURCE"), (6, "ASSIGN_RESOURCE"), (12, "DELETE_RESOURCE")],
            ),
            (job, "Job", vec![(8, "UPDATE_JOB_STATE"), (9, "ASSIGN_RESOURCE"), (10, "ASSIGN_RESOURCE")]),
            (storage, "CloudStorage", vec![(11, "MANAGE_CLOUD_STORAGES"), (14, "MANAGE_CLOUD_STORAGES")]),
            (
                &office.id,
                "Organization",
                vec![(15, "CREATE_PROJECT"), (16, "CREATE_TASK"), (17, "MANAGE_CLOUD_STORAGES")],
            ),
        ] {
            let query = format!(r#"{{ node(id: "{id}") {{ ... on {kind} {{ viewerPermissions }} }} }}"#);
            let told = by.ask(&query).await.data()["node"]["viewerPermissions"].clone();
            let has = |permission: &str| told.as_array().is_some_and(|told| told.contains(&json!(permission)));
            promised.extend(places.into_iter().map(|(place, permission)| (place, has(permission))));
        }
        promised
    }

    /// The abbreviated outcome of each operation. Operations that need the same permission in the same way are next to
    /// each other. Some inputs repeat the current value, because that needs the permission, too.
    async fn all(&self, office: &Office, by: &Person) -> String {
        let Self { project, task, job, storage } = self;
        let assignee = async |table: &str, id: &str| {
            let sql = format!("SELECT coalesce(assignee_id::text, '') FROM {table} WHERE id = '{}'", uuid(id));
            let user = office.app.texts(&sql).await.swap_remove(0);
            uuid::Uuid::parse_str(&user).ok().map(|user| guildhall::domain::UserId::from(user).to_string())
        };
        let (of_project, of_task) = (assignee("projects", project).await, assignee("tasks", task).await);
        let of_job = assignee("jobs", job).await;
        let inputs = [
            ("updateProject", json!({ "projectId": project, "name": "Renamed" })),
            ("updateProject", json!({ "projectId": project, "assigneeId": of_project })),
            ("updateProject", json!({ "projectId": project, "sourceStorageId": null })),
            ("createTask", json!({ "projectId": project, "name": "Another" })),
            ("updateTask", json!({ "taskId": task, "name": "Renamed" })),
            ("updateTask", json!({ "taskId": task, "assigneeId": of_task })),
            ("updateTask", json!({ "taskId": task, "targetStorageId": null })),
            ("updateTask", json!({ "taskId": task, "projectId": null })),
            ("updateJob", json!({ "jobId": job, "state": "COMPLETED" })),
            ("updateJob", json!({ "jobId": job, "stage": "ANNOTATION" })),
            ("updateJob", json!({ "jobId": job, "assigneeId": of_job })),
            ("updateCloudStorage", json!({ "cloudStorageId": storage, "displayName": "Renamed" })),
            ("deleteResource", json!({ "resourceId": task })),
            ("deleteResource", json!({ "resourceId": project })),
            ("deleteResource", json!({ "resourceId": storage })),
            ("createProject", json!({ "workspaceId": office.id, "name": "New" })),
            ("createTask", json!({ "workspaceId": office.id, "name": "New" })),
            ("createCloudStorage", bucket(&office.id)),
        ];
        let mut told = Vec::new();
        for (mutation, input) in inputs {
            // The task is moved back after this one: outside its project, ownership of the project would no longer
            // count.
            if mutation == "updateTask" && input.get("projectId").is_some() {
                told.push(tried(by, mutation, input).await);
                let (project, task) = (uuid(project), uuid(task));
                office.app.sql(&format!("UPDATE tasks SET project_id = '{project}' WHERE id = '{task}'")).await;
                continue;
            }
            told.push(tried(by, mutation, input).await);
        }
        let short = |outcome: &str| match outcome.split(' ').next() {
            Some("ok") => "ok".to_owned(),
            Some("NOT_FOUND") => "–".to_owned(),
            Some("FORBIDDEN") => "F".to_owned(),
            _ => outcome.to_owned(),
        };
        told.iter().map(|outcome| short(outcome)).collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test]
async fn resource_mutations_follow_the_permission_table_by_role_ownership_and_assignment() {
    let office = Office::new().await;
    let everything = ["ok"; 18].join(" ");
    let nothing = ["–"; 18].join(" ");
    #[rustfmt::skip]
    let expected = [
        // Person, tie, outcomes of `Things::all`: project (3), new task, task (4), job (3), storage, deletion of
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
    for (person, tie, expected) in expected {
        let things = Things::new(&office).await;
        things.tie(&office, person, tie).await;
        let promised = things.promised(&office, person).await;
        assert_eq!(things.all(&office, person).await, expected, "{} with {tie:?}", person.name);
        for (place, may) in promised {
            let does = expected.split(' ').nth(place) == Some("ok");
            assert_eq!(may, does, "viewerPermissions of {} with {tie:?} at {place}", person.name);
        }
    }
    let things = Things::new(&office).await;
    let nobody = office.app.nobody_mutates("updateTask", json!({ "taskId": things.task, "name": "x" })).await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn resource_mutation_errors_name_the_permission_and_the_required_role() {
    let office = Office::new().await;
    let things = Things::new(&office).await;
    things.tie(&office, &office.worker, "tasks.assignee_id").await;
    let told = async |mutation: &str, input: Value| {
        let data = office.worker.mutate(mutation, input, "clientMutationId").await.data();
        let error = data[mutation]["userErrors"][0].clone();
        format!("{} {} {}", error["code"], error["permission"], error["requiredRole"]).replace('"', "")
    };
    let unseen = json!({ "projectId": things.project, "name": "x" });
    assert_eq!(told("updateProject", unseen).await, "NOT_FOUND null null");
    let assign = json!({ "taskId": things.task, "assigneeId": null });
    assert_eq!(told("updateTask", assign).await, "FORBIDDEN ASSIGN_RESOURCE MAINTAINER");
    let delete = json!({ "resourceId": things.task });
    assert_eq!(told("deleteResource", delete).await, "FORBIDDEN DELETE_RESOURCE MAINTAINER");
    let create = json!({ "workspaceId": office.id, "name": "x" });
    assert_eq!(told("createTask", create.clone()).await, "FORBIDDEN CREATE_TASK SUPERVISOR");
    assert_eq!(told("createProject", create).await, "FORBIDDEN CREATE_PROJECT SUPERVISOR");
    assert_eq!(told("createCloudStorage", bucket(&office.id)).await, "FORBIDDEN MANAGE_CLOUD_STORAGES MAINTAINER");
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
            let told = tried(other, mutation, input.clone()).await;
            assert_eq!(told, format!("NOT_FOUND {field}"), "{} {mutation}", other.name);
        }
    }
    let stranger = json!({ "projectId": project, "assigneeId": office.owner.id });
    assert_eq!(tried(eve, "updateProject", stranger).await, "ASSIGNEE_NOT_ELIGIBLE assigneeId", "it cannot be shared");
    assert_eq!(office.app.snapshot().await, before);
    for (mutation, input, _) in inputs {
        assert_eq!(tried(eve, mutation, input).await, "ok", "{mutation}");
    }
    office.app.check_invariants().await;
    office.app.close().await;
}

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
    assert_eq!(made["task"]["workspace"]["id"], office.id, "that of its project");
    assert_eq!(made["task"]["assignee"], Value::Null);
    assert_eq!(office.app.count("jobs").await, 3);
    assert_eq!(
        office.app.log_after("CLOUD_STORAGE_CREATED").await,
        ["PROJECT_CREATED", "TASK_CREATED", "JOB_CREATED", "JOB_CREATED", "JOB_CREATED"]
    );
    let told = "SELECT changes::text FROM events WHERE type = 'PROJECT_CREATED' AND person_id = ";
    let told = office.app.texts(&format!("{told}'{}'", uuid(&wim.id))).await;
    assert_eq!(
        serde_json::from_str::<Value>(&told[0]).expect("JSON"),
        json!([{ "field": "assignee", "before": null, "after": wim.id }])
    );
    let tied = "SELECT count(*) FROM events WHERE type IN ('TASK_CREATED', 'JOB_CREATED') AND tied_ids @> ARRAY[";
    let tied = format!("{tied}'{}', '{}']::uuid[]", uuid(&sue.id), uuid(&wim.id));
    assert_eq!(office.app.number(&tied).await, 4, "with the people of what contains it");
    let alone = office.task(sue, json!({})).await;
    assert_eq!(tried(sue, "updateTask", json!({ "taskId": alone, "name": "x" })).await, "ok");
    assert_eq!(office.app.count("jobs").await, 4, "one job unless said otherwise");
    office.app.check_invariants().await;
    office.app.close().await;
}

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
    assert!(before["jobs"].contains(&uuid(&job)), "the snapshot has the rows");
    for (mutation, input, expected) in cases {
        assert_eq!(tried(owner, mutation, input.clone()).await, expected, "{mutation} {input}");
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
    assert_eq!(existing, message("usr_01jd0000000000000000000000").await, "the same for who does not exist");
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
    assert_eq!(tried(sue, "createProject", create(&own)).await, "DIFFERENT_WORKSPACE targetStorageId");
    assert_eq!(tried(sue, "createProject", create(&hidden)).await, "NOT_FOUND targetStorageId");
    assert_eq!(tried(&office.admin, "createTask", create(&hidden)).await, "NOT_FOUND targetStorageId");
    let task = office.task(sue, json!({})).await;
    let to = |project: &str| json!({ "taskId": task, "projectId": project });
    assert_eq!(tried(sue, "updateTask", to(&own_project)).await, "DIFFERENT_WORKSPACE projectId");
    assert_eq!(tried(sue, "updateTask", to(&hidden_project)).await, "NOT_FOUND projectId");
    assert_eq!(tried(sue, "updateTask", to(&unseen)).await, "NOT_FOUND projectId", "in the same workspace, too");
    // Workers see only their own storages, so they cannot link to others.
    let storage = office.storage(&office.owner).await;
    let project = office.project(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let task = office.owner.makes("createTask", json!({ "projectId": project, "name": "T" })).await;
    let link = json!({ "taskId": task, "sourceStorageId": storage });
    assert_eq!(tried(&office.worker, "updateTask", link.clone()).await, "NOT_FOUND sourceStorageId");
    let cut = json!({ "taskId": task, "sourceStorageId": null });
    assert_eq!(tried(&office.owner, "updateTask", link).await, "ok");
    assert_eq!(tried(&office.worker, "updateTask", cut).await, "ok", "but they can cut the link");
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
        assert_eq!(tried(owner, "updateProject", with(json!({ "projectId": project }), input)).await, "ok");
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
    let told = office.app.texts("SELECT changes::text FROM events WHERE type = 'PROJECT_UPDATED'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&told[0]).expect("JSON"),
        json!([
            { "field": "name", "before": "Project", "after": "New" },
            { "field": "description", "before": "Old", "after": null },
            { "field": "sourceStorage", "before": null, "after": storage },
            { "field": "targetStorage", "before": null, "after": storage },
            { "field": "assignee", "before": null, "after": office.worker.id },
        ])
    );
    let renamed = json!({ "cloudStorageId": storage, "displayName": "Barrel", "description": "Of data" });
    assert_eq!(tried(owner, "updateCloudStorage", renamed.clone()).await, "ok");
    assert_eq!(tried(owner, "updateCloudStorage", renamed).await, "ok");
    assert_eq!(office.app.log_after("PROJECT_UPDATED").await, ["CLOUD_STORAGE_UPDATED"]);
    office.app.close().await;
}

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
    assert_eq!(moved(json!(first)).await, first, "where it is already");
    assert_eq!(moved(json!(second)).await, second);
    assert_eq!(moved(Value::Null).await, Value::Null);
    assert_eq!(office.app.log_after("JOB_CREATED").await, ["TASK_UPDATED"; 3]);
    let told = office.app.texts("SELECT changes::text FROM events WHERE type = 'TASK_UPDATED' ORDER BY sequence").await;
    assert_eq!(
        serde_json::from_str::<Value>(&told[1]).expect("JSON"),
        json!([{ "field": "project", "before": first, "after": second }])
    );
    // The assignee may edit the task, but not move it.
    let away = json!({ "taskId": task, "projectId": first });
    assert_eq!(tried(wim, "updateTask", away).await, "NOT_FOUND projectId");
    assert_eq!(tried(wim, "updateTask", json!({ "taskId": task, "projectId": null })).await, "FORBIDDEN");
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn update_job_changes_stage_and_state_and_the_status_of_the_task() {
    let office = Office::new().await;
    let (sue, wim) = (&office.supervisor, &office.worker);
    let task = office.task(sue, json!({ "jobCount": 2 })).await;
    let jobs = office.jobs().await;
    let update = async |by: &Person, job: &str, input: Value| {
        let job = by.mutate("updateJob", with(json!({ "jobId": job }), input), JOB).await.done()["job"].clone();
        format!("{} {} {}", job["stage"], job["state"], job["assignee"]["username"]).replace('"', "")
    };
    let query = format!(r#"{{ node(id: "{task}") {{ ... on Task {{ status }} }} }}"#);
    let status = async || sue.ask(&query).await.data()["node"]["status"].as_str().expect("a status").to_owned();
    assert_eq!(update(sue, &jobs[0], json!({ "assigneeId": wim.id })).await, "ANNOTATION NEW wim");
    assert_eq!(update(wim, &jobs[0], json!({ "state": "COMPLETED" })).await, "ANNOTATION COMPLETED wim");
    assert_eq!(
        update(sue, &jobs[0], json!({ "stage": "ANNOTATION" })).await,
        "ANNOTATION COMPLETED wim",
        "the same stage again changes nothing"
    );
    assert_eq!(update(sue, &jobs[0], json!({ "stage": "VALIDATION" })).await, "VALIDATION NEW wim", "a new one begins");
    assert_eq!(status().await, "ANNOTATION", "the other one is not done");
    let both = json!({ "stage": "ACCEPTANCE", "state": "COMPLETED", "assigneeId": null });
    assert_eq!(update(sue, &jobs[1], both).await, "ACCEPTANCE COMPLETED null");
    assert_eq!(status().await, "VALIDATION");
    let log = office.app.log().await;
    assert_eq!(log[log.len() - 2..], ["JOB_UPDATED", "TASK_UPDATED"]);
    update(sue, &jobs[0], json!({ "stage": "ACCEPTANCE", "state": "COMPLETED" })).await;
    assert_eq!(status().await, "COMPLETED");
    let told = office.app.texts("SELECT changes::text FROM events WHERE type = 'TASK_UPDATED' ORDER BY sequence").await;
    assert_eq!(
        told.last().map(|changes| serde_json::from_str::<Value>(changes).expect("JSON")),
        Some(json!([{ "field": "status", "before": "VALIDATION", "after": "COMPLETED" }]))
    );
    update(wim, &jobs[0], json!({ "state": "REJECTED" })).await;
    assert_eq!(status().await, "VALIDATION");
    office.app.check_invariants().await;
    office.app.close().await;
}

#[tokio::test]
async fn update_job_keeps_the_task_status_derived_from_all_jobs() {
    let office = Office::new().await;
    let owner = &office.owner;
    let task = office.task(owner, json!({ "jobCount": 4 })).await;
    let jobs = office.jobs().await;
    let stages = [JobStage::Annotation, JobStage::Validation, JobStage::Acceptance, JobStage::Acceptance];
    let states = [JobState::New, JobState::InProgress, JobState::Completed, JobState::Completed, JobState::Rejected];
    let mut model = vec![(JobStage::Annotation, JobState::New); jobs.len()];
    let mut seen = std::collections::HashSet::new();
    let query = format!(r#"{{ node(id: "{task}") {{ ... on Task {{ status }} }} }}"#);
    let mut random = StdRng::seed_from_u64(27);
    for round in 0..120 {
        let place = round % jobs.len();
        let stage = stages.choose(&mut random).filter(|_| round % 3 != 0).copied();
        let state = states.choose(&mut random).filter(|_| round % 4 != 1).copied();
        let before = model[place];
        let kept = if stage.is_some_and(|stage| stage != before.0) { JobState::New } else { before.1 };
        model[place] = (stage.unwrap_or(before.0), state.unwrap_or(kept));
        let mut input = json!({ "jobId": jobs[place] });
        if let Some(stage) = stage {
            input = with(input, json!({ "stage": stage.name() }));
        }
        if let Some(state) = state {
            input = with(input, json!({ "state": state.name() }));
        }
        let job = owner.mutate("updateJob", input.clone(), JOB).await.done()["job"].clone();
        assert_eq!(
            (&job["stage"], &job["state"]),
            (&json!(model[place].0.name()), &json!(model[place].1.name())),
            "{input}"
        );
        let status = TaskStatus::of(&model);
        assert_eq!(owner.ask(&query).await.data()["node"]["status"], status.name(), "after {input}: {model:?}");
        seen.insert(status);
    }
    assert!(seen.len() > 1, "the walk went somewhere: {seen:?}");
    office.app.check_invariants().await;
    office.app.close().await;
}

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
    let told = "SELECT count(*) FROM events WHERE type LIKE '%DELETED' AND tied_ids @> ARRAY[";
    let told = format!("{told}'{}', '{}']::uuid[]", uuid(&owner.id), uuid(&office.worker.id));
    assert_eq!(office.app.number(&told).await, 7, "all tell who could see them");
    assert_eq!((office.app.count("tasks").await, office.app.count("jobs").await), (1, 1), "the other task stays");
    assert_eq!(tried(owner, "deleteResource", input).await, "NOT_FOUND resourceId", "once");
    assert_eq!(tried(owner, "deleteResource", json!({ "resourceId": other })).await, "ok");
    assert_eq!(office.app.log_after("PROJECT_DELETED").await[6..], ["TASK_DELETED", "JOB_DELETED"]);
    office.app.close().await;
}

#[tokio::test]
async fn delete_resource_unlinks_a_storage_from_all_resources() {
    let office = Office::new().await;
    let owner = &office.owner;
    let (storage, kept) = (office.storage(owner).await, office.storage(owner).await);
    let both = json!({ "sourceStorageId": storage, "targetStorageId": storage });
    let project = office.project(owner, both).await;
    let half = json!({ "sourceStorageId": kept, "targetStorageId": storage });
    let task = owner.makes("createTask", with(json!({ "projectId": project, "name": "T" }), half)).await;
    office.task(owner, json!({ "sourceStorageId": kept })).await;
    assert_eq!(tried(owner, "deleteResource", json!({ "resourceId": storage })).await, "ok");
    assert_eq!(office.app.log_after("JOB_CREATED").await, ["CLOUD_STORAGE_DELETED", "PROJECT_UPDATED", "TASK_UPDATED"]);
    let told = office.app.texts("SELECT changes::text FROM events WHERE type = 'PROJECT_UPDATED'").await;
    assert_eq!(
        serde_json::from_str::<Value>(&told[0]).expect("JSON"),
        json!([
            { "field": "sourceStorage", "before": storage, "after": null },
            { "field": "targetStorage", "before": storage, "after": null },
        ])
    );
    let query =
        format!(r#"{{ node(id: "{task}") {{ ... on Task {{ sourceStorage {{ id }} targetStorage {{ id }} }} }} }}"#);
    let links = json!({ "sourceStorage": { "id": kept }, "targetStorage": null });
    assert_eq!(owner.ask(&query).await.data()["node"], links);
    office.app.close().await;
}

#[tokio::test]
async fn update_task_returns_null_if_the_caller_can_no_longer_see_the_task() {
    let office = Office::new().await;
    let things = Things::new(&office).await;
    // The assignee of a project may assign its tasks, but only its owner may assign the project.
    things.tie(&office, &office.worker, "projects.assignee_id").await;
    let out = json!({ "projectId": things.project, "assigneeId": null });
    assert_eq!(tried(&office.worker, "updateProject", out).await, "FORBIDDEN");
    things.tie(&office, &office.supervisor, "projects.owner_id").await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.supervisor.id })).await;
    let input = json!({ "taskId": task, "projectId": things.project });
    let moved = office.owner.mutate("updateTask", input, TASK).await.done();
    assert_eq!(moved["task"]["project"]["id"], things.project);
    // The supervisor sees the task only through its project, so it becomes invisible outside of it.
    let input = json!({ "taskId": task, "assigneeId": null, "projectId": null });
    assert_eq!(office.supervisor.mutate("updateTask", input, TASK).await.done()["task"], Value::Null);
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
        let told = tried(&office.owner, mutation, input.clone()).await;
        assert_eq!(told, "ORGANIZATION_PENDING_DELETION", "{mutation}");
        let told = tried(&office.maintainer, mutation, input).await;
        assert!(told.starts_with("NOT_FOUND"), "gone for everybody else: {mutation} {told}");
    }
    assert_eq!(office.app.snapshot().await, before);
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
    assert_eq!(tried(owner, "createProject", more).await, "LIMIT_EXCEEDED");
    for _ in 0..5 {
        owner.makes("createTask", json!({ "projectId": projects[0], "name": "T" })).await;
    }
    let more = json!({ "projectId": projects[0], "name": "T" });
    assert_eq!(tried(owner, "createTask", more).await, "LIMIT_EXCEEDED", "five in a project");
    let alone = office.task(owner, json!({})).await;
    let into = |project: &str| json!({ "taskId": alone, "projectId": project });
    assert_eq!(tried(owner, "updateTask", into(&projects[0])).await, "LIMIT_EXCEEDED");
    assert_eq!(tried(owner, "updateTask", into(&projects[1])).await, "ok");
    let full = json!({ "taskId": alone, "name": "Still editable" });
    for _ in 0..4 {
        office.task(owner, json!({})).await;
    }
    assert_eq!(tried(owner, "createTask", json!({ "workspaceId": office.id, "name": "T" })).await, "LIMIT_EXCEEDED");
    assert_eq!(tried(owner, "updateTask", full).await, "ok");
    for _ in 0..10 {
        office.storage(owner).await;
    }
    assert_eq!(tried(owner, "createCloudStorage", bucket(&office.id)).await, "LIMIT_EXCEEDED");
    assert_eq!(tried(&office.admin, "createCloudStorage", bucket(&office.id)).await, "LIMIT_EXCEEDED", "for all");
    office.app.check_invariants().await;
    office.app.close().await;
}

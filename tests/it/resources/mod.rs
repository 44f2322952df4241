//! Projects, tasks, jobs and cloud storages: creation, update and deletion, permissions, and their events.

mod deletion;
mod inputs;
mod jobs;
mod permissions;
mod projects;
mod races;
mod tasks;
mod visibility;

use serde_json::{Value, json};

use crate::support::org_fixture::bucket;
use crate::support::{Answer, Office, Person};

/// `ok`, or code and path of each user error, or the codes of the top-level errors.
fn outcome(answer: Answer) -> String {
    if answer.body.get("errors").is_some() {
        return answer.codes().join(" ");
    }
    let data = answer.data();
    let payload = data.as_object().expect("data").values().next().expect("a payload");
    let errors = payload["userErrors"].as_array().expect("userErrors");
    let outcomes = errors.iter().map(|error| {
        let path: Vec<_> = error["path"].as_array().into_iter().flatten().filter_map(Value::as_str).skip(1).collect();
        format!("{} {}", error["code"].as_str().expect("a code"), path.join(".")).trim().to_owned()
    });
    let outcomes = outcomes.collect::<Vec<_>>().join(", ");
    if outcomes.is_empty() { "ok".to_owned() } else { outcomes }
}

async fn outcome_of(by: &Person, mutation: &str, input: Value) -> String {
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
    async fn relate(&self, office: &Office, person: &Person, relation: &str) {
        let Some((table, column)) = relation.split_once('.') else { return };
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
    async fn permitted(&self, office: &Office, by: &Person) -> Vec<(usize, bool)> {
        let Self { project, task, job, storage } = self;
        let mut permitted = Vec::new();
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
            let permissions = by.ask(&query).await.data()["node"]["viewerPermissions"].clone();
            let has =
                |permission: &str| permissions.as_array().is_some_and(|granted| granted.contains(&json!(permission)));
            permitted.extend(places.into_iter().map(|(place, permission)| (place, has(permission))));
        }
        permitted
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
        let mut outcomes = Vec::new();
        for (mutation, input) in inputs {
            // The task is moved back after this one: outside its project, ownership of the project would no longer
            // count.
            if mutation == "updateTask" && input.get("projectId").is_some() {
                outcomes.push(outcome_of(by, mutation, input).await);
                let (project, task) = (uuid(project), uuid(task));
                office.app.sql(&format!("UPDATE tasks SET project_id = '{project}' WHERE id = '{task}'")).await;
                continue;
            }
            outcomes.push(outcome_of(by, mutation, input).await);
        }
        let short = |outcome: &str| match outcome.split(' ').next() {
            Some("ok") => "ok".to_owned(),
            Some("NOT_FOUND") => "–".to_owned(),
            Some("FORBIDDEN") => "F".to_owned(),
            _ => outcome.to_owned(),
        };
        outcomes.iter().map(|outcome| short(outcome)).collect::<Vec<_>>().join(" ")
    }
}

//! Transfers of projects and tasks between workspaces: `transferPlan`, `transferResources`, and their refusals.

mod plan;
mod races;
mod resources;
mod storages;

use guildhall::domain::ids::TypedId;
use guildhall::domain::{CloudStorageId, JobId, ProjectId, TaskId, UserId, WorkspaceId, ids};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Person, TestApp};

/// Two organizations with their members; resources are inserted by SQL.
struct World {
    app: TestApp,
    /// Organization of ada, where sue is a supervisor and wim a worker.
    here: String,
    /// Organization of bob, where sue is a supervisor and wim a worker, too.
    there: String,
    ada: Person,
    bob: Person,
    sue: Person,
    wim: Person,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::new().await;
        Self::of(app).await
    }

    async fn of(app: TestApp) -> Self {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        let (sue, wim) = (app.person("sue").await, app.person("wim").await);
        let (here, there) = (ada.creates("here").await, bob.creates("there").await);
        for (owner, organization) in [(&ada, &here), (&bob, &there)] {
            sue.accepts(&owner.invites(organization, &sue.email(), "SUPERVISOR").await).await;
            wim.accepts(&owner.invites(organization, &wim.email(), "WORKER").await).await;
        }
        Self { app, here, there, ada, bob, sue, wim }
    }

    async fn storage(&self, workspace: &str, owner: &Person, resource: &str) -> String {
        let id = self.new_id::<CloudStorageId>();
        let sql = format!(
            "INSERT INTO cloud_storages (id, {COLUMNS}, owner_id, display_name, provider, resource, created_at)
             VALUES ('{}', {}, '{}', 'storage', 'AWS_S3', '{resource}', now())",
            uuid(id),
            columns(workspace),
            user(owner)
        );
        self.app.sql(&sql).await;
        id.to_string()
    }

    async fn project(&self, workspace: &str, owner: &Person) -> String {
        let id = self.new_id::<ProjectId>();
        let sql = format!(
            "INSERT INTO projects (id, {COLUMNS}, owner_id, name, created_at, updated_at)
             VALUES ('{}', {}, '{}', 'project', now(), now())",
            uuid(id),
            columns(workspace),
            user(owner)
        );
        self.app.sql(&sql).await;
        id.to_string()
    }

    /// A task with two jobs.
    async fn task(&self, workspace: &str, owner: &Person, project: Option<&str>) -> String {
        let id = self.new_id::<TaskId>();
        let project = project
            .map_or("NULL".to_owned(), |project| format!("'{}'", uuid(ProjectId::parse(project).expect("a project"))));
        let mut sql = format!(
            "INSERT INTO tasks (id, {COLUMNS}, project_id, owner_id, name, created_at, updated_at)
             VALUES ('{}', {}, {project}, '{}', 'task', now(), now());",
            uuid(id),
            columns(workspace),
            user(owner)
        );
        for _ in 0..2 {
            sql += &format!(
                "INSERT INTO jobs (id, {COLUMNS}, task_id, created_at, updated_at) VALUES ('{}', {}, '{}', now(), now());",
                uuid(self.new_id::<JobId>()),
                columns(workspace),
                uuid(id)
            );
        }
        self.app.sql(&sql).await;
        id.to_string()
    }

    fn new_id<I: TypedId>(&self) -> I {
        ids::new_id(self.app.env.clock.now())
    }

    /// Updates columns of a row.
    async fn set(&self, table: &str, id: &str, columns: &str) {
        let id = id.split_once('_').map(|_| resource_uuid(id)).expect("an ID");
        self.app.sql(&format!("UPDATE {table} SET {columns} WHERE id = '{id}'")).await;
    }

    async fn number(&self, sql: &str) -> i64 {
        self.app.number(sql).await
    }
}

const COLUMNS: &str = "workspace_id, organization_id, user_id";

fn columns(workspace: &str) -> String {
    let workspace = WorkspaceId::parse(workspace).expect("a workspace");
    let text = |id: Option<Uuid>| id.map_or("NULL".to_owned(), |id| format!("'{id}'"));
    let (organization, user) = (workspace.organization().map(Uuid::from), workspace.user().map(Uuid::from));
    format!("'{}', {}, {}", workspace.uuid(), text(organization), text(user))
}

fn uuid(id: impl Into<Uuid>) -> Uuid {
    id.into()
}

fn user(person: &Person) -> Uuid {
    UserId::parse(&person.id).expect("an ID").into()
}

/// The UUID of a project, task or cloud storage.
fn resource_uuid(id: &str) -> Uuid {
    let project = ProjectId::parse(id).map(Uuid::from);
    project
        .or_else(|| TaskId::parse(id).map(Uuid::from))
        .or_else(|| CloudStorageId::parse(id).map(Uuid::from))
        .expect("an ID")
}

fn personal_workspace(person: &Person) -> String {
    WorkspaceId::Personal(UserId::parse(&person.id).expect("an ID")).to_string()
}

const FIELDS: &str = "plan { possible destination { id } items { taskCount jobCount unassigned { username }
    storages { current { id } replacement { id } } problems { code } } }
    resources { id workspace { id } owner { username } assignee { username } sourceStorage { id } targetStorage { id } }";

async fn transfer(by: &Person, resources: &[&String], to: &str, storage: &str) -> Answer {
    let input = json!({ "resourceIds": resources, "destinationWorkspaceId": to, "storage": storage });
    by.mutate("transferResources", input, FIELDS).await
}

async fn plan(by: &Person, resources: &[&String], to: &str, storage: &str) -> Value {
    let query = "query Q($ids: [ID!]!, $to: ID!, $storage: StorageHandling!) {
        transferPlan(resourceIds: $ids, destinationWorkspaceId: $to, storage: $storage) {
            possible items { taskCount jobCount unassigned { username } storages { current { id } replacement { id } }
            problems { code message path permission requiredRole limit { kind used max } } } } }";
    let answer = by.run(query, json!({ "ids": resources, "to": to, "storage": storage })).await;
    answer.data()["transferPlan"].clone()
}

/// The problem codes of each item of a plan.
fn problems(plan: &Value) -> Vec<Vec<String>> {
    let codes = |item: &Value| {
        let problems = item["problems"].as_array().expect("problems");
        problems.iter().map(|problem| problem["code"].as_str().expect("a code").to_owned()).collect()
    };
    plan["items"].as_array().expect("items").iter().map(codes).collect()
}

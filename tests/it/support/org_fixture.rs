//! An organization with people of all roles, and helpers for its resources.

use serde_json::{Value, json};

use crate::support::{Person, TestApp};

/// An organization `office`, and people.
pub struct Office {
    /// The application.
    pub app: TestApp,
    /// The organization.
    pub id: String,
    /// Its owner, `olga`.
    pub owner: Person,
    /// A maintainer, `max`.
    pub maintainer: Person,
    /// A supervisor, `sue`.
    pub supervisor: Person,
    /// A worker, `wim`.
    pub worker: Person,
    /// Another worker, `wes`.
    pub other: Person,
    /// Not a member, `eve`.
    pub stranger: Person,
    /// A site administrator who is not a member, `root`.
    pub admin: Person,
}

impl Office {
    /// Creates the organization, without resources, in a new application.
    pub async fn new() -> Self {
        Self::over(TestApp::new().await).await
    }

    /// Creates the organization in that application.
    pub async fn over(app: TestApp) -> Self {
        let owner = app.person("olga").await;
        let id = owner.creates("office").await;
        let join = async |name: &str, role: &str| {
            let person = app.person(name).await;
            person.accepts(&owner.invites(&id, &person.email(), role).await).await;
            person
        };
        let (maintainer, supervisor) = (join("max", "MAINTAINER").await, join("sue", "SUPERVISOR").await);
        let (worker, other) = (join("wim", "WORKER").await, join("wes", "WORKER").await);
        let (stranger, admin) = (app.person("eve").await, app.admin("root").await);
        Self { id, owner, maintainer, supervisor, worker, other, stranger, admin, app }
    }

    /// Creates a project of the organization.
    pub async fn project(&self, by: &Person, rest: Value) -> String {
        by.makes("createProject", with(json!({ "workspaceId": self.id, "name": "Project" }), rest)).await
    }

    /// Creates a task of the organization, in no project.
    pub async fn task(&self, by: &Person, rest: Value) -> String {
        by.makes("createTask", with(json!({ "workspaceId": self.id, "name": "Task" }), rest)).await
    }

    /// Creates a cloud storage of the organization.
    pub async fn storage(&self, by: &Person) -> String {
        by.makes("createCloudStorage", bucket(&self.id)).await
    }

    /// IDs of all jobs in the order of creation.
    pub async fn jobs(&self) -> Vec<String> {
        self.app.texts("SELECT subject_id FROM events WHERE type = 'JOB_CREATED' ORDER BY sequence").await
    }

    /// The ID of the person's membership.
    pub async fn membership(&self, person: &Person) -> String {
        let query = format!(r#"{{ organization(id: "{}") {{ viewerMembership {{ id }} }} }}"#, self.id);
        person.ask(&query).await.data()["organization"]["viewerMembership"]["id"].as_str().expect("an ID").to_owned()
    }

    /// Removes the person from the organization.
    pub async fn removes(&self, person: &Person) {
        let input = json!({ "membershipId": self.membership(person).await });
        self.owner.mutate("removeMember", input, "removedMembershipId").await.done();
    }
}

impl Person {
    /// Creates a resource, and returns its ID.
    pub async fn makes(&self, mutation: &str, input: Value) -> String {
        let field = match mutation {
            "createProject" => "project",
            "createTask" => "task",
            _ => "cloudStorage",
        };
        let payload = self.mutate(mutation, input, &format!("{field} {{ id }}")).await.done();
        payload[field]["id"].as_str().expect("an ID").to_owned()
    }

    /// The ID of the personal workspace.
    pub fn workspace(&self) -> String {
        self.id.replace("usr_", "pws_")
    }
}

/// The input with additional fields.
pub fn with(mut input: Value, rest: Value) -> Value {
    let fields = rest.as_object().cloned().unwrap_or_default();
    input.as_object_mut().expect("an input").extend(fields);
    input
}

/// The input for a cloud storage.
pub fn bucket(workspace: &str) -> Value {
    json!({ "workspaceId": workspace, "displayName": "Bucket", "provider": "AWS_S3", "resource": "bucket" })
}

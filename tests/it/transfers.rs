//! Transfers of projects and tasks between workspaces: `transferPlan`, `transferResources`, and their refusals.

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
        let id = id.split_once('_').map(|_| raw(id)).expect("an ID");
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
fn raw(id: &str) -> Uuid {
    let project = ProjectId::parse(id).map(Uuid::from);
    project
        .or_else(|| TaskId::parse(id).map(Uuid::from))
        .or_else(|| CloudStorageId::parse(id).map(Uuid::from))
        .expect("an ID")
}

fn personal(person: &Person) -> String {
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

#[tokio::test]
async fn transfer_resources_moves_a_project_with_tasks_and_jobs_to_the_caller() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let task = world.task(&world.here, &world.ada, Some(&project)).await;
    world.task(&world.here, &world.ada, Some(&project)).await;
    let storage = world.storage(&world.here, &world.ada, "bucket").await;
    let (wim, sue) = (user(&world.wim), user(&world.sue));
    world.set("projects", &project, &format!("assignee_id = '{wim}', source_storage_id = '{}'", raw(&storage))).await;
    world.set("tasks", &task, &format!("assignee_id = '{sue}', target_storage_id = '{}'", raw(&storage))).await;
    world.app.sql(&format!("UPDATE jobs SET assignee_id = '{wim}'")).await;

    let told = plan(&world.sue, &[&project], &world.there, "DETACH").await;
    assert_eq!(told["possible"], true);
    let item = &told["items"][0];
    assert_eq!((&item["taskCount"], &item["jobCount"]), (&json!(2), &json!(4)));
    let mut names: Vec<&str> =
        item["unassigned"].as_array().expect("people").iter().filter_map(|user| user["username"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["sue", "wim"]);
    assert_eq!(item["storages"], json!([{ "current": { "id": storage }, "replacement": null }]));
    let untouched = format!("SELECT count(*) FROM projects WHERE assignee_id = '{wim}'");
    assert_eq!(world.number(&untouched).await, 1, "a plan changes nothing");

    let done = transfer(&world.sue, &[&project], &world.there, "DETACH").await.done();
    let expected = json!([{ "id": project, "workspace": { "id": world.there }, "owner": { "username": "sue" },
        "assignee": null, "sourceStorage": null, "targetStorage": null }]);
    assert_eq!(done["resources"], expected);
    let there = WorkspaceId::parse(&world.there).expect("a workspace").uuid();
    for (table, count) in [("projects", 1), ("tasks", 2), ("jobs", 4)] {
        let moved = format!("SELECT count(*) FROM {table} WHERE workspace_id = '{there}' AND assignee_id IS NULL");
        assert_eq!(world.number(&moved).await, count, "{table}");
    }
    let theirs = format!("SELECT count(*) FROM tasks WHERE owner_id = '{sue}' AND target_storage_id IS NULL");
    assert_eq!(world.number(&theirs).await, 2);
    let log = world.app.log().await;
    assert_eq!(log.iter().filter(|kind| *kind == "RESOURCE_MOVED_OUT").count(), 3, "the project and its tasks");
    assert_eq!(log.iter().filter(|kind| *kind == "RESOURCE_MOVED_IN").count(), 3);
    let seen = world.ada.ask(&format!(r#"{{ node(id: "{project}") {{ id }} }}"#)).await.data();
    assert_eq!(seen["node"], Value::Null, "gone from where it was");
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_works_between_personal_workspaces_and_organizations() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let task = world.task(&world.here, &world.sue, None).await;
    let (own, back) = (personal(&world.sue), &world.there);
    transfer(&world.sue, &[&project, &task], &own, "DETACH").await.done();
    for person in [&world.ada, &world.app.admin("root").await] {
        let seen = person.ask(&format!(r#"{{ node(id: "{task}") {{ id }} }}"#)).await.data();
        assert_eq!(seen["node"], Value::Null, "a personal workspace is its user's alone");
    }
    let done = transfer(&world.sue, &[&task, &project], back, "DETACH").await.done();
    assert_eq!(done["resources"][0]["id"], task, "in the order of the request");
    assert_eq!(done["resources"][1]["workspace"]["id"], *back);
    // A worker may transfer their own task to their personal workspace.
    let own_task = world.task(&world.here, &world.wim, None).await;
    transfer(&world.wim, &[&own_task], &personal(&world.wim), "DETACH").await.done();
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_reports_problems_per_resource_and_one_blocks_the_transfer() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let inner = world.task(&world.here, &world.sue, Some(&project)).await;
    let other = world.project(&world.here, &world.ada).await;
    let wims = world.task(&world.here, &world.wim, None).await;

    let told = plan(&world.sue, &[&inner, &project], &world.there, "DETACH").await;
    assert_eq!((problems(&told), &told["possible"]), (vec![vec!["RESOURCE_IN_PROJECT".into()], vec![]], &json!(false)));
    assert_eq!(told["items"][0]["problems"][0]["path"], json!(["resourceIds", "0"]));
    assert_eq!(
        transfer(&world.sue, &[&project, &inner], &world.there, "DETACH").await.refused(),
        ["RESOURCE_IN_PROJECT"]
    );

    let told = plan(&world.sue, &[&project], &world.here, "DETACH").await;
    assert_eq!(problems(&told), [["SAME_WORKSPACE"]]);

    // An assignee sees a project, but may not transfer it.
    world.set("projects", &other, &format!("assignee_id = '{}'", user(&world.sue))).await;
    let told = plan(&world.sue, &[&other], &world.there, "DETACH").await;
    assert_eq!(problems(&told), [["FORBIDDEN"]]);
    let problem = &told["items"][0]["problems"][0];
    assert_eq!((&problem["permission"], &problem["requiredRole"]), (&json!("TRANSFER_RESOURCE"), &json!("MAINTAINER")));

    // Permission is checked before state.
    let told = plan(&world.sue, &[&other], &world.here, "DETACH").await;
    assert_eq!(problems(&told), [["FORBIDDEN", "SAME_WORKSPACE"]]);
    let within = world.task(&world.here, &world.ada, Some(&project)).await;
    world.set("projects", &project, &format!("owner_id = '{}'", user(&world.ada))).await;
    world.set("tasks", &within, &format!("assignee_id = '{}'", user(&world.sue))).await;
    let told = plan(&world.sue, &[&within], &world.there, "DETACH").await;
    assert_eq!(problems(&told), [["FORBIDDEN", "RESOURCE_IN_PROJECT"]]);
    world.set("projects", &project, &format!("owner_id = '{}'", user(&world.sue))).await;

    // A worker may transfer their own task out, but may not create it in the destination.
    let told = plan(&world.wim, &[&wims], &world.there, "DETACH").await;
    let problem = &told["items"][0]["problems"][0];
    assert_eq!((&problem["permission"], &problem["requiredRole"]), (&json!("CREATE_TASK"), &json!("SUPERVISOR")));
    assert_eq!(problem["path"], json!(["destinationWorkspaceId"]));
    let refused = transfer(&world.wim, &[&wims], &world.there, "DETACH").await.data();
    let error = &refused["transferResources"]["userErrors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("FORBIDDEN"), &json!(["input", "destinationWorkspaceId"])));

    // One resource that cannot be transferred blocks all others.
    assert_eq!(transfer(&world.sue, &[&project, &other], &world.there, "DETACH").await.refused(), ["FORBIDDEN"]);
    let there = WorkspaceId::parse(&world.there).expect("a workspace").uuid();
    let moved = format!("SELECT count(*) FROM projects WHERE workspace_id = '{there}'");
    assert_eq!(world.number(&moved).await, 0);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_and_transfer_resources_hide_invisible_resources() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.ada).await;
    let eve = world.app.person("eve").await;
    let outside = eve.creates("outside").await;
    assert_eq!(plan(&eve, &[&project], &outside, "DETACH").await, Value::Null, "an outsider");
    assert_eq!(
        plan(&world.wim, &[&project], &world.there, "DETACH").await,
        Value::Null,
        "a worker it is not assigned to"
    );
    assert_eq!(plan(&world.ada, &[&project], &outside, "DETACH").await, Value::Null, "a destination of strangers");
    assert_eq!(transfer(&eve, &[&project], &outside, "DETACH").await.refused(), ["NOT_FOUND"]);
    assert_eq!(transfer(&world.ada, &[&project], &outside, "DETACH").await.refused(), ["NOT_FOUND"]);
    assert_eq!(transfer(&world.ada, &[&project], &personal(&eve), "DETACH").await.refused(), ["NOT_FOUND"]);
    let unknown = ProjectId::from(Uuid::from_u128(7)).to_string();
    assert_eq!(transfer(&world.ada, &[&unknown], &world.there, "DETACH").await.refused(), ["NOT_FOUND", "NOT_FOUND"]);
    let query = format!(
        r#"{{ transferPlan(resourceIds: ["{project}"], destinationWorkspaceId: "{}", storage: DETACH) {{ possible }} }}"#,
        world.there
    );
    assert_eq!(world.app.nobody(&query).await.data()["transferPlan"], Value::Null);
    let input = json!({ "resourceIds": [project], "destinationWorkspaceId": world.there, "storage": "DETACH" });
    assert_eq!(world.app.nobody_mutates("transferResources", input).await.codes(), ["UNAUTHENTICATED"]);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_matches_storages_by_provider_and_resource() {
    let world = World::new().await;
    let project = world.project(&world.here, &world.sue).await;
    let storage = world.storage(&world.here, &world.ada, "bucket").await;
    world.set("projects", &project, &format!("source_storage_id = '{}'", raw(&storage))).await;
    let codes = async || problems(&plan(&world.sue, &[&project], &world.there, "AUTO_MATCH").await);

    world.storage(&world.there, &world.bob, "Bucket").await;
    assert_eq!(codes().await, [["STORAGE_MATCH_NOT_FOUND"]], "another resource");
    assert_eq!(
        transfer(&world.sue, &[&project], &world.there, "AUTO_MATCH").await.refused(),
        ["STORAGE_MATCH_NOT_FOUND"]
    );

    // A storage of another person, which a supervisor sees; and then a second one.
    let alike = world.storage(&world.there, &world.bob, "bucket").await;
    assert_eq!(codes().await, [[] as [&str; 0]]);
    let second = world.storage(&world.there, &world.bob, "bucket").await;
    assert_eq!(codes().await, [["STORAGE_MATCH_AMBIGUOUS"]]);
    assert_eq!(
        transfer(&world.sue, &[&project], &world.there, "AUTO_MATCH").await.refused(),
        ["STORAGE_MATCH_AMBIGUOUS"]
    );
    world.app.sql(&format!("DELETE FROM cloud_storages WHERE id = '{}'", raw(&second))).await;

    let done = transfer(&world.sue, &[&project], &world.there, "AUTO_MATCH").await.done();
    assert_eq!(done["resources"][0]["sourceStorage"]["id"], alike);
    assert_eq!(done["plan"]["items"][0]["storages"][0]["replacement"]["id"], alike);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_matches_no_storages_without_permission_to_transfer() {
    let world = World::new().await;
    // Wim sees the task, but may not transfer it.
    let task = world.task(&world.here, &world.ada, None).await;
    let linked = world.storage(&world.here, &world.ada, "right").await;
    let set = format!("assignee_id = '{}', source_storage_id = '{}'", user(&world.wim), raw(&linked));
    world.set("tasks", &task, &set).await;
    let mut answers = Vec::new();
    for guess in ["wrong", "right", "right"] {
        let storage = world.storage(&personal(&world.wim), &world.wim, guess).await;
        answers.push(plan(&world.wim, &[&task], &personal(&world.wim), "AUTO_MATCH").await);
        if guess == "wrong" {
            world.app.sql(&format!("DELETE FROM cloud_storages WHERE id = '{}'", raw(&storage))).await;
        }
    }
    assert_eq!(problems(&answers[0]), [["FORBIDDEN"]]);
    assert_eq!(answers[0], answers[1], "one match");
    assert_eq!(answers[0], answers[2], "several matches");
    world.app.close().await;
}

#[tokio::test]
async fn transfer_plan_matches_no_storages_that_the_caller_cannot_see() {
    let world = World::new().await;
    // Wim owns the task, so he may transfer it to his personal workspace, but he does not see its storage.
    let task = world.task(&world.here, &world.wim, None).await;
    let linked = world.storage(&world.here, &world.ada, "right").await;
    world.set("tasks", &task, &format!("source_storage_id = '{}'", raw(&linked))).await;
    let mut answers = Vec::new();
    for guess in ["wrong", "right", "right"] {
        world.storage(&personal(&world.wim), &world.wim, guess).await;
        answers.push(plan(&world.wim, &[&task], &personal(&world.wim), "AUTO_MATCH").await);
    }
    assert_eq!(problems(&answers[0]), [["STORAGE_MATCH_NOT_FOUND"]]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let refused = transfer(&world.wim, &[&task], &personal(&world.wim), "AUTO_MATCH").await;
    assert_eq!(refused.refused(), ["STORAGE_MATCH_NOT_FOUND"]);
    // A storage that Wim owns is matched.
    let own = world.storage(&world.here, &world.wim, "own").await;
    world.set("tasks", &task, &format!("source_storage_id = '{}'", raw(&own))).await;
    let alike = world.storage(&personal(&world.wim), &world.wim, "own").await;
    let done = transfer(&world.wim, &[&task], &personal(&world.wim), "AUTO_MATCH").await.done();
    assert_eq!(done["resources"][0]["sourceStorage"]["id"], alike);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_respects_the_limits_of_the_destination() {
    let app = TestApp::with(|settings| settings.rules.plans = Default::default()).await;
    let world = World::of(app).await;
    let mut projects = Vec::new();
    for _ in 0..4 {
        projects.push(world.project(&world.here, &world.sue).await);
    }
    let all: Vec<&String> = projects.iter().collect();
    let told = plan(&world.sue, &all, &world.there, "DETACH").await;
    assert_eq!(problems(&told), [vec![], vec![], vec![], vec!["LIMIT_EXCEEDED".to_owned()]]);
    let limit = &told["items"][3]["problems"][0]["limit"];
    assert_eq!(*limit, json!({ "kind": "PROJECTS", "used": 0, "max": 3 }), "nothing is there yet");
    let message = told["items"][3]["problems"][0]["message"].as_str().expect("a message");
    assert!(message.ends_with("0 in use, 3 left, 4 asked for."), "{message}");
    assert_eq!(transfer(&world.sue, &all, &world.there, "DETACH").await.refused(), ["LIMIT_EXCEEDED"]);
    transfer(&world.sue, &all[..3], &world.there, "DETACH").await.done();

    let full = &projects[3];
    for _ in 0..6 {
        world.task(&world.here, &world.sue, Some(full)).await;
    }
    let told = plan(&world.sue, &[full], &personal(&world.sue), "DETACH").await;
    assert_eq!(told["items"][0]["problems"][0]["limit"], json!({ "kind": "TASKS_PER_PROJECT", "used": 0, "max": 5 }));
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_moves_a_hundred_projects_and_refuses_bad_lists() {
    let world = World::new().await;
    let mut projects = Vec::new();
    for _ in 0..100 {
        let project = world.project(&world.here, &world.sue).await;
        world.task(&world.here, &world.sue, Some(&project)).await;
        projects.push(project);
    }
    let all: Vec<&String> = projects.iter().collect();
    let done = transfer(&world.sue, &all, &world.there, "DETACH").await.done();
    assert_eq!(done["resources"].as_array().map(Vec::len), Some(100));
    let there = WorkspaceId::parse(&world.there).expect("a workspace").uuid();
    assert_eq!(world.number(&format!("SELECT count(*) FROM jobs WHERE workspace_id = '{there}'")).await, 200);

    let too_many: Vec<&String> = std::iter::repeat_n(&projects[0], 101).collect();
    assert_eq!(transfer(&world.sue, &too_many, &world.there, "DETACH").await.refused(), ["TOO_LONG"]);
    let twice = [&projects[0], &projects[1], &projects[0]];
    let refused = transfer(&world.sue, &twice, &world.here, "DETACH").await.data();
    let error = &refused["transferResources"]["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["path"]),
        (&json!("DUPLICATE_IN_REQUEST"), &json!(["input", "resourceIds", "2"]))
    );
    let shapes = [&world.here, &"nonsense".to_owned()];
    assert_eq!(transfer(&world.sue, &shapes, &world.sue.id, "DETACH").await.refused(), ["INVALID_FORMAT"; 3]);
    assert_eq!(transfer(&world.sue, &[], &world.there, "DETACH").await.refused(), ["OUT_OF_RANGE"]);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_concurrently_never_splits_a_project() {
    let world = World::new().await;
    for round in 0..5 {
        let project = world.project(&world.here, &world.sue).await;
        world.task(&world.here, &world.sue, Some(&project)).await;
        // Two destinations compete: the later transfer finds the project in another workspace.
        let destinations = [&world.there, &personal(&world.sue)];
        let attempts = (0..10).map(|n| {
            let (sue, project, to) = (world.sue.clone(), project.clone(), destinations[n % 2].clone());
            tokio::spawn(async move { transfer(&sue, &[&project], &to, "DETACH").await })
        });
        let mut outcomes = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            outcomes.push(attempt.await.expect("an answer"));
        }
        let moves =
            format!("SELECT count(*) FROM events WHERE type = 'RESOURCE_MOVED_IN' AND subject_id = '{project}'");
        let succeeded = outcomes.iter().filter(|answer| answer.body["data"]["transferResources"]["plan"].is_object());
        assert_eq!(i64::try_from(succeeded.count()).expect("a number"), world.number(&moves).await, "round {round}");
        let split = "SELECT count(*) FROM tasks t JOIN projects p ON p.id = t.project_id WHERE p.workspace_id <> t.workspace_id";
        assert_eq!(world.number(split).await, 0);
        let split =
            "SELECT count(*) FROM jobs j JOIN tasks t ON t.id = j.task_id WHERE j.workspace_id <> t.workspace_id";
        assert_eq!(world.number(split).await, 0);
    }
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_runs_once_per_idempotency_key() {
    let world = World::new().await;
    let task = world.task(&world.here, &world.sue, None).await;
    let input = json!({
        "resourceIds": [task], "destinationWorkspaceId": world.there, "storage": "DETACH", "idempotencyKey": "once",
    });
    let first = world.sue.mutate("transferResources", input.clone(), FIELDS).await.done();
    let again = world.sue.mutate("transferResources", input, FIELDS).await.done();
    assert_eq!(first, again);
    let moved = "SELECT count(*) FROM events WHERE type = 'RESOURCE_MOVED_IN'";
    assert_eq!(world.number(moved).await, 1);
    world.app.close().await;
}

#[tokio::test]
async fn transfer_resources_repeat_returns_the_current_rows() {
    let world = World::new().await;
    let (kept, gone) =
        (world.task(&world.here, &world.sue, None).await, world.task(&world.here, &world.sue, None).await);
    let input = json!({
        "resourceIds": [kept, gone], "destinationWorkspaceId": world.there, "storage": "DETACH", "idempotencyKey": "once",
    });
    let fields = "plan { destination { id } items { resource { id } } } resources { id }";
    world.sue.mutate("transferResources", input.clone(), fields).await.done();
    world.sue.mutate("deleteResource", json!({ "resourceId": gone }), "deletedResourceId").await.done();
    let again = world.sue.mutate("transferResources", input.clone(), fields).await.done();
    assert_eq!(again, json!({ "plan": null, "resources": [{ "id": kept }], "userErrors": [] }));
    let leave = json!({ "organizationId": WorkspaceId::parse(&world.there).expect("a workspace").to_string() });
    world.sue.mutate("leaveOrganization", leave, "leftMembershipId").await.done();
    let again = world.sue.mutate("transferResources", input, fields).await.done();
    assert_eq!(again, json!({ "plan": null, "resources": [], "userErrors": [] }));
    world.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfer_resources_is_refused_if_the_callers_account_ends_meanwhile() {
    let world = World::new().await;
    let (root, task) = (world.app.admin("root").await, world.task(&world.here, &world.sue, None).await);
    let (other, connection) =
        tokio_postgres::connect(&world.app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let id = user(&root);
    other.batch_execute(&format!("BEGIN; SELECT FROM users WHERE id = '{id}' FOR UPDATE")).await.expect("a hold");
    let (mover, there) = (root.clone(), world.there.clone());
    let moving = tokio::spawn(async move { transfer(&mover, &[&task], &there, "DETACH").await });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while world.number(waiting).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    other.batch_execute(&format!("DELETE FROM users WHERE id = '{id}'; COMMIT")).await.expect("an end");
    assert_eq!(moving.await.expect("an answer").codes(), ["UNAUTHENTICATED"]);
    world.app.close().await;
}

//! Workspaces: selection, the personal workspace, and the same fields through objects and interfaces.

use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

const SELECTED: &str = "viewer { selectedWorkspace { id isSelected displayName } personalWorkspace { id isSelected } }";

/// The ID of the selected workspace, after a check that only this one has `isSelected`.
async fn selected(person: &Person) -> String {
    let viewer = person.ask(&format!("{{ {SELECTED} }}")).await.data()["viewer"].clone();
    let chosen = &viewer["selectedWorkspace"];
    assert_eq!(chosen["isSelected"], true);
    assert_eq!(viewer["personalWorkspace"]["isSelected"], chosen["id"] == viewer["personalWorkspace"]["id"]);
    chosen["id"].as_str().expect("an ID").to_owned()
}

async fn selects(person: &Person, workspace: &str) -> Answer {
    person.mutate("selectWorkspace", json!({ "workspaceId": workspace }), SELECTED).await
}

async fn personal(person: &Person) -> String {
    let data = person.ask("{ viewer { personalWorkspace { id } } }").await.data();
    data["viewer"]["personalWorkspace"]["id"].as_str().expect("an ID").to_owned()
}

#[tokio::test]
async fn personal_workspace_is_visible_to_its_user_only() {
    let app = TestApp::new().await;
    let (ada, bob, root) = (app.person("ada").await, app.person("bob").await, app.admin("root").await);
    let id = personal(&ada).await;
    let query = format!(
        r#"{{ node(id: "{id}") {{ id ... on PersonalWorkspace {{ owner {{ username email }} displayName isSelected viewerPermissions }} }} }}"#
    );
    assert_eq!(
        ada.ask(&query).await.data()["node"],
        json!({
            "id": id, "owner": { "username": "ada", "email": "ada@example.org" }, "displayName": "ada", "isSelected": true,
            "viewerPermissions": ["VIEW_ORGANIZATION", "VIEW_ALL_RESOURCES", "CREATE_PROJECT", "CREATE_TASK",
                "VIEW_CLOUD_STORAGES", "MANAGE_CLOUD_STORAGES", "VIEW_EVENTS", "VIEW_BILLING", "MANAGE_PLAN"],
        })
    );
    for other in [&bob, &root] {
        assert_eq!(other.ask(&query).await.data()["node"], Value::Null, "{}", other.name);
        assert_eq!(selects(other, &id).await.refused(), ["NOT_FOUND"], "{}", other.name);
    }
    assert_eq!(app.nobody(&query).await.data()["node"], Value::Null);
    app.close().await;
}

#[tokio::test]
async fn select_workspace_is_stored_and_falls_back_when_access_is_lost() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let acme = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&acme, &bob.email(), "WORKER").await).await;
    let home = personal(&bob).await;
    assert_eq!(selected(&bob).await, home, "the default selection");
    let events = app.log().await;
    let payload = selects(&bob, &acme).await.done();
    assert_eq!(
        payload["viewer"],
        json!({
            "selectedWorkspace": { "id": acme, "isSelected": true, "displayName": "acme" },
            "personalWorkspace": { "id": home, "isSelected": false },
        })
    );
    assert_eq!(app.log().await, events, "the log does not tell");
    assert_eq!(selected(&bob).await, acme);
    assert_eq!(selected(&ada).await, personal(&ada).await, "selections of users are independent");

    selects(&ada, &acme).await.done();
    app.sql("UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now()").await;
    assert_eq!(selected(&bob).await, home, "other members lose the selection");
    assert_eq!(selected(&ada).await, acme, "the owner keeps the selection");
    assert_eq!(selects(&bob, &acme).await.refused(), ["NOT_FOUND"]);
    app.sql("UPDATE organizations SET status = 'ACTIVE', deletion_scheduled_for = NULL").await;

    selects(&bob, &acme).await.done();
    ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await.done();
    assert_eq!(selected(&bob).await, home);
    bob.accepts(&ada.invites(&acme, &bob.email(), "WORKER").await).await;
    assert_eq!(selected(&bob).await, home, "a lost selection is not restored");
    selects(&ada, &personal(&ada).await).await.done();
    assert_eq!(selected(&ada).await, personal(&ada).await);
    app.close().await;
}

#[tokio::test]
async fn select_workspace_does_not_affect_queries_that_name_a_workspace() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let acme = ada.creates("acme").await;
    let home = personal(&ada).await;
    let work = async |workspace: &str| {
        let query = format!(
            r#"{{ node(id: "{workspace}") {{ id ... on Workspace {{ displayName viewerPermissions projects {{ totalCount }} }} }} }}"#
        );
        ada.ask(&query).await.data()
    };
    let (in_acme, at_home) = (work(&acme).await, work(&home).await);
    for choice in [&acme, &home, &acme] {
        selects(&ada, choice).await.done();
        assert_eq!(selected(&ada).await, **choice, "the last selection of either tab counts");
        assert_eq!((work(&acme).await, work(&home).await), (in_acme.clone(), at_home.clone()));
    }
    app.close().await;
}

#[tokio::test]
async fn select_workspace_requires_a_membership() {
    let app = TestApp::new().await;
    let (ada, bob, root) = (app.person("ada").await, app.person("bob").await, app.admin("root").await);
    let acme = ada.creates("acme").await;
    assert_eq!(selects(&bob, &acme).await.refused(), ["NOT_FOUND"]);
    ada.invites(&acme, &bob.email(), "WORKER").await;
    assert_eq!(selects(&bob, &acme).await.refused(), ["NOT_FOUND"], "an invitee is not a member");
    assert_eq!(selects(&root, &acme).await.refused(), ["FORBIDDEN"], "an administrator who is not a member");
    assert_eq!(selects(&bob, "org_00000000000000000000000000").await.refused(), ["NOT_FOUND"]);
    for bad in ["", "acme", bob.id.as_str()] {
        assert_eq!(selects(&bob, bad).await.refused(), ["INVALID_FORMAT"], "{bad}");
    }
    let nobody = app.mutate_anonymously("selectWorkspace", json!({ "workspaceId": acme })).await;
    assert_eq!(nobody.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(app.number("SELECT count(*) FROM users WHERE selected_organization_id IS NOT NULL").await, 0);
    app.close().await;
}

#[tokio::test]
async fn select_workspace_repeat_with_the_same_key_changes_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let (acme, home) = (ada.creates("acme").await, personal(&ada).await);
    let input = json!({ "workspaceId": acme, "idempotencyKey": "first" });
    ada.mutate("selectWorkspace", input.clone(), "viewer { isAdmin }").await.done();
    selects(&ada, &home).await.done();
    ada.mutate("selectWorkspace", input, "viewer { isAdmin }").await.done();
    assert_eq!(selected(&ada).await, home);
    let other = json!({ "workspaceId": home, "idempotencyKey": "first" });
    let reused = ada.mutate("selectWorkspace", other, "viewer { isAdmin }").await;
    assert_eq!(reused.refused(), ["IDEMPOTENCY_KEY_REUSED"]);
    app.close().await;
}

/// An organization with one project: ada is the owner, bob a worker with a task and a job, eve an invitee.
struct World {
    app: TestApp,
    people: Vec<(&'static str, Person)>,
    /// Type and ID of one object of each type.
    objects: Vec<(&'static str, String)>,
}

impl World {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
        let acme = ada.creates("acme").await;
        let membership = bob.accepts(&ada.invites(&acme, &bob.email(), "WORKER").await).await;
        let invitation = ada.invites(&acme, &eve.email(), "WORKER").await;
        app.sql(
            "BEGIN;
             INSERT INTO cloud_storages (id, workspace_id, organization_id, owner_id, display_name, provider, resource, created_at)
               SELECT gen_random_uuid(), id, id, owner_id, 'bucket', 'AWS_S3', 'bucket', now() FROM organizations;
             INSERT INTO projects (id, workspace_id, organization_id, owner_id, name, source_storage_id, created_at, updated_at)
               SELECT gen_random_uuid(), workspace_id, organization_id, owner_id, 'project', id, now(), now() FROM cloud_storages;
             INSERT INTO tasks (id, workspace_id, organization_id, project_id, owner_id, assignee_id, name, source_storage_id, created_at, updated_at)
               SELECT gen_random_uuid(), workspace_id, organization_id, p.id, owner_id, u.id, 'task', source_storage_id, now(), now()
               FROM projects p, users u WHERE username = 'bob';
             INSERT INTO jobs (id, workspace_id, organization_id, task_id, assignee_id, created_at, updated_at)
               SELECT gen_random_uuid(), workspace_id, organization_id, id, assignee_id, now(), now() FROM tasks;
             COMMIT",
        )
        .await;
        let query = "{ viewer { personalWorkspace { id } }
            organization(slug: \"acme\") { cloudStorages { nodes { id } } projects { nodes { id tasks { nodes { id jobs { nodes { id } } } } } } } }";
        let data = ada.ask(query).await.data();
        let project = data["organization"]["projects"]["nodes"][0].clone();
        let task = project["tasks"]["nodes"][0].clone();
        let id = |node: &Value| node["id"].as_str().expect("an ID").to_owned();
        let objects = Vec::from([
            ("Organization", acme.clone()),
            ("PersonalWorkspace", id(&data["viewer"]["personalWorkspace"])),
            ("Membership", membership),
            ("Invitation", invitation),
            ("User", bob.id.clone()),
            ("CloudStorage", id(&data["organization"]["cloudStorages"]["nodes"][0])),
            ("Project", id(&project)),
            ("Task", id(&task)),
            ("Job", id(&task["jobs"]["nodes"][0])),
        ]);
        selects(&ada, &acme).await.done();
        selects(&bob, &acme).await.done();
        let root = app.admin("root").await;
        let people = Vec::from([("owner", ada), ("worker", bob), ("invitee", eve), ("administrator", root)]);
        Self { app, people, objects }
    }
}

/// The value of a field for a person, and the extensions of its errors.
async fn got(person: &Person, path: &str, field: &str) -> (Value, Vec<Value>) {
    let answer = person.ask(&format!("{{ {} }}", path.replace("FIELD", field))).await;
    let mut value = &answer.body["data"];
    while let Some((_, inner)) = value.as_object().filter(|o| !o.contains_key("f")).and_then(|o| o.iter().next()) {
        value = inner;
    }
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    let errors = errors.iter().map(|error| error["extensions"].clone()).collect();
    (value.get("f").cloned().unwrap_or_default(), errors)
}

/// Selections of the fields of a type, without arguments.
async fn fields(app: &TestApp, name: &str) -> Vec<String> {
    let query = format!(
        r#"{{ __type(name: "{name}") {{ fields {{ name type {{ kind ofType {{ kind ofType {{ kind ofType {{ kind }} }} }} }} }} }} }}"#
    );
    let data = app.nobody(&query).await.data();
    let fields = data["__type"]["fields"].as_array().expect("fields").clone();
    let text = |field: &Value| {
        let leaf = ["OBJECT", "INTERFACE"].iter().all(|kind| !field["type"].to_string().contains(kind));
        format!("f: {}{}", field["name"].as_str().expect("a name"), if leaf { "" } else { " { __typename }" })
    };
    fields.iter().map(text).collect()
}

#[tokio::test]
async fn interface_fields_equal_those_of_the_object() {
    let world = World::new().await;
    let (mut compared, mut forbidden) = (0, 0);
    for (kind, id) in &world.objects {
        let query = format!(r#"{{ __type(name: "{kind}") {{ interfaces {{ name }} }} }}"#);
        let interfaces = world.app.nobody(&query).await.data()["__type"]["interfaces"].clone();
        for interface in interfaces.as_array().expect("interfaces") {
            let interface = interface["name"].as_str().expect("a name");
            for field in fields(&world.app, interface).await {
                for (who, person) in &world.people {
                    let direct =
                        got(person, &format!(r#"node(id: "{id}") {{ ... on {kind} {{ FIELD }} }}"#), &field).await;
                    let through =
                        got(person, &format!(r#"node(id: "{id}") {{ ... on {interface} {{ FIELD }} }}"#), &field).await;
                    assert_eq!(through, direct, "{kind}.{field} for the {who}, through {interface}");
                    compared += 1;
                    forbidden += direct.1.iter().filter(|error| error["code"] == "FORBIDDEN").count();
                }
            }
        }
    }
    assert!(compared >= 90 && forbidden >= 4, "{compared} compared, {forbidden} forbidden");
    world.app.close().await;
}

#[tokio::test]
async fn workspace_fields_are_the_same_on_every_path() {
    let world = World::new().await;
    let id = |kind: &str| world.objects.iter().find(|(of, _)| *of == kind).expect("one").1.clone();
    let acme = id("Organization");
    let mut forbidden = 0;
    for field in fields(&world.app, "Workspace").await {
        for (who, person) in &world.people[..2] {
            let direct = got(person, &format!(r#"organization(id: "{acme}") {{ FIELD }}"#), &field).await;
            for path in [
                "viewer { selectedWorkspace { FIELD } }".to_owned(),
                format!(r#"node(id: "{}") {{ ... on Task {{ workspace {{ FIELD }} }} }}"#, id("Task")),
                format!(
                    r#"node(id: "{}") {{ ... on Job {{ task {{ workspace {{ ... on Organization {{ FIELD }} }} }} }} }}"#,
                    id("Job")
                ),
            ] {
                assert_eq!(got(person, &path, &field).await, direct, "{field} for the {who} by {path}");
            }
            forbidden += direct.1.len();
        }
        let (_, ada) = &world.people[0];
        let direct = got(ada, "viewer { personalWorkspace { FIELD } }", &field).await;
        let path = format!(r#"node(id: "{}") {{ ... on Workspace {{ FIELD }} }}"#, id("PersonalWorkspace"));
        assert_eq!(got(ada, &path, &field).await, direct, "{field} of a personal workspace");
    }
    let fields = fields(&world.app, "Workspace").await;
    assert_eq!(
        forbidden > 0,
        fields.contains(&"f: billing { __typename }".to_owned()),
        "a worker does not see billing"
    );
    world.app.close().await;
}

#[tokio::test]
async fn links_to_invisible_objects_are_null_without_an_error() {
    let world = World::new().await;
    let (_, bob) = &world.people[1];
    let id = |kind: &str| world.objects.iter().find(|(of, _)| *of == kind).expect("one").1.clone();
    let query = format!(
        r#"{{ task: node(id: "{}") {{ ... on Task {{ project {{ id }} owner {{ username }} assignee {{ username }}
               sourceStorage {{ id }} targetStorage {{ id }} viewerPermissions jobCount jobs {{ totalCount }} }} }}
             job: node(id: "{}") {{ ... on Job {{ task {{ name }} viewerPermissions }} }}
             project: node(id: "{}") {{ id }} storage: node(id: "{}") {{ id }} }}"#,
        id("Task"),
        id("Job"),
        id("Project"),
        id("CloudStorage")
    );
    assert_eq!(
        bob.ask(&query).await.data(),
        json!({
            "task": {
                "project": null, "owner": { "username": "ada" }, "assignee": { "username": "bob" }, "sourceStorage": null,
                "targetStorage": null, "viewerPermissions": ["VIEW_RESOURCE", "UPDATE_RESOURCE"], "jobCount": 1,
                "jobs": { "totalCount": 1 },
            },
            "job": {
                "task": { "name": "task" },
                "viewerPermissions": ["VIEW_RESOURCE", "ASSIGN_RESOURCE", "UPDATE_JOB_STATE"],
            },
            "project": null, "storage": null,
        })
    );
    world.app.sql("UPDATE tasks SET assignee_id = NULL").await;
    let data = bob.ask(&query).await.data();
    assert_eq!(data["task"], Value::Null);
    let expected = json!({ "task": null, "viewerPermissions": ["VIEW_RESOURCE", "UPDATE_JOB_STATE"] });
    assert_eq!(data["job"], expected, "only the job is bob's");

    let (_, ada) = &world.people[0];
    let query = format!(
        r#"{{ alone: node(id: "{0}") {{ ... on Project {{ viewerPermissions }} }} inside: node(id: "{1}") {{ ... on Task {{ viewerPermissions }} }}
             storage: node(id: "{2}") {{ ... on CloudStorage {{ viewerPermissions provider resource owner {{ username }} workspace {{ displayName }} }} }} }}"#,
        id("Project"),
        id("Task"),
        id("CloudStorage")
    );
    let all = ["VIEW_RESOURCE", "UPDATE_RESOURCE", "ASSIGN_RESOURCE", "DELETE_RESOURCE", "TRANSFER_RESOURCE"];
    let storage = json!({
        "viewerPermissions": ["VIEW_CLOUD_STORAGES", "MANAGE_CLOUD_STORAGES"], "provider": "AWS_S3", "resource": "bucket",
        "owner": { "username": "ada" }, "workspace": { "displayName": "acme" },
    });
    let expected = |all: &[&str], inside: &[&str], storage: &Value| json!({ "alone": { "viewerPermissions": all }, "inside": { "viewerPermissions": inside }, "storage": storage });
    assert_eq!(ada.ask(&query).await.data(), expected(&all, &all[..4], &storage), "a task in a project moves with it");
    world.app.sql("UPDATE organizations SET status = 'PENDING_DELETION', deletion_scheduled_for = now()").await;
    let mut storage = storage;
    storage["viewerPermissions"] = json!(["VIEW_CLOUD_STORAGES"]);
    assert_eq!(ada.ask(&query).await.data(), expected(&all[..1], &all[..1], &storage), "read-only");
    world.app.close().await;
}

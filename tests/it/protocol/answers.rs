//! Responses equal those of graphql-js: `tests/validation` has generated documents with directives, defaults, aliases
//! and fragments, and the responses of graphql-js to them over the same data.

use guildhall::domain::ids::TypedId;
use guildhall::domain::{MembershipId, OrganizationId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::actors::Person;
use crate::support::golden::assert_current;
use crate::support::socket::Socket;

const USER: &str = "01900000-0001-7000-8000-000000000001";
const ORGANIZATION: &str = "01900000-0002-7000-8000-000000000001";
const MEMBERSHIP: &str = "01900000-0003-7000-8000-000000000001";

/// A person with an organization, with fixed IDs and times.
async fn ada(app: &TestApp) -> Person {
    app.sql(&format!(
        "INSERT INTO users (id, username, display_name, email, email_verified_at, created_at)
             VALUES ('{USER}', 'ada', 'Ada', 'ada@example.org', '2026-01-01Z', '2026-01-01Z');
         INSERT INTO organizations
             (id, slug, name, description, contact_email, owner_id, member_count, created_at, updated_at)
             VALUES ('{ORGANIZATION}', 'acme', 'Acme', 'Tests \"all\"', 'a@example.org', '{USER}', 1, '2026-01-02Z', '2026-01-02Z');
         INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
             VALUES ('{MEMBERSHIP}', '{ORGANIZATION}', '{USER}', 'ada', 'OWNER', '2026-01-02Z');"
    ))
    .await;
    app.named("ada").await
}

fn id<I: TypedId>(uuid: &str) -> String {
    I::from(uuid.parse::<Uuid>().expect("a UUID")).to_string()
}

/// All data that the documents may select.
async fn world(ada: &Person) -> Value {
    let fields = "
        fragment U on User { id username displayName email createdAt }
        fragment M on Membership { id role joinedAt viewerPermissions viewerAssignableRoles user { __typename ...U } }
        fragment O on Organization {
            id slug name displayName description status version createdAt updatedAt isSelected memberCount
            viewerPermissions viewerAssignableRoles
            contact { __typename email phone location }
            owner { __typename ...U }
            viewerMembership { __typename ...M }
            limits { __typename kind used max }
            members(first: 10) { __typename totalCount nodes { __typename ...M } pageInfo { __typename hasNextPage hasPreviousPage } }
        }
        fragment P on PersonalWorkspace {
            id displayName isSelected viewerPermissions
            owner { __typename ...U }
            limits { __typename kind used max }
        }";
    let viewer = ada.run("{ viewer { personalWorkspace { id } } }", json!({})).await.data();
    let personal = viewer["viewer"]["personalWorkspace"]["id"].clone();
    let query = format!(
        "query($ids: [ID!]!) {{
            roles {{
                __typename role description permissions conditionalPermissions assignableRoles manageableRoles
            }}
            viewer {{
                __typename email emailVerified isAdmin
                user {{ __typename ...U }}
                personalWorkspace {{ __typename ...P }}
                selectedWorkspace {{ __typename ...P }}
                organizations(first: 10) {{
                    __typename totalCount
                    nodes {{ __typename ...O }}
                    edges {{ __typename node {{ __typename ...O }} }}
                    pageInfo {{ __typename hasNextPage hasPreviousPage }}
                }}
            }}
            nodes(ids: $ids) {{ __typename ...U ...M ...O ...P }}
        }} {fields}"
    );
    let ids = json!([id::<UserId>(USER), id::<OrganizationId>(ORGANIZATION), id::<MembershipId>(MEMBERSHIP), personal]);
    ada.run(&query, json!({ "ids": ids })).await.data()
}

/// The value with sorted lists: the specification does not define the order of types and fields.
fn unordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(unordered).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), unordered(value))).collect(),
        leaf => leaf.clone(),
    }
}

#[tokio::test]
async fn execution_results_equal_those_of_graphql_js() {
    let app = TestApp::with(|_| {}).await;
    let ada = ada(&app).await;
    let world = serde_json::to_string_pretty(&world(&ada).await).expect("JSON") + "\n";
    assert_current("tests/validation/world.json", &world);
    let answers = std::fs::read_to_string("tests/validation/answers.json").expect("answers of graphql-js");
    let answers: Vec<Value> = serde_json::from_str(&answers).expect("JSON");
    let mut differences = Vec::new();
    for answer in &answers {
        let query = answer["query"].as_str().expect("a document");
        let ours = ada.run(query, answer["variables"].clone()).await;
        let (ours, theirs) = (&ours.body, json!({ "data": answer["data"] }));
        if unordered(ours) != unordered(&theirs) {
            let variables = &answer["variables"];
            differences.push(format!("{query}\n  {variables}\n  graphql-js: {theirs}\n  here: {ours}"));
        }
    }
    let shown = differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} differ, such as\n{shown}", differences.len());
    assert!(answers.len() >= 200, "{} documents", answers.len());
    app.close().await;
}

#[tokio::test]
async fn skip_and_include_use_variable_defaults_and_refuse_null() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    for (query, variables, expected) in [
        ("query($a: Boolean = true) { __typename @include(if: $a) }", json!({}), json!({ "__typename": "Query" })),
        ("query($a: Boolean = true) { __typename @skip(if: $a) }", json!({}), json!({})),
        (
            "query($a: Boolean! = true) { ...F @include(if: $a) } fragment F on Query { __typename }",
            json!({}),
            json!({ "__typename": "Query" }),
        ),
        ("query($a: Boolean = true) { ... @include(if: $a) { __typename } }", json!({ "a": false }), json!({})),
        (
            "query($a: Boolean = true) { __schema { queryType { name @include(if: $a) } } }",
            json!({}),
            json!({ "__schema": { "queryType": { "name": "Query" } } }),
        ),
    ] {
        assert_eq!(ada.run(query, variables).await.data(), expected, "{query}");
    }
    let mutation = "mutation($i: SelectWorkspaceInput!, $a: Boolean = true, $b: Boolean = true) {
        selectWorkspace(input: $i) { clientMutationId @skip(if: $b) userErrors @include(if: $a) { code } } }";
    let answer = ada.run(mutation, json!({ "i": { "workspaceId": "nothing" } })).await.data();
    assert_eq!(answer["selectWorkspace"], json!({ "userErrors": [{ "code": "INVALID_FORMAT" }] }));
    for query in [
        "query($a: Boolean = true) { __typename @include(if: $a) }",
        "query($a: Boolean = true) { viewer { ...F } } fragment F on Viewer { isAdmin @skip(if: $a) }",
    ] {
        let refused = ada.run(query, json!({ "a": null })).await;
        assert_eq!(refused.codes(), ["GRAPHQL_VALIDATION_FAILED"], "{query}");
        assert_eq!(refused.body["errors"][0]["message"], "Variable `$a` must not be null where it is a condition.");
    }
    app.close().await;
}

#[tokio::test]
async fn skip_and_include_use_variable_defaults_in_subscriptions() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let mut socket = Socket::open_for(app.serve().await, &ada.token).await;
    let query = "subscription($id: ID!, $a: Boolean = true, $b: Boolean = true) {
        workspaceEvents(workspaceId: $id) { type @include(if: $a) subjectId @skip(if: $b) ...F }
    } fragment F on Event { at @skip(if: $a) actor @include(if: $b) { username } }";
    socket.subscribe("1", query, json!({ "id": id, "b": true })).await;
    socket.is_silent().await;
    let input = json!({ "organizationId": id, "name": "Acme Inc." });
    ada.mutate("updateOrganization", input, "organization { id }").await.done();
    let event = socket.hears().await["payload"]["data"]["workspaceEvents"].clone();
    assert_eq!(event, json!({ "type": "ORGANIZATION_UPDATED", "actor": { "username": "ada" } }));
    app.close().await;
}

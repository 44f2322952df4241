//! Rows that the fast list writes directly equal the results of the resolvers.

use serde_json::{Value, json};

use crate::support::{Person, TestApp};

/// An organization of two members with two invitations, one of them by `bob`, who is a worker now.
async fn world() -> (TestApp, Person, Person) {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), "MAINTAINER").await).await;
    bob.invites(&id, "carol@example.org", "WORKER").await;
    ada.mutate("changeMemberRole", json!({ "membershipId": membership, "role": "WORKER" }), "membership { role }")
        .await
        .done();
    ada.invites(&id, "dave@example.org", "WORKER").await;
    let profile = json!({ "displayName": "Ada \"the first\" \\ é 😀" });
    ada.mutate("updateProfile", profile, "viewer { isAdmin }").await.done();
    app.settle().await;
    (app, ada, bob)
}

/// The fields of a type without arguments and without subfields.
async fn plain_fields(app: &TestApp, name: &str) -> Vec<String> {
    let query = format!(
        r#"{{ __type(name: "{name}") {{ fields {{ name args {{ name }} type {{ kind ofType {{ kind ofType {{ kind ofType {{ kind }} }} }} }} }} }} }}"#
    );
    let kinds = |mut kind: Value| {
        while !kind["ofType"].is_null() {
            kind = kind["ofType"].take();
        }
        kind["kind"].clone()
    };
    let fields = app.nobody(&query).await.data()["__type"]["fields"].take();
    let fields = fields.as_array().unwrap().clone().into_iter().filter(|field| field["args"] == json!([]));
    let plain = fields.filter(|field| ["SCALAR", "ENUM"].contains(&kinds(field["type"].clone()).as_str().unwrap()));
    plain.map(|field| field["name"].as_str().unwrap().to_owned()).collect()
}

/// Compares a list from the fast path with one from the resolvers; a directive in the selection turns the fast path
/// off.
async fn assert_same(person: &Person, list: &str, fields: &str) {
    for (shape, close) in [("nodes {", "}"), ("edges { cursor node {", "} }")] {
        let query = |fields: &str| format!("{{ {} }}", list.replace("…", &format!("{shape} {fields} {close}")));
        let at_once = person.ask(&query(fields)).await;
        let one_by_one = person.ask(&query(&format!("{fields} resolved: __typename @include(if: true)"))).await;
        let mut one_by_one = serde_json::to_value(one_by_one.body).unwrap();
        strip(&mut one_by_one);
        assert_eq!(
            without_locations(at_once.body),
            without_locations(one_by_one),
            "{} asks {list} for {fields}",
            person.name
        );
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("resolved");
            fields.values_mut().for_each(strip);
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        _ => {}
    }
}

fn without_locations(mut answer: Value) -> Value {
    for error in answer["errors"].as_array_mut().into_iter().flatten() {
        error["locations"].take();
    }
    answer
}

const MEMBERS: &str = r#"organization(slug: "acme") { members(first: 10) { … } }"#;
const INVITATIONS: &str = r#"organization(slug: "acme") { invitations(first: 10) { … } }"#;
const ORGANIZATIONS: &str = "viewer { organizations(first: 10) { … } }";

#[tokio::test]
async fn fast_list_equals_the_resolvers_for_every_plain_field() {
    let (app, ada, bob) = world().await;
    for person in [&ada, &bob] {
        for (list, name, inside) in [
            (MEMBERS, "Membership", ""),
            (MEMBERS, "User", "user"),
            (INVITATIONS, "Invitation", ""),
            (INVITATIONS, "User", "inviter"),
            (ORGANIZATIONS, "Organization", ""),
            (ORGANIZATIONS, "Membership", "viewerMembership"),
        ] {
            for field in plain_fields(&app, name).await {
                let fields = if inside.is_empty() { field } else { format!("{inside} {{ {field} }}") };
                assert_same(person, list, &fields).await;
            }
        }
    }
    app.close().await;
}

#[tokio::test]
async fn fast_list_equals_the_resolvers_for_aliases_fragments_and_type_names() {
    let (app, ada, bob) = world().await;
    for person in [&ada, &bob] {
        for fields in [
            "__typename a: id b: id user { __typename c: displayName displayName }",
            "... on Membership { role user { ... on User { email } } } joinedAt",
            "... { id } ... on Node { id }",
            "id id user { id } user { email }",
            "user { email username } invitedBy { username }",
        ] {
            assert_same(person, MEMBERS, fields).await;
        }
    }
    app.close().await;
}

#[tokio::test]
async fn fast_list_merges_repeated_selections() {
    let (app, ada, _) = world().await;
    let query = r#"{ organization(slug: "acme") { members { nodes { role } nodes { user { username } } } ... on Organization { members { nodes { id } edges { node { id } } } } } }"#;
    let members = ada.ask(query).await.data()["organization"]["members"].take();
    assert_eq!(members["nodes"][0]["role"], "OWNER");
    assert_eq!(members["nodes"][0]["user"]["username"], "ada");
    assert_eq!(members["nodes"][0]["id"], members["edges"][0]["node"]["id"]);
    app.close().await;
}

//! The schema: `schema.graphql` is current, all elements have descriptions, and costs are complete.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use guildhall::graphql::schema::sdl;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::golden::assert_current;

#[test]
fn schema_graphql_is_current() {
    assert_current("schema.graphql", &sdl());
}

#[test]
fn paged_contains_every_list() {
    let schema = parse_schema(sdl()).expect("the schema");
    let mut lists = BTreeSet::new();
    for definition in &schema.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let fields = match &definition.node.kind {
            TypeKind::Object(object) => &object.fields,
            TypeKind::Interface(interface) => &interface.fields,
            _ => continue,
        };
        let pages =
            fields.iter().filter(|field| field.node.ty.to_string().trim_end_matches('!').ends_with("Connection"));
        lists.extend(pages.map(|field| field.node.name.to_string()));
    }
    let known = guildhall::graphql::documents::PAGED.into_iter().map(str::to_owned).collect();
    assert_eq!(lists, known);
}

#[test]
fn hashing_contains_every_mutation_with_a_password() {
    let schema = parse_schema(sdl()).expect("the schema");
    let mut hashing = BTreeMap::new();
    for definition in &schema.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::InputObject(input) = &definition.node.kind else { continue };
        let fields = input.fields.iter().map(|field| field.node.name.node.to_lowercase());
        let hashes = fields.filter(|field| field.ends_with("password")).count() as u64;
        if hashes > 0 {
            let name = definition.node.name.node.trim_end_matches("Input");
            hashing.insert(format!("{}{}", name[..1].to_lowercase(), &name[1..]), hashes);
        }
    }
    let priced = guildhall::graphql::documents::HASHING.map(|(name, hashes)| (name.to_owned(), hashes));
    assert_eq!(hashing, BTreeMap::from(priced));
}

#[tokio::test]
async fn schema_descriptions_are_complete() {
    let app = TestApp::new().await;
    let query = "{ __schema { types { name kind description
        fields { name description args { name description } } inputFields { name description } enumValues { name description } } } }";
    let data = app.nobody(query).await.data();
    let mut gaps = Vec::new();
    let none = Vec::new();
    for kind in data["__schema"]["types"].as_array().expect("types") {
        let name = kind["name"].as_str().expect("a name");
        if name.starts_with("__") || ["ID", "String", "Int", "Float", "Boolean"].contains(&name) {
            continue;
        }
        let mut look = |what: &Value, path: String| {
            if what["description"].as_str().is_none_or(|description| description.trim().is_empty()) {
                gaps.push(path);
            }
        };
        look(kind, name.to_owned());
        for part in ["fields", "inputFields", "enumValues"] {
            for member in kind[part].as_array().unwrap_or(&none) {
                let path = format!("{name}.{}", member["name"].as_str().expect("a name"));
                for argument in member["args"].as_array().unwrap_or(&none) {
                    look(argument, format!("{path}({})", argument["name"]));
                }
                look(member, path);
            }
        }
    }
    assert_eq!(gaps, [] as [String; 0]);
    app.close().await;
}

#[tokio::test]
async fn nodes_returns_objects_by_id_and_null_for_invalid_ids() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let organization = ada.creates("acme").await;
    let invitation = ada.invites(&organization, &bob.email(), "WORKER").await;
    let membership = bob.accepts(&invitation).await;
    let ids = json!([
        organization,
        invitation,
        membership,
        bob.id,
        "nonsense",
        "org_",
        "usr_00000000000000000000000000",
        "\u{0}"
    ]);
    let query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let nodes = ada.run(query, json!({ "ids": ids })).await.data()["nodes"].clone();
    let names: Vec<_> = nodes.as_array().expect("nodes").iter().map(|node| node["__typename"].clone()).collect();
    let none = Value::Null;
    assert_eq!(names[..4], [json!("Organization"), json!("Invitation"), json!("Membership"), json!("User")]);
    assert_eq!(names[4..], [none.clone(), none.clone(), none.clone(), none]);
    for (node, id) in nodes.as_array().expect("nodes").iter().zip(ids.as_array().expect("ids")).take(4) {
        assert_eq!(node["id"], *id);
    }
    let many: Vec<_> = (0..101).map(|_| organization.clone()).collect();
    assert_eq!(ada.run(query, json!({ "ids": many })).await.codes(), ["BAD_USER_INPUT"]);
    app.close().await;
}

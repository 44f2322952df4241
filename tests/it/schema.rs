//! The schema: current in `schema.graphql`, described throughout, and true to the contract with clients.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{ServiceDocument, TypeKind, TypeSystemDefinition};
use guildhall::graphql::schema::sdl;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::derived::assert_current;

#[test]
fn schema_graphql_is_current() {
    assert_current("schema.graphql", &sdl());
}

/// Every member of a schema with what binds of it: `Type.field(argument: T = default): T`.
fn members(document: &ServiceDocument) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = &definition.node;
        let name = &definition.name.node;
        let mut fields = |list: &[async_graphql::Positioned<async_graphql::parser::types::FieldDefinition>]| {
            for field in list {
                let field = &field.node;
                let path = format!("{name}.{}", field.name.node);
                for argument in &field.arguments {
                    let argument = &argument.node;
                    let default = argument.default_value.as_ref().map(|value| format!(" = {}", value.node));
                    members.insert(
                        format!("{path}({})", argument.name.node),
                        format!("{}{}", argument.ty.node, default.unwrap_or_default()),
                    );
                }
                members.insert(path, field.ty.node.to_string());
            }
        };
        match &definition.kind {
            TypeKind::Object(object) => {
                fields(&object.fields);
                for interface in &object.implements {
                    members.insert(format!("{name} implements {}", interface.node), String::new());
                }
            }
            TypeKind::Interface(interface) => {
                fields(&interface.fields);
                for implemented in &interface.implements {
                    members.insert(format!("{name} implements {}", implemented.node), String::new());
                }
            }
            TypeKind::Enum(values) => {
                for value in &values.values {
                    members.insert(format!("{name}.{}", value.node.value.node), String::new());
                }
            }
            TypeKind::InputObject(input) => {
                for field in &input.fields {
                    let default = field.node.default_value.as_ref().map(|value| format!(" = {}", value.node));
                    let kind = format!("{}{}", field.node.ty.node, default.unwrap_or_default());
                    members.insert(format!("{name}.{}", field.node.name.node), kind);
                }
            }
            TypeKind::Union(_) | TypeKind::Scalar => {}
        }
        members.insert(name.to_string(), String::new());
    }
    members
}

#[test]
fn what_is_served_is_as_the_contract_has_it() {
    let contract = members(&parse_schema(include_str!("../contract.graphql")).expect("the contract"));
    let served = members(&parse_schema(sdl()).expect("the schema"));
    let mut breaches = Vec::new();
    for (member, kind) in &served {
        match contract.get(member) {
            Some(agreed) if agreed == kind => {}
            Some(agreed) => breaches.push(format!("{member}: {kind}, agreed: {agreed}")),
            None => breaches.push(format!("{member}: not in the contract")),
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
    // What is agreed and not served yet, so that nothing gets lost unseen.
    let missing: Vec<_> = contract.keys().filter(|member| !served.contains_key(*member)).cloned().collect();
    assert_current("tests/it/contract_not_yet_served.txt", &(missing.join("\n") + "\n"));
}

#[test]
fn the_cost_of_every_list_is_known() {
    let served = members(&parse_schema(sdl()).expect("the schema"));
    let is_page = |kind: &str| kind.trim_end_matches('!').ends_with("Connection");
    let lists = served.iter().filter(|(_, kind)| is_page(kind)).filter_map(|(path, _)| path.split('.').nth(1));
    let lists: std::collections::BTreeSet<_> = lists.collect();
    assert_eq!(lists, guildhall::graphql::document::PAGED.into_iter().collect());
}

#[tokio::test]
async fn everything_is_described() {
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
async fn node_finds_every_type_and_nothing_for_what_is_no_id() {
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

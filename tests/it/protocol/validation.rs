//! Validation agrees with graphql-js: `tests/validation` has documents for every rule of the specification, with the
//! verdicts of graphql-js.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use guildhall::graphql::documents::{DocumentError, Limit, PreparedDocument};
use guildhall::graphql::schema::definitions;
use guildhall::graphql::validation::{Definitions, Exposure};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::golden::assert_section_current;
use crate::support::graphql::post;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validation").join(path);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

#[test]
fn validation_verdicts_equal_those_of_graphql_js() {
    let small = Definitions::parse(&read("schema.graphql")).expect("a schema");
    let verdicts: BTreeMap<String, Vec<Option<String>>> =
        serde_json::from_str(&read("verdicts.json")).expect("verdicts");
    let (mut judged, mut differences) = (0, Vec::new());
    for (file, verdicts) in verdicts {
        let schema = if file == "guildhall.txt" { definitions() } else { &small };
        let text = read(&format!("documents/{file}"));
        let documents: Vec<&str> = text.split("\n----\n").collect();
        assert_eq!(documents.len(), verdicts.len(), "{file} has changed: run `npm run update` in tests/validation");
        for (document, theirs) in documents.into_iter().zip(verdicts) {
            judged += 1;
            let ours =
                PreparedDocument::new(document, schema, Exposure::Open).err().map(|rejection| rejection.to_string());
            if ours.is_some() != theirs.is_some() {
                differences.push(format!("{file}: {document}\n  graphql-js: {theirs:?}\n  here: {ours:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(judged >= 200, "{judged} documents");
}

#[tokio::test]
async fn hidden_schema_refuses_introspection_and_makes_no_suggestions() {
    let hidden =
        |text: &str| PreparedDocument::new(text, definitions(), Exposure::Hidden).err().map(|bad| bad.to_string());
    let open = |text: &str| PreparedDocument::new(text, definitions(), Exposure::Open).err().map(|bad| bad.to_string());
    for introspection in
        ["{ __schema { types { name } } }", "{ ...F } fragment F on Query { __type(name: \"User\") { name } }"]
    {
        assert_eq!(open(introspection), None);
        assert!(hidden(introspection).expect("refused").contains("does not describe its schema"));
    }
    assert_eq!(hidden("{ __typename viewer { __typename } }"), None);
    assert!(open("{ viewr { isAdmin } }").expect("refused").contains("Did you mean `viewer`?"));
    assert!(!hidden("{ viewr { isAdmin } }").expect("refused").contains("viewer"));
}

#[tokio::test]
async fn cost_extension_returns_the_cost_on_request() {
    let app = TestApp::new().await;
    let query = "{ viewer { organizations(first: 10) { nodes { id } } } }";
    let answer = post(&app.router, None, json!({ "query": query, "extensions": { "cost": true } })).await;
    assert_eq!(answer.body["extensions"], json!({ "cost": 222 }));
    let answer = post(&app.router, None, json!({ "query": query })).await;
    assert_eq!(answer.body.get("extensions"), None);
    app.close().await;
}

#[tokio::test]
async fn persisted_query_is_registered_by_hash_and_then_sent_without_text() {
    let app = TestApp::new().await;
    let named = json!({ "persistedQuery": {
        "version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38" } });
    let unknown = post(&app.router, None, json!({ "extensions": named })).await;
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(unknown.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
    let other = post(&app.router, None, json!({ "query": "{ __typename }", "extensions": named })).await;
    assert_eq!(other.codes(), ["BAD_REQUEST"]);
    assert_eq!(
        post(&app.router, None, json!({ "query": "{__typename}", "extensions": named })).await.data()["__typename"],
        "Query"
    );
    assert_eq!(post(&app.router, None, json!({ "extensions": named })).await.data()["__typename"], "Query");
    app.close().await;
}

#[test]
fn readme_limits_are_current() {
    let mut table = String::from("| at most | |\n|--:|---|\n");
    for limit in Limit::ALL {
        table += &format!("| {} | {} |\n", limit.allowed(), limit.noun());
    }
    assert_section_current("README.md", "limits", &table);
}

/// The names in backquotes in a message.
fn names(message: &str) -> Vec<String> {
    let quoted = message.split('`').skip(1).step_by(2);
    let words = quoted.flat_map(|quoted| quoted.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn hidden_schema_errors_name_only_words_of_the_document() {
    let small = Definitions::parse(&read("schema.graphql")).expect("a schema");
    let mut refused = 0;
    for entry in fs::read_dir("tests/validation/documents").expect("documents") {
        let file = entry.expect("a file").file_name().into_string().expect("a name");
        let schema = if file == "guildhall.txt" { definitions() } else { &small };
        for document in read(&format!("documents/{file}")).split("\n----\n") {
            let Err(DocumentError::Invalid(mistakes)) = PreparedDocument::new(document, schema, Exposure::Hidden)
            else {
                continue;
            };
            refused += 1;
            for mistake in mistakes {
                let leaked: Vec<String> =
                    names(&mistake.message).into_iter().filter(|name| !document.contains(name)).collect();
                assert!(leaked.is_empty(), "{document}: {}", mistake.message);
            }
        }
    }
    assert!(refused >= 100, "{refused} documents");
}

#[tokio::test]
async fn hidden_schema_request_errors_name_only_words_of_the_request() {
    let app = TestApp::with(|settings| settings.documents.exposure = Exposure::Hidden).await;
    let ada = app.person("ada").await;
    let role = "mutation($i: ChangeMemberRoleInput!) { changeMemberRole(input: $i) { clientMutationId } }";
    for (query, variables) in [
        ("mutation { changeMemberRole(input: {}) { clientMutationId } }", json!({})),
        (role, json!({ "i": {} })),
        (role, json!({ "i": { "membershipId": "m", "role": "NONE" } })),
        (role, json!({ "i": { "nope": 1 } })),
        (role, json!({ "i": 1 })),
        ("mutation { changeMemberRole { clientMutationId } }", json!({})),
        ("{ viewer { nope } }", json!({})),
        ("{ viewer }", json!({})),
        ("{ viewer { ... on Organization { id } } }", json!({})),
        ("{ organization(nope: 1) { id } }", json!({})),
        ("query($a: Int) { node(id: $a) { id } }", json!({ "a": 1 })),
        ("query($a: [ID!]! = []) { nodes(ids: $a) { id } }", json!({ "a": null })),
        ("query($a: String = \"a\") { __type(name: $a) { name } }", json!({})),
        ("{ organization { id } }", json!({})),
        ("{ viewer { organizations(first: 1, last: 1) { totalCount } } }", json!({})),
        ("query($a: String = \"A\") { viewer { organizations(search: $a, orderBy: {}) { totalCount } } }", json!({})),
    ] {
        let answer = ada.run(query, variables.clone()).await;
        let request = format!("{query} {variables}");
        let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("{request}: {}", answer.body));
        for error in errors {
            let message = error["message"].as_str().expect("a message");
            let leaked: Vec<String> = names(message).into_iter().filter(|name| !request.contains(name)).collect();
            assert!(leaked.is_empty(), "{request}: {message}");
            assert!(!message.contains("type \""), "{request}: {message}");
        }
    }
    app.close().await;
}

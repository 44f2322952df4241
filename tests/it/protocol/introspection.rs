//! Introspection: it agrees with the SDL, and its cost depends on the size of its lists.

use guildhall::graphql::documents::Limit;
use guildhall::graphql::json_writer::MAX_BYTES;
use guildhall::graphql::schema::sdl;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::graphql::post;

#[tokio::test]
async fn introspection_shows_interfaces_of_interfaces_and_no_schema_description() {
    let app = TestApp::new().await;
    let query = "{
        a: __type(name: \"Workspace\") { interfaces { name kind interfaces { name } } }
        b: __type(name: \"Resource\") { interfaces { name } }
        c: __type(name: \"Node\") { interfaces { name } }
        __schema { description queryType { name } }
    }";
    let data = app.nobody(query).await.data();
    assert_eq!(data["a"]["interfaces"], json!([{ "name": "Node", "kind": "INTERFACE", "interfaces": [] }]));
    assert_eq!(data["b"]["interfaces"], json!([{ "name": "Node" }]));
    assert_eq!(data["c"]["interfaces"], json!([]));
    assert!(!sdl().contains("\"\"\"\nschema"));
    assert_eq!(data["__schema"], json!({ "description": null, "queryType": { "name": "Query" } }));
    app.close().await;
}

/// The cost in the response, and its length in bytes.
fn cost(answer: &Value) -> (u64, usize) {
    assert_eq!(answer.get("errors"), None, "{}", answer["errors"]);
    (answer["extensions"]["cost"].as_u64().expect("a cost"), answer.to_string().len())
}

#[tokio::test]
async fn introspection_query_of_graphql_js_uses_at_most_two_thirds_of_the_limits() {
    let app = TestApp::new().await;
    let query = std::fs::read_to_string("tests/validation/introspection.graphql").expect("the query");
    let answer = post(&app.router, None, json!({ "query": query, "extensions": { "cost": true } })).await;
    let (cost, bytes) = cost(&answer.body);
    println!("full introspection: {cost} points, {bytes} bytes");
    assert!(cost + cost / 2 <= Limit::Cost.allowed(), "{cost} points");
    assert!(bytes + bytes / 2 <= MAX_BYTES, "{bytes} bytes");
    app.close().await;
}

#[tokio::test]
async fn introspection_cost_depends_on_the_length_of_its_lists() {
    let app = TestApp::new().await;
    for (query, expected) in [
        ("{ __schema { queryType { name } } }", 1 + 2),
        ("{ __type(name: \"Role\") { enumValues { name description } } }", 1 + 1 + 4 * 2),
        ("{ __type(name: \"Nothing\") { enumValues { name } } }", 1),
        ("query($n: String = \"Role\") { __type(name: $n) { enumValues { name } } }", 1 + 1 + 4),
        (
            "{ ...F } fragment F on Query { __type(name: \"Node\") { ...G } } fragment G on __Type { fields { name } }",
            1 + 1 + 1,
        ),
    ] {
        let answer = post(&app.router, None, json!({ "query": query, "extensions": { "cost": true } })).await;
        assert_eq!(cost(&answer.body).0, 100 + expected, "{query}");
    }
    let kinds: String = (0..160).map(|n| format!("n{n}: kind ")).collect();
    let deep = format!(
        "{{ __schema {{ types {{ fields {{ type {{ {kinds} ofType {{ {kinds} ofType {{ {kinds} }} }} }} }} }} }} }}"
    );
    let wide = format!(
        "{{ __schema {{ types {{ {} }} }} }}",
        (0..180).map(|n| format!("f{n}: fields {{ name }} ")).collect::<String>()
    );
    for query in [&deep, &wide] {
        let answer = app.nobody(query).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(answer.codes(), ["TOO_COMPLEX"], "{:.300}", answer.body.to_string());
        assert!(message.contains("points"), "{message}");
    }
    app.close().await;
}

#[tokio::test]
async fn introspection_refuses_a_second_schema_field() {
    let app = TestApp::new().await;
    for query in [
        "{ __schema { queryType { name } } a: __schema { queryType { name } } }",
        "{ ...F ...F } fragment F on Query { __schema { queryType { name } } }",
    ] {
        let answer = app.nobody(query).await;
        assert_eq!(answer.codes(), ["TOO_COMPLEX"], "{query}");
        let message = answer.body["errors"][0]["message"].as_str().expect("a message");
        assert!(message.contains("`__schema`"), "{message}");
    }
    app.close().await;
}

#[tokio::test]
async fn too_complex_refuses_responses_over_8_mb() {
    let app = TestApp::new().await;
    // About 15 MB, most of them in the names of a few fields.
    let name = |n: usize| format!("{}{n}", "x".repeat(1_500));
    let fields: String = (0..19).map(|n| format!("{}: name ", name(n))).collect();
    for query in [
        format!("{{ __schema {{ types {{ fields {{ {fields} }} }} }} }}"),
        format!("{{ ...F ...F }} fragment F on Query {{ a: __type(name: \"Query\") {{ name }} __schema {{ types {{ fields {{ {fields} }} }} }} }}")
            .replacen("...F ...F", "...F a: __type(name: \"Query\") { kind }", 1),
    ] {
        let answer = app.nobody(&query).await;
        assert_eq!(answer.codes(), ["TOO_COMPLEX"], "{:.300}", answer.body.to_string());
        assert!(answer.body["errors"][0]["message"].as_str().expect("a message").contains("8 MB"));
    }
    app.close().await;
}

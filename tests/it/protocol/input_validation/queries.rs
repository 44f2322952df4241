//! Invalid arguments of the other queries.

use serde_json::{Value, json};

use super::{Schema, fields, list, text};
use crate::support::TestApp;

#[tokio::test]
async fn queries_handle_invalid_arguments() {
    let app = TestApp::with(|_| {}).await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let (own, foreign) = (ada.creates("acme").await, eve.creates("zeta").await);
    let theirs = eve.makes("createProject", json!({ "workspaceId": foreign, "name": "Theirs" })).await;
    let mine = ada.makes("createProject", json!({ "workspaceId": own, "name": "Mine" })).await;
    let invitation = eve.invites(&foreign, "zed@example.org", "WORKER").await;
    let before = app.snapshot().await;
    let unknown = |prefix: &str| format!("{prefix}_{}", "0".repeat(26));
    let (long, many) = ("x".repeat(4000), vec![mine.clone(); 101]);
    let nothing = ["", "nonsense", "org_", "a\0b", "a\u{202E}b", &long];
    let plan = |resources: Value, destination: &str| {
        format!(
            "transferPlan(resourceIds: {resources}, destinationWorkspaceId: {}, storage: DETACH) {{ possible }}",
            json!(destination)
        )
    };
    // Each result is null: with that error code, or without an error if the object does not exist.
    let mut tried = vec![
        (format!("nodes(ids: {}) {{ id }}", json!(many)), "BAD_USER_INPUT"),
        ("organization { id }".to_owned(), "BAD_USER_INPUT"),
        (format!(r#"organization(slug: "acme", id: "{own}") {{ id }}"#), "BAD_USER_INPUT"),
        ("organization(slug: null, id: null) { id }".to_owned(), "BAD_USER_INPUT"),
        (plan(json!([]), &own), "BAD_USER_INPUT"),
        (plan(json!(many), &own), "BAD_USER_INPUT"),
        (plan(json!([mine, mine]), &own), "BAD_USER_INPUT"),
        (plan(json!([own]), &own), "BAD_USER_INPUT"),
        (plan(json!([mine]), &ada.id), "BAD_USER_INPUT"),
        (plan(json!([theirs]), &own), ""),
        (plan(json!([unknown("tsk")]), &own), ""),
        (plan(json!([mine]), &foreign), ""),
        (plan(json!([mine]), &unknown("pws")), ""),
        (format!(r#"invitation(id: "{invitation}") {{ id }}"#), ""),
        (format!(r#"organization(id: "{foreign}") {{ id }}"#), ""),
        (r#"organization(slug: "zeta") { id }"#.to_owned(), ""),
    ];
    for prefix in ["usr", "org", "mem", "inv", "off", "pws", "prj", "tsk", "job", "sto", "evt", "mail", "ses"] {
        tried.push((format!(r#"node(id: "{}") {{ id }}"#, unknown(prefix)), ""));
    }
    for bad in nothing.map(|bad| json!(bad)) {
        tried.push((format!("node(id: {bad}) {{ id }}"), ""));
        tried.push((format!("organization(id: {bad}) {{ id }}"), ""));
        tried.push((format!("organization(slug: {bad}) {{ id }}"), ""));
        tried.push((format!("invitation(id: {bad}) {{ id }}"), ""));
        tried.push((format!("invitationPreview(token: {bad}) {{ email }}"), ""));
        tried.push((plan(json!([bad]), &own), "BAD_USER_INPUT"));
        tried.push((plan(json!([mine]), bad.as_str().expect("a text")), "BAD_USER_INPUT"));
    }
    for (query, code) in &tried {
        let answer = ada.ask(&format!("{{ it: {query} }}")).await;
        let codes: &[&str] = if code.is_empty() { &[] } else { &[code] };
        let shown: String = query.chars().take(120).collect();
        assert_eq!((answer.status.as_u16(), answer.codes().as_slice()), (200, codes), "{shown}");
        assert_eq!(answer.body["data"]["it"], Value::Null, "{shown}");
    }
    let schema = Schema::read(&app).await;
    for field in fields(&schema.types["Query"]).filter(|field| !list(&field["args"]).is_empty()) {
        let name = text(&field["name"]);
        let begun = |query: &str| query.split(['(', ' ']).next() == Some(&name);
        // `organizations` is covered by the lists test; `slugAvailability` is never null and follows below.
        let elsewhere = ["organizations", "slugAvailability"].contains(&name.as_str());
        assert!(elsewhere || tried.iter().any(|(query, _)| begun(query)), "Add invalid arguments of {name}.");
    }
    let slugs = nothing.iter().filter(|slug| **slug != "nonsense");
    for slug in slugs {
        let query = format!("{{ slugAvailability(slug: {}) {{ available problem }} }}", json!(slug));
        let availability = ada.ask(&query).await.data()["slugAvailability"].clone();
        assert_eq!(availability["available"], false, "{availability}");
        assert!(availability["problem"].is_string(), "{availability}");
    }
    let ids = json!(["", "nonsense", theirs, mine, unknown("prj")]);
    let nodes = ada.ask(&format!("{{ nodes(ids: {ids}) {{ id }} }}")).await.data();
    assert_eq!(nodes["nodes"], json!([null, null, null, { "id": mine }, null]));
    assert_eq!(app.snapshot().await, before);
    app.close().await;
}

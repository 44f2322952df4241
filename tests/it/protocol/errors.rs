//! Internal errors: clients get a fixed text and a request ID, and nothing about the cause.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{Answer, TestApp};

/// Words that only a database, a driver or Rust would use.
const LEAKS: [&str; 12] = [
    "relation \"",
    "column \"",
    "SELECT",
    "postgres",
    "diesel",
    "tokio",
    "socket",
    "Error(",
    "Some(",
    "panicked",
    "src/",
    "does not exist",
];

#[track_caller]
fn assert_nothing_leaks(answer: &Answer) {
    let text = answer.body.to_string();
    for leak in LEAKS {
        assert!(!text.contains(leak), "{leak}: {text}");
    }
}

#[tokio::test]
async fn internal_error_has_a_request_id_and_leaks_nothing() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    app.sql("ALTER TABLE organizations RENAME COLUMN slug TO gulp").await;
    let read = ada.ask(&format!(r#"{{ viewer {{ isAdmin }} organization(id: "{id}") {{ name }} }}"#)).await;
    assert_eq!(read.codes(), ["INTERNAL"]);
    let message = read.body["errors"][0]["message"].as_str().expect("a message");
    assert!(message.starts_with("Something went wrong on our side."), "{message}");
    assert!(read.body["errors"][0]["extensions"]["requestId"].as_str().is_some_and(|id| !id.is_empty()));
    assert_eq!(
        read.body["data"],
        json!({ "viewer": { "isAdmin": false }, "organization": null }),
        "the other fields are returned"
    );
    assert_nothing_leaks(&read);
    let write =
        ada.mutate("updateOrganization", json!({ "organizationId": id, "name": "x" }), "organization { id }").await;
    assert_eq!(write.codes(), ["INTERNAL"]);
    assert_nothing_leaks(&write);
    app.close().await;
}

#[tokio::test]
async fn service_unavailable_is_returned_while_the_database_is_unreachable() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    app.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    app.env.store.close();
    let read = ada.ask("{ viewer { isAdmin } }").await;
    assert_eq!(read.codes(), ["SERVICE_UNAVAILABLE"]);
    assert_nothing_leaks(&read);
    let write = ada.mutate("createOrganization", json!({ "slug": "acme" }), "organization { id }").await;
    assert_eq!((write.status, write.codes()), (StatusCode::SERVICE_UNAVAILABLE, vec!["SERVICE_UNAVAILABLE"]));
    assert_nothing_leaks(&write);
    app.close().await;
}

#[tokio::test]
async fn pool_replaces_a_terminated_connection() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    ada.ask("{ viewer { isAdmin } }").await.data();
    app.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    // A request may still use the terminated connection before the pool notices.
    let replaced = async { while ada.ask("{ viewer { isAdmin } }").await.status != StatusCode::OK {} };
    tokio::time::timeout(Duration::from_secs(20), replaced).await.expect("another one");
    app.close().await;
}

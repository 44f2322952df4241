//! Clients that go away before they are answered.

use std::time::Duration;

use serde_json::json;
use tokio_postgres::NoTls;

use crate::support::{TestApp, graphql};

#[tokio::test]
async fn a_mutation_is_finished_though_nobody_waits_for_it() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let (mut other, connection) = tokio_postgres::connect(&app.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let blocking = other.transaction().await.expect("a transaction");
    blocking.batch_execute("LOCK TABLE organizations IN EXCLUSIVE MODE").await.expect("a lock");

    let mutation = r#"mutation { createOrganization(input: { slug: "acme" }) { userErrors { message } } }"#;
    let asked = graphql::send(&app.router, Some(&ada.token), mutation, json!({}));
    tokio::time::timeout(Duration::from_millis(300), asked).await.expect_err("the client leaves before it is answered");
    blocking.commit().await.expect("the lock is released");

    let made = async {
        while app.count("organizations").await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), made).await.expect("the organization is made");
    app.close().await;
}

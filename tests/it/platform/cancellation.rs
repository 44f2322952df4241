//! Clients that disconnect before the response, and operations that exceed their time limit.

use std::net::SocketAddr;
use std::time::Duration;

use guildhall::server::state::TimeLimits;
use serde_json::json;
use tokio_postgres::NoTls;

use crate::support::socket::Socket;
use crate::support::{Person, TestApp, graphql};

#[tokio::test]
async fn mutation_completes_after_its_client_disconnects() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let (mut other, connection) = tokio_postgres::connect(&app.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let blocking = other.transaction().await.expect("a transaction");
    blocking.batch_execute("LOCK TABLE organizations IN EXCLUSIVE MODE").await.expect("a lock");

    let mutation = r#"mutation { createOrganization(input: { slug: "acme" }) { userErrors { message } } }"#;
    let request = graphql::send(&app.router, Some(&ada.token), mutation, json!({}));
    tokio::time::timeout(Duration::from_millis(300), request)
        .await
        .expect_err("the client leaves before it is answered");
    blocking.commit().await.expect("the lock is released");

    let made = async {
        while app.count("organizations").await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), made).await.expect("the organization is made");
    app.close().await;
}

/// The number of statements of the application that wait for a lock.
const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'";
const QUERY: &str = r#"{ organization(slug: "acme") { name } }"#;
const MUTATION: &str = r#"mutation { createOrganization(input: { slug: "other" }) { userErrors { message } } }"#;

/// Waits until that many statements wait for a lock.
async fn blocked(app: &TestApp, count: i64) {
    let waiting = async {
        while app.number(BLOCKED).await != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("so many wait");
}

/// A served application with that time limit, and a connection that holds a lock on the table of organizations.
async fn held(limit: Duration) -> (TestApp, Person, SocketAddr, tokio_postgres::Client) {
    let limits = TimeLimits { query: limit, mutation: limit };
    let app = TestApp::with(|settings| settings.time_limits = limits).await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    let (other, connection) = tokio_postgres::connect(&app.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    other.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    let address = app.serve().await;
    (app, ada, address, other)
}

async fn post(address: SocketAddr, token: &str, query: &str) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("http://{address}/graphql")).bearer_auth(token);
    request.json(&json!({ "query": query })).send().await.expect("a response")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn query_is_cancelled_in_the_database_when_its_client_disconnects() {
    let (app, ada, address, holder) = held(Duration::from_secs(60)).await;
    let token = ada.token.clone();
    let over_http = tokio::spawn(async move { post(address, &token, QUERY).await });
    blocked(&app, 1).await;
    over_http.abort();
    blocked(&app, 0).await;

    let mut socket = Socket::open_for(address, &ada.token).await;
    socket.subscribe("a", QUERY, json!({})).await;
    blocked(&app, 1).await;
    socket.say(json!({ "type": "complete", "id": "a" })).await;
    blocked(&app, 0).await;
    socket.subscribe("b", QUERY, json!({})).await;
    blocked(&app, 1).await;
    drop(socket);
    blocked(&app, 0).await;

    holder.batch_execute("ROLLBACK").await.expect("the lock is released");
    assert_eq!(ada.ask(QUERY).await.data()["organization"]["name"], "acme");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_limit_aborts_queries_and_mutations_without_side_effects() {
    let (app, ada, address, holder) = held(Duration::from_millis(300)).await;
    for request in [QUERY, MUTATION] {
        let answer = post(address, &ada.token, request).await;
        assert_eq!(answer.status(), 503, "{request}");
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT", "{request}");
        assert!(answer.get("data").is_none());
        blocked(&app, 0).await;
    }
    holder.batch_execute("ROLLBACK").await.expect("the lock is released");
    assert_eq!(app.count("organizations").await, 1);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    assert_eq!(app.number(open).await, 0, "no transaction is left open");
    ada.run(MUTATION, json!({})).await.done();
    app.close().await;
}

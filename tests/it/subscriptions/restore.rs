//! Cursors of the event log after the database was restored from a backup.

use serde_json::json;

use crate::support::cluster::{Cluster, OwnCluster};
use crate::support::pg_dump::Dump;
use crate::support::server_process::{Server, mutate_at};
use crate::support::socket::Socket;
use crate::support::{Person, TestApp};

const FOLLOW: &str = "subscription S($id: ID!, $after: String) {
    workspaceEvents(workspaceId: $id, after: $after) { id cursor } }";

/// Renames the organization at a server, and returns the cursor of the event.
async fn rename(server: &Server, ada: &Person, id: &str, name: &str) -> String {
    let input = json!({ "organizationId": id, "name": name });
    mutate_at(server.address, &ada.token, "updateOrganization", input, "clientMutationId").await.expect("renamed");
    loop {
        let query =
            r#"{ organization(slug: "acme") { events(last: 1) { edges { cursor node { changes { after } } } } } }"#;
        let data = ask(server, ada, query).await;
        let edge = &data["data"]["organization"]["events"]["edges"][0];
        if edge["node"]["changes"][0]["after"] == name {
            return edge["cursor"].as_str().expect("a cursor").to_owned();
        }
    }
}

async fn ask(server: &Server, ada: &Person, query: &str) -> serde_json::Value {
    let request = reqwest::Client::new().post(format!("http://{}/graphql", server.address)).bearer_auth(&ada.token);
    let sent = request.json(&json!({ "query": query })).send().await.expect("an answer");
    sent.json().await.expect("JSON")
}

/// The IDs of that many events after a cursor.
async fn events_after(server: &Server, ada: &Person, id: &str, cursor: &str, count: usize) -> Vec<String> {
    let variables = json!({ "id": id, "after": cursor });
    let mut socket = Socket::ask(server.address, &ada.token, FOLLOW, variables).await.expect("a socket");
    let mut ids = Vec::new();
    while ids.len() < count {
        let message = socket.receive().await.expect("an event");
        let event = &message["payload"]["data"]["workspaceEvents"];
        ids.push(event["id"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned());
    }
    ids
}

/// The code with which a subscription and a list refuse a cursor.
async fn refusals(server: &Server, ada: &Person, id: &str, cursor: &str) -> [String; 2] {
    let variables = json!({ "id": id, "after": cursor });
    let mut socket = Socket::ask(server.address, &ada.token, FOLLOW, variables).await.expect("a socket");
    let message = socket.receive().await.expect("an error");
    let list =
        format!(r#"{{ organization(slug: "acme") {{ events(first: 1, after: "{cursor}") {{ totalCount }} }} }}"#);
    let listed = ask(server, ada, &list).await;
    [&message["payload"]["errors"][0], &listed["errors"][0]].map(|error| error["extensions"]["code"].to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_from_after_a_backup_expire_and_earlier_ones_continue() {
    let Some(dump) = Dump::of_this_machine() else {
        eprintln!("not tested: this machine has a PostgreSQL without pg_dump and psql");
        return;
    };
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let server = Server::start(&app.url, &[]).await;
    let before = rename(&server, &ada, &id, "Before").await;
    let at = rename(&server, &ada, &id, "At").await;

    let cluster = OwnCluster::start("restore-new").await;
    let (same, second) = (Cluster::get().empty_database().await, Cluster::get().empty_database().await);
    for copy in [cluster.url(), same.clone(), second.clone()] {
        dump.clone().carry(&app.url, &copy).await;
    }
    let after = rename(&server, &ada, &id, "Lost").await;
    assert_eq!(events_after(&server, &ada, &id, &at, 1).await.len(), 1, "good before the restore");
    drop(server);

    let mut futures = vec![after];
    for copy in [cluster.url(), same, second] {
        let server = Server::start(&copy, &[]).await;
        for cursor in &futures {
            let refused = refusals(&server, &ada, &id, cursor).await;
            assert_eq!(refused, ["\"CURSOR_EXPIRED\"", "\"CURSOR_EXPIRED\""], "at once, {copy}");
        }
        let mut newest = String::new();
        for index in 0..40 {
            newest = rename(&server, &ada, &id, &format!("New {index}")).await;
        }
        for cursor in &futures {
            let refused = refusals(&server, &ada, &id, cursor).await;
            assert_eq!(refused, ["\"CURSOR_EXPIRED\"", "\"CURSOR_EXPIRED\""], "when the log has grown, {copy}");
        }
        let from_before = events_after(&server, &ada, &id, &before, 41).await;
        let from_at = events_after(&server, &ada, &id, &at, 40).await;
        assert_eq!(from_before[1..], from_at, "every later event once");
        // A second restore of the same backup has another future.
        futures.push(newest);
    }
}

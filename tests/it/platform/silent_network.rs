//! Connections to the database that freeze, are delayed, cut or half-closed, and transactions that never end.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use guildhall::store::migrate::migrate;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::support::TestApp;
use crate::support::cluster::{OwnCluster, connector};
use crate::support::fault_proxy::{Fault, FaultProxy};
use crate::support::server_process::Server;
use crate::support::socket::Socket;

const EVENTS: &str = "subscription S($id: ID!, $after: String) {
    workspaceEvents(workspaceId: $id, after: $after) { type cursor } }";
/// How long connections are frozen.
const FROZEN: Duration = Duration::from_secs(60);
/// Time within which everything works again.
const RECOVERY: Duration = Duration::from_secs(10);

/// An application over a cluster of its own: transactions that stay open hold back the events of the whole cluster.
async fn own_database(name: &'static str) -> (OwnCluster, TestApp) {
    let cluster = OwnCluster::start(name).await;
    migrate(&connector(&cluster.url())).await.expect("migrations run");
    let app = TestApp::over(&cluster.url()).await;
    (cluster, app)
}

/// Sends an operation. `None`: no answer, or an answer with errors.
async fn ask(server: SocketAddr, token: &str, query: &str) -> Option<Value> {
    let request = reqwest::Client::new().post(format!("http://{server}/graphql")).bearer_auth(token);
    let sent = request.json(&json!({ "query": query })).timeout(Duration::from_secs(40)).send().await.ok()?;
    let answer: Value = sent.json().await.ok()?;
    (answer.get("errors").is_none()).then(|| answer["data"].clone())
}

async fn is_ready(server: SocketAddr) -> bool {
    let request = reqwest::Client::new().get(format!("http://{server}/health/ready")).timeout(Duration::from_secs(5));
    request.send().await.is_ok_and(|answer| answer.status() == 200)
}

/// Repeats an operation until it succeeds, and returns the time that it took.
async fn until_done(server: SocketAddr, token: &str, query: &str) -> Duration {
    let begun = Instant::now();
    while ask(server, token, query).await.is_none() {
        assert!(begun.elapsed() < 3 * RECOVERY, "{query}");
        sleep(Duration::from_millis(100)).await;
    }
    begun.elapsed()
}

/// A subscriber that resumes after its last event when its subscription ends.
struct Subscriber<'a> {
    server: SocketAddr,
    token: &'a str,
    organization: &'a str,
    cursor: Option<String>,
    socket: Option<Socket>,
}

impl Subscriber<'_> {
    /// Waits for the next event and returns its type.
    async fn next_type(&mut self) -> String {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < 3 * RECOVERY, "no event");
            let Some(socket) = &mut self.socket else {
                let variables = json!({ "id": self.organization, "after": self.cursor });
                self.socket = Socket::ask(self.server, self.token, EVENTS, variables).await;
                continue;
            };
            match timeout(3 * RECOVERY, socket.receive()).await.expect("an event or an end") {
                Some(message) if message["payload"]["data"]["workspaceEvents"].is_object() => {
                    let event = &message["payload"]["data"]["workspaceEvents"];
                    self.cursor = event["cursor"].as_str().map(str::to_owned);
                    return event["type"].as_str().expect("a type").to_owned();
                }
                _ => {
                    self.socket = None;
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

fn mails(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("mail")).map_or(0, Iterator::count)
}

fn invite(organization: &str, name: &str) -> String {
    format!(
        r#"mutation {{ inviteMembers(input: {{ organizationId: "{organization}", idempotencyKey: "{name}",
            invitees: [{{ email: "{name}@example.org", role: WORKER }}] }}) {{ userErrors {{ code }} }} }}"#
    )
}

#[tokio::test]
async fn requests_events_and_mails_continue_after_connections_were_frozen() {
    let (_cluster, app) = own_database("silent-frozen").await;
    let ada = app.person("ada").await;
    let proxy = FaultProxy::to(&app.url).await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("silent-{}", std::process::id()));
    let data_dir = folder.display().to_string();
    let settings = [("GUILDHALL_MAIL_WORKER", "on"), ("GUILDHALL_DATA_DIR", data_dir.as_str())];
    let server = Server::start(&proxy.url, &settings).await;
    let at = server.address;
    let id = ada.creates("acme").await;
    let newest = r#"{ organization(slug: "acme") { events(last: 1) { edges { cursor } } } }"#;
    let newest = ask(at, &ada.token, newest).await.expect("the newest event");
    let cursor = newest["organization"]["events"]["edges"][0]["cursor"].as_str().map(str::to_owned);
    let mut subscriber = Subscriber { server: at, token: &ada.token, organization: &id, cursor, socket: None };
    let read = r#"{ organization(slug: "acme") { name } }"#;
    until_done(at, &ada.token, read).await;
    until_done(at, &ada.token, &invite(&id, "before")).await;
    while subscriber.next_type().await != "INVITATION_CREATED" {}
    while mails(&folder) < 1 {
        sleep(Duration::from_millis(50)).await;
    }

    proxy.set(Fault::Freeze);
    let frozen = Instant::now();
    let during = invite(&id, "during");
    let (first_read, first_write) = tokio::join!(ask(at, &ada.token, read), ask(at, &ada.token, &during));
    assert!(first_read.is_none() && first_write.is_none(), "no connection works");
    assert!(!is_ready(at).await, "not ready while frozen");
    sleep(FROZEN.saturating_sub(frozen.elapsed())).await;
    assert!(!is_ready(at).await, "still not ready");

    proxy.set(Fault::None);
    let (read, write) = tokio::join!(until_done(at, &ada.token, read), until_done(at, &ada.token, &during));
    println!("after the thaw: a read took {read:?}, a write {write:?}");
    assert!(read < RECOVERY && write < RECOVERY, "{read:?} {write:?}");
    while !is_ready(at).await {
        sleep(Duration::from_millis(100)).await;
    }
    until_done(at, &ada.token, &invite(&id, "after")).await;
    let thawed = Instant::now();
    // Delivered mails are events too.
    let mut created = 0;
    while created < 2 {
        created += usize::from(subscriber.next_type().await == "INVITATION_CREATED");
    }
    println!("events continued after {:?}", thawed.elapsed());
    while mails(&folder) < 3 {
        assert!(thawed.elapsed() < 3 * RECOVERY, "{} mails", mails(&folder));
        sleep(Duration::from_millis(50)).await;
    }
    println!("mails continued after {:?}", thawed.elapsed());
    assert_eq!(app.count("invitations").await, 3, "nothing is lost or doubled");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(mails(&folder), 3, "no mail is sent twice");
    std::fs::remove_dir_all(&folder).expect("the folder");
}

#[tokio::test]
async fn requests_continue_after_connections_were_cut_delayed_or_half_closed() {
    let (_cluster, app) = own_database("silent-cut").await;
    let ada = app.person("ada").await;
    ada.creates("acme").await;
    let proxy = FaultProxy::to(&app.url).await;
    let server = Server::start(&proxy.url, &[]).await;
    let at = server.address;
    let read = r#"{ organization(slug: "acme") { name } }"#;
    let write = |slug: usize| {
        format!(r#"mutation {{ createOrganization(input: {{ slug: "other-{slug}" }}) {{ userErrors {{ code }} }} }}"#)
    };
    for (index, fault) in
        [Fault::Cut, Fault::HalfClose, Fault::Delay(Duration::from_millis(200))].into_iter().enumerate()
    {
        until_done(at, &ada.token, read).await;
        proxy.set(fault);
        let _ = tokio::join!(ask(at, &ada.token, read), sleep(Duration::from_secs(1)));
        proxy.set(Fault::None);
        let write = write(index);
        let (read, write) = tokio::join!(until_done(at, &ada.token, read), until_done(at, &ada.token, &write));
        assert!(read < RECOVERY && write < RECOVERY, "{fault:?}: {read:?} {write:?}");
    }
}

#[tokio::test]
async fn transaction_of_a_vanished_process_is_ended_by_the_database() {
    let (_cluster, app) = own_database("silent-vanished").await;
    let proxy = FaultProxy::to(&app.url).await;
    let mut vanishing = connector(&proxy.url).connect().await.expect("a connection");
    vanishing.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("a transaction");
    proxy.set(Fault::Freeze);
    let begun = Instant::now();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL";
    while app.number(open).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the transaction is still open");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn foreign_transaction_that_holds_events_back_is_named_in_the_log() {
    let (_cluster, app) = own_database("silent-foreign").await;
    let ada = app.person("ada").await;
    let id = ada.creates("acme").await;
    let server = Server::start(&app.url, &[]).await;
    let read = r#"{ organization(slug: "acme") { name } }"#;
    until_done(server.address, &ada.token, read).await;
    let (foreign, connection) = tokio_postgres::connect(&app.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    foreign
        .batch_execute("SET application_name = 'a report'; BEGIN; SELECT pg_current_xact_id()")
        .await
        .expect("begun");
    until_done(server.address, &ada.token, &invite(&id, "held-back")).await;
    let begun = Instant::now();
    while !server.log().contains("an open transaction holds events back") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", server.log());
        sleep(Duration::from_millis(200)).await;
    }
    assert!(server.log().contains("a report"), "{}", server.log());
    let events = r#"{ organization(slug: "acme") { events(last: 1) { nodes { type } } } }"#;
    let listed = ask(server.address, &ada.token, events).await.expect("older events");
    assert_eq!(listed["organization"]["events"]["nodes"], json!([{ "type": "MEMBER_JOINED" }]));
}

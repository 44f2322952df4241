//! Server processes behind PgBouncer, in session and in transaction mode. Runs where `GUILDHALL_PGBOUNCER` names the
//! executable of PgBouncer 1.21 or later.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_postgres::config::Host;

use crate::support::TestApp;
use crate::support::server_process::{Server, mutate_at, run};
use crate::support::socket::Socket;

/// Connections of the pooler to the database, fewer than those of the server's pool.
const POOL_SIZE: usize = 5;
const EVENTS: &str = "subscription S($id: ID!) { workspaceEvents(workspaceId: $id) { type } }";

/// A running PgBouncer. It is killed when this is dropped.
struct Pooler {
    process: Child,
    folder: PathBuf,
    url: String,
}

impl Pooler {
    /// Starts PgBouncer in front of the database at `url`.
    async fn start(program: &str, url: &str, mode: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().expect("a URL");
        let Some(Host::Unix(socket)) = config.get_hosts().first() else { panic!("no socket in {url}") };
        let database = config.get_dbname().expect("a name");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pooler-{mode}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut settings = format!(
            "[databases]\n{database} = host={} user=guildhall\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {POOL_SIZE}\n\
             max_prepared_statements = 200\nmax_client_conn = 200\n",
            socket.display()
        );
        // The socket is open to PostgreSQL's user only, and PgBouncer refuses to run as root.
        let (us, owner) = (fs::metadata("/proc/self").expect("us").uid(), fs::metadata(socket).expect("it").uid());
        if us != owner {
            let name = Command::new("id").args(["-nu", &owner.to_string()]).output().expect("id").stdout;
            settings += &format!("user = {}\n", String::from_utf8_lossy(&name).trim());
        }
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).expect("a file");
        let process = Command::new(program).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let url = format!("postgres://guildhall@127.0.0.1:{port}/{database}?sslmode=disable");
        let pooler = Self { process: process.expect("PgBouncer"), folder, url };
        let begun = Instant::now();
        while tokio_postgres::connect(&pooler.url, tokio_postgres::NoTls).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "PgBouncer does not listen");
            sleep(Duration::from_millis(50)).await;
        }
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_works_behind_a_pooler_in_both_modes() {
    let Ok(program) = std::env::var("GUILDHALL_PGBOUNCER") else {
        eprintln!("not tested: GUILDHALL_PGBOUNCER names no PgBouncer");
        return;
    };
    for mode in ["session", "transaction"] {
        let app = TestApp::new().await;
        let ada = app.person("ada").await;
        let pooler = Pooler::start(&program, &app.url, mode).await;
        let refused = run(&["migrate"], &[("DATABASE_URL", &pooler.url)]).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("DATABASE_DIRECT_URL"), "{mode}: {said}");
        let direct = [("DATABASE_URL", pooler.url.as_str()), ("DATABASE_DIRECT_URL", app.url.as_str())];
        for _ in 0..2 {
            assert!(run(&["migrate"], &direct).await.status.success(), "{mode}");
        }

        let direct = [("DATABASE_DIRECT_URL", app.url.as_str())];
        let servers = [Server::start(&pooler.url, &direct).await, Server::start(&pooler.url, &direct).await];
        let at = servers[0].address;
        let made =
            mutate_at(at, &ada.token, "createOrganization", json!({ "slug": "acme" }), "organization { id }").await;
        let id = made.expect("an organization")["organization"]["id"].as_str().expect("an ID").to_owned();
        let client = reqwest::Client::new();
        let body = json!({ "query": "{ organization(slug: \"acme\") { members(first: 10) { totalCount } } }" });
        let requests = (0..80).map(|index: usize| {
            let url = format!("http://{}/graphql", servers[index % 2].address);
            let request = client.post(url).bearer_auth(&ada.token).json(&body);
            async move { request.send().await.expect("an answer").text().await.expect("a body") }
        });
        let answers = futures_util::future::join_all(requests).await;
        assert!(answers.iter().all(|answer| !answer.contains("errors")), "{mode}: {answers:?}");

        let variables = json!({ "id": id });
        let mut socket = Socket::ask(at, &ada.token, EVENTS, variables).await.expect("a subscription");
        sleep(Duration::from_millis(300)).await;
        let mut delays = Vec::new();
        for index in 0..10 {
            let input = json!({ "organizationId": id, "name": format!("Name {index}") });
            let other = servers[1].address;
            mutate_at(other, &ada.token, "updateOrganization", input, "clientMutationId").await.expect("renamed");
            let answered = Instant::now();
            socket.receive().await.expect("an event of another process");
            delays.push(answered.elapsed());
        }
        delays.sort();
        println!("{mode}: events of another process after {delays:?}");
        // The median: other tests use the same processors.
        assert!(delays[5] < Duration::from_millis(100), "{mode}: {delays:?}");
    }
}

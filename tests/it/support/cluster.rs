//! One private PostgreSQL cluster for the whole run, with a database for each test, copied from a migrated template.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use guildhall::embedded::{Embedded, Programs};
use guildhall::store::Connector;
use guildhall::store::migrate::migrate;
use tokio_postgres::NoTls;

/// Settings for disposable data.
const SETTINGS: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "400"),
    ("shared_buffers", "128MB"),
];

/// The folder of all clusters.
const ROOT: &str = env!("CARGO_TARGET_TMPDIR");

/// Number of the next database.
static SERIAL: AtomicU32 = AtomicU32::new(0);

/// The cluster of this run. When the process ends, a watcher process stops it and removes its folder.
pub struct Cluster {
    embedded: Embedded,
}

impl Cluster {
    /// The cluster, started by the first test that needs it.
    pub fn get() -> &'static Cluster {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(|| {
            // The cluster has its own thread and runtime, because the runtime of a test ends with the test.
            let start = || tokio::runtime::Runtime::new().expect("a runtime").block_on(Self::start());
            std::thread::spawn(start).join().expect("the cluster starts")
        })
    }

    async fn start() -> Cluster {
        sweep(Path::new(ROOT));
        let embedded = start("shared", &[]).await;
        execute(&embedded.url("postgres"), "CREATE DATABASE template_of_tests").await;
        migrate(&connector(&embedded.url("template_of_tests"))).await.expect("migrations run");
        Cluster { embedded }
    }

    /// The URL of a new, migrated, empty database.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", SERIAL.fetch_add(1, Ordering::Relaxed));
        execute(&self.embedded.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE template_of_tests")).await;
        let url = self.embedded.url(&name);
        // A copy is not a restored backup here.
        execute(&url, "UPDATE event_log SET origin = event_log_origin()").await;
        url
    }

    /// The URL of a new, migrated, empty database with that locale, such as `LOCALE 'C'`. `None` if this PostgreSQL
    /// does not support it.
    pub async fn database_with(&self, locale: &str) -> Option<String> {
        let name = format!("test_{}", SERIAL.fetch_add(1, Ordering::Relaxed));
        let (client, connection) =
            tokio_postgres::connect(&self.embedded.url("postgres"), NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {locale}")).await.ok()?;
        let url = self.embedded.url(&name);
        migrate(&connector(&url)).await.expect("migrations run");
        Some(url)
    }

    /// The URL of a new database without tables.
    pub async fn empty_database(&self) -> String {
        let name = format!("test_{}", SERIAL.fetch_add(1, Ordering::Relaxed));
        execute(&self.embedded.url("postgres"), &format!("CREATE DATABASE {name}")).await;
        self.embedded.url(&name)
    }

    /// Drops a database and terminates its connections.
    pub async fn drop(&self, url: &str) {
        let name = url.split('?').next().and_then(|url| url.rsplit('/').next()).expect("a database in the URL");
        execute(&self.embedded.url("postgres"), &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
}

/// A separate cluster for one test that would disturb the others.
pub struct OwnCluster {
    name: &'static str,
    embedded: Embedded,
}

impl OwnCluster {
    /// Starts an empty cluster.
    pub async fn start(name: &'static str) -> Self {
        Self::start_with(name, &[]).await
    }

    /// Starts an empty cluster with further settings.
    pub async fn start_with(name: &'static str, settings: &[(&str, &str)]) -> Self {
        Self { name, embedded: start(name, settings).await }
    }

    /// The folder of the cluster.
    pub fn location(&self) -> &Path {
        self.embedded.location()
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        self.embedded.url("guildhall")
    }

    /// Stops the cluster, which ends all sessions, and starts it again.
    pub async fn restart(self) -> Self {
        self.embedded.stop().await.expect("it stops");
        Self::start(self.name).await
    }
}

/// Starts or restarts the cluster with that name.
async fn start(name: &str, settings: &[(&str, &str)]) -> Embedded {
    let folder = Path::new(ROOT).join(format!("cluster-{}-{name}", std::process::id()));
    let is_new = !folder.exists();
    let embedded = Embedded::start_with(&folder, Programs::from_environment(), &[&SETTINGS, settings].concat()).await;
    let embedded = embedded.unwrap_or_else(|why| panic!("no PostgreSQL to test with: {why}"));
    if is_new {
        watch(&folder, embedded.location());
    }
    embedded
}

/// A connector to the database at `url`.
pub fn connector(url: &str) -> Connector {
    Connector::to_url(url).expect("options")
}

/// Runs statements on a new connection.
pub async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect(sql);
    drop(client);
    connection.await.expect("the connection ends").expect("without an error");
}

/// Starts a shell that waits for the end of this process, then stops the cluster and removes its folder.
fn watch(folder: &Path, location: &Path) {
    let script = r#"cat >/dev/null; kill -INT "$(head -n 1 "$1/data/postmaster.pid")"; sleep 1; rm -rf "$1" "$2""#;
    let mut watchman = Command::new("sh")
        .args(["-c", script, "watchman"])
        .args([location, folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh");
    // The pipe stays open while this process runs.
    std::mem::forget(watchman.stdin.take());
    std::mem::forget(watchman);
}

/// Removes clusters of runs that were killed together with their watcher.
fn sweep(root: &Path) {
    let left: Vec<PathBuf> = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    for folder in left {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = name.strip_prefix("cluster-") else { continue };
        let pid = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(pid).exists() && Embedded::running(&folder).is_none() {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

//! Tests with real clusters in temporary folders. The process that a test kills is this test binary, started again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use tokio_postgres::NoTls;

use super::{Embedded, EmbeddedError, Programs};

const QUICK: [(&str, &str); 3] = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];
const CHILD: &str = "GUILDHALL_TEST_EMBEDDED_FOLDER";

/// A folder that is deleted at the end of the test, with all its contents.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("guildhall-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let linked = fs::canonicalize(self.0.join("postgres")).ok().filter(|path| !path.starts_with(&self.0));
        for path in linked.iter().chain([&self.0]) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

async fn quick(folder: &Path) -> Embedded {
    Embedded::start_with(folder, Programs::from_environment(), &QUICK).await.unwrap()
}

async fn run(url: &str, sql: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let rows = client.simple_query(sql).await.unwrap();
    rows.iter()
        .find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .unwrap_or_default()
}

#[tokio::test]
async fn restart_keeps_written_rows() {
    let folder = Folder::new("restart");
    let started = Instant::now();
    let first = Embedded::start(&folder.0, Programs::from_environment()).await.unwrap();
    let took_first = started.elapsed();
    run(&first.url("guildhall"), "CREATE TABLE note AS SELECT 'kept' AS text").await;
    assert_eq!(Embedded::running(&folder.0), Some(first.url("guildhall")));
    let started = Instant::now();
    first.stop().await.unwrap();
    let took_stop = started.elapsed();
    assert_eq!(Embedded::running(&folder.0), None);

    let started = Instant::now();
    let second = Embedded::start(&folder.0, Programs::from_environment()).await.unwrap();
    let took_second = started.elapsed();
    println!("first start {took_first:?}, stop {took_stop:?}, restart {took_second:?}");
    assert_eq!(run(&second.url("guildhall"), "SELECT text FROM note").await, "kept");
    assert_eq!(run(&second.url("guildhall"), "SHOW listen_addresses").await, "");
    assert_eq!(run(&second.url("guildhall"), "SHOW server_encoding").await, "UTF8");
    assert_eq!(run(&second.url("guildhall"), "SHOW fsync").await, "on");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn start_refuses_a_second_owner_in_one_sentence() {
    let folder = Folder::new("second");
    let first = quick(&folder.0).await;
    let refused = Embedded::start(&folder.0, Programs::from_environment()).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::InUse(_)));
    assert!(!refused.to_string().contains('\n'), "{refused}");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn start_repeats_an_interrupted_initdb() {
    let folder = Folder::new("interrupted");
    fs::create_dir_all(folder.0.join("postgres/new-1/base")).unwrap();
    fs::write(folder.0.join("postgres/new-1/PG_VERSION"), "15").unwrap();
    let cluster = quick(&folder.0).await;
    assert_eq!(run(&cluster.url("guildhall"), "SELECT 1").await, "1");
    assert!(!folder.0.join("postgres/new-1").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn start_ignores_a_stale_pid_file_of_another_program() {
    let folder = Folder::new("stale");
    quick(&folder.0).await.stop().await.unwrap();
    let stale = format!("{}\n/x\n0\n5432\n/x\n\n\n", std::process::id());
    fs::write(folder.0.join("postgres/data/postmaster.pid"), stale).unwrap();
    quick(&folder.0).await.stop().await.unwrap();
}

#[tokio::test]
async fn drop_stops_the_cluster() {
    let folder = Folder::new("dropped");
    drop(quick(&folder.0).await);
    assert_eq!(Embedded::running(&folder.0), None);
    assert!(!folder.0.join("postgres/data/postmaster.pid").exists());
}

#[tokio::test]
async fn stop_ends_a_cluster_whose_folder_was_deleted() {
    let folder = Folder::new("deleted");
    let cluster = quick(&folder.0).await;
    run(&cluster.url("guildhall"), "CREATE TABLE note AS SELECT generate_series(1, 100000) AS number").await;
    let pid = fs::read_to_string(folder.0.join("postgres/data/postmaster.pid")).unwrap();
    let process = Path::new("/proc").join(pid.lines().next().unwrap());
    assert!(process.exists());
    // Renamed first, so that no process can write to the folder while it is deleted.
    fs::rename(&folder.0, folder.0.with_extension("gone")).unwrap();
    fs::remove_dir_all(folder.0.with_extension("gone")).unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(5), cluster.stop()).await;
    stopped.expect("in time").unwrap();
    assert!(!process.exists());
}

#[tokio::test]
async fn start_with_a_bad_setting_shows_the_end_of_the_log() {
    let folder = Folder::new("setting");
    let refused =
        Embedded::start_with(&folder.0, Programs::from_environment(), &[("fsync", "off"), ("work_mem", "plenty")])
            .await
            .unwrap_err();
    assert!(matches!(&refused, EmbeddedError::Start { tail, .. } if tail.contains("work_mem")), "{refused}");
}

#[tokio::test]
async fn start_finds_a_socket_folder_for_long_and_unusual_paths() {
    let folder = Folder::new("long");
    let deep = folder.0.join("a folder, with \"odd\" letters ü").join("x".repeat(120));
    let cluster = quick(&deep).await;
    assert_eq!(run(&cluster.url("guildhall"), "SELECT 1").await, "1");
    assert_eq!(Embedded::running(&deep), Some(cluster.url("guildhall")));
    cluster.stop().await.unwrap();
    let odd = folder.0.join("a, \"b\" ü");
    let cluster = quick(&odd).await;
    assert_eq!(run(&cluster.url("guildhall"), "SELECT 1").await, "1");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn start_as_root_uses_another_folder_if_the_data_folder_is_not_accessible() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("closed");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = quick(&folder.0).await;
    let location = cluster.location().to_owned();
    run(&cluster.url("guildhall"), "CREATE TABLE note AS SELECT 'kept' AS text").await;
    cluster.stop().await.unwrap();

    // Readable or not, the next start finds the same folder.
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).unwrap();
    let cluster = quick(&folder.0).await;
    assert_eq!(cluster.location(), location);
    assert_eq!(run(&cluster.url("guildhall"), "SELECT text FROM note").await, "kept");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn start_adopts_the_cluster_of_a_killed_owner() {
    let folder = Folder::new("adopted");
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "embedded::tests::owner_to_be_killed", "--ignored"])
        .env(CHILD, &folder.0)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while Embedded::running(&folder.0).is_none() || !folder.0.join("ready").exists() {
        assert!(owner.try_wait().unwrap().is_none(), "the owner ended by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = fs::read_to_string(folder.0.join("postgres/data/postmaster.pid")).unwrap();
    owner.kill().unwrap();
    owner.wait().unwrap();

    let started = Instant::now();
    let adopted = quick(&folder.0).await;
    println!("adopted in {:?}", started.elapsed());
    let now = fs::read_to_string(folder.0.join("postgres/data/postmaster.pid")).unwrap();
    assert_eq!(now.lines().next(), pid.lines().next(), "the same process");
    assert_eq!(run(&adopted.url("guildhall"), "SELECT text FROM note").await, "kept");
    adopted.stop().await.unwrap();
    assert_eq!(Embedded::running(&folder.0), None);
    quick(&folder.0).await.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "runs only in the process that start_adopts_the_cluster_of_a_killed_owner starts"]
async fn owner_to_be_killed() {
    let Some(folder) = env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let cluster = quick(&folder).await;
    run(&cluster.url("guildhall"), "CREATE TABLE note AS SELECT 'kept' AS text").await;
    fs::write(folder.join("ready"), "").unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

//! The executable in separate processes.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::support::actors::document;

/// The secret that signs tokens, here and in [`super::TestApp`].
pub const SECRET: &str = "a secret for tests that is long enough";

/// Variables that locate the PostgreSQL programs, and one for coverage.
const INHERITED: [&str; 6] =
    ["PATH", "HOME", "XDG_CACHE_HOME", "GUILDHALL_POSTGRES_BIN", "GUILDHALL_POSTGRES_DOWNLOAD", "LLVM_PROFILE_FILE"];

/// The executable with these arguments. Of the environment of the tests it inherits only [`INHERITED`].
pub fn guildhall(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    program(env!("CARGO_BIN_EXE_guildhall"), arguments, environment)
}

fn program(path: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(path);
    let inherited = std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|inherited| name == inherited));
    command.env_clear().envs(inherited).envs(environment.iter().copied()).args(arguments);
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    command
}

/// Runs the executable to its end on a blocking thread.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = guildhall(arguments, environment);
    tokio::task::spawn_blocking(move || command.output().expect("the executable")).await.expect("it runs")
}

/// A server process. It is killed when this is dropped.
pub struct Server {
    process: Child,
    /// The address on which it listens.
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Serves that database on a free port, without limits, and without a mail worker unless `environment` sets one.
    pub async fn start(database: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_guildhall"), database, environment).await
    }

    /// Serves that database with another executable.
    pub async fn start_program(path: &str, database: &str, environment: &[(&str, &str)]) -> Self {
        let settings = [
            ("DATABASE_URL", database),
            ("GUILDHALL_JWT_SECRET", SECRET),
            ("GUILDHALL_LISTEN", "127.0.0.1:0"),
            ("GUILDHALL_RATE_LIMITS", "off"),
            ("GUILDHALL_PLANS", "unlimited"),
            ("GUILDHALL_MAIL_WORKER", "off"),
            ("GUILDHALL_LOG", "warn,guildhall::commands=info"),
        ];
        let settings: Vec<_> = settings.iter().chain(environment).copied().collect();
        let mut command = tokio::process::Command::from(program(path, &["serve", "--log-format", "json"], &settings));
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("the executable");
        let mut log = BufReader::new(process.stderr.take().expect("its log")).lines();
        let address = listening(&mut log).await;
        // The log is read to the end, because a full pipe would block the server.
        let written = Arc::<Mutex<String>>::default();
        let kept = written.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                println!("{address} {line}");
                kept.lock().expect("the log").push_str(&line);
            }
        });
        Self { process, address, log: written }
    }

    /// Three servers.
    pub async fn three(database: &str, environment: &[(&str, &str)]) -> Vec<Self> {
        let start = || Self::start(database, environment);
        let (first, second, third) = tokio::join!(start(), start(), start());
        vec![first, second, third]
    }

    /// What the process has logged since it listens.
    pub fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// ID of the process.
    pub fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Sends a signal to the process, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Waits until the process has ended by itself. Returns whether it succeeded.
    pub async fn ended(&mut self) -> bool {
        self.process.wait().await.expect("it ends").success()
    }

    /// Kills the process with SIGKILL and waits until it has ended.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("it ends");
    }
}

/// Reads the listening address from the log.
pub async fn listening(log: &mut Lines<BufReader<ChildStderr>>) -> SocketAddr {
    let mut before = String::new();
    while let Some(line) = log.next_line().await.expect("text") {
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(address) = said["public_url"].as_str().and_then(|url| url.strip_prefix("http://")) {
            return address.parse().expect("an address");
        }
        before.push_str(&line);
    }
    panic!("it does not serve: {before}")
}

/// Runs a mutation at a server process and returns the payload. `None` if there was no answer or a top-level error:
/// then it is unknown whether the mutation was done.
pub async fn mutate_at(address: SocketAddr, token: &str, mutation: &str, input: Value, fields: &str) -> Option<Value> {
    let body = json!({ "query": document(mutation, fields), "variables": { "input": input } });
    let request = reqwest::Client::new().post(format!("http://{address}/graphql")).bearer_auth(token);
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
    let answer: Value = serde_json::from_str(&answer.text().await.ok()?).expect("JSON");
    let payload = answer["data"].as_object().and_then(|data| data.values().next()).filter(|found| !found.is_null())?;
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
    Some(payload.clone())
}

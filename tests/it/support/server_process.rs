//! The executable, in processes of its own.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::support::actors::document;

/// What tokens are signed with, here and by [`super::TestApp`].
pub const SECRET: &str = "a secret for tests that is long enough";

/// What finds the programs of PostgreSQL, and what coverage needs.
const INHERITED: [&str; 6] =
    ["PATH", "HOME", "XDG_CACHE_HOME", "GUILDHALL_POSTGRES_BIN", "GUILDHALL_POSTGRES_DOWNLOAD", "LLVM_PROFILE_FILE"];

/// The executable, with these arguments and no other environment.
pub fn guildhall(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guildhall"));
    let inherited = std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|inherited| name == inherited));
    command.env_clear().envs(inherited).envs(environment.iter().copied()).args(arguments);
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    command
}

/// Runs it to the end, off the test's runtime.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = guildhall(arguments, environment);
    tokio::task::spawn_blocking(move || command.output().expect("the executable")).await.expect("it runs")
}

/// A process that serves. It is killed when this is dropped.
pub struct Server {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Serves that database on a free port, without limits, and without sending mails unless `environment` says so.
    pub async fn start(database: &str, environment: &[(&str, &str)]) -> Self {
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
        let mut command = tokio::process::Command::from(guildhall(&["serve", "--log-format", "json"], &settings));
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("the executable");
        let mut log = BufReader::new(process.stderr.take().expect("its log")).lines();
        let address = listening(&mut log).await;
        // Read to the end, or it would wait for a reader.
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                println!("{address} {line}");
            }
        });
        Self { process, address }
    }

    /// Three of them.
    pub async fn three(database: &str, environment: &[(&str, &str)]) -> Vec<Self> {
        let start = || Self::start(database, environment);
        let (first, second, third) = tokio::join!(start(), start(), start());
        vec![first, second, third]
    }

    /// ID of the process.
    pub fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Kills it with SIGKILL; returns when it is gone.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("it ends");
    }
}

/// The address that it says it listens on.
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

/// Runs a mutation on a process, and gives what it selects of the payload. None if there was no answer, or a fault: whether
/// it was done is not known then.
pub async fn mutate_at(address: SocketAddr, token: &str, mutation: &str, input: Value, fields: &str) -> Option<Value> {
    let body = json!({ "query": document(mutation, fields), "variables": { "input": input } });
    let request = reqwest::Client::new().post(format!("http://{address}/graphql")).bearer_auth(token);
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
    let answer: Value = serde_json::from_str(&answer.text().await.ok()?).expect("JSON");
    let payload = answer["data"].as_object().and_then(|data| data.values().next()).filter(|found| !found.is_null())?;
    assert_eq!(payload["userErrors"], json!([]), "{mutation}");
    Some(payload.clone())
}

//! Clients that follow a workspace as the README tells them to: whenever their socket ends they go on elsewhere, after the
//! last event that they have.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::support::Person;
use crate::support::socket::Socket;

const FOLLOW: &str = "subscription S($id: ID!, $after: String) {
    workspaceEvents(workspaceId: $id, after: $after) { id cursor changes { after } } }";

/// How long the whole crowd may take for what it is to hear.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a client rests before it comes again.
const REST: Duration = Duration::from_millis(50);
/// With what a stream may end, for clients to come again.
const PASSING: [&str; 3] = ["SUBSCRIPTION_LAGGED", "SERVICE_UNAVAILABLE", "SHUTTING_DOWN"];

/// Somebody who follows a workspace.
#[derive(Clone)]
pub struct Follower {
    /// Who it is.
    pub person: Person,
    /// The workspace.
    pub workspace: String,
    /// The last event that they have.
    pub cursor: String,
    /// IDs of all events that they have heard, in the order of hearing.
    pub heard: Vec<String>,
    /// How many times they came again.
    pub returns: usize,
    /// Which of the servers they were at last.
    pub at: usize,
}

impl Follower {
    /// Follows, at one server after another, until an event that changes something to `last`.
    async fn follow(&mut self, servers: &[SocketAddr], last: &str, progress: &watch::Sender<usize>) {
        loop {
            if self.stay(servers[self.at], last, progress).await {
                return;
            }
            self.at = (self.at + 1) % servers.len();
            self.returns += 1;
            sleep(REST).await;
        }
    }

    /// Stays with one server; tells whether that event has come.
    async fn stay(&mut self, server: SocketAddr, last: &str, progress: &watch::Sender<usize>) -> bool {
        let variables = json!({ "id": self.workspace, "after": self.cursor });
        let Some(mut socket) = Socket::ask(server, &self.person.token, FOLLOW, variables).await else { return false };
        while let Some(message) = socket.receive().await {
            let event = &message["payload"]["data"]["workspaceEvents"];
            let Some(id) = event["id"].as_str() else {
                let code = &message["payload"]["errors"][0]["extensions"]["code"];
                assert!(PASSING.iter().any(|passing| code == passing), "{message}");
                return false;
            };
            self.heard.push(id.to_owned());
            self.cursor = event["cursor"].as_str().expect("a cursor").to_owned();
            progress.send_modify(|count| *count += 1);
            if event["changes"].as_array().expect("changes").iter().any(|change| change["after"] == last) {
                return true;
            }
        }
        false
    }
}

/// Many followers at once.
pub struct Crowd {
    following: JoinSet<Follower>,
    progress: watch::Receiver<usize>,
}

impl Crowd {
    /// All of them follow until an event that changes something to `last`.
    pub fn follow(followers: Vec<Follower>, servers: &[SocketAddr], last: &'static str) -> Self {
        let (told, progress) = watch::channel(0);
        let mut following = JoinSet::new();
        for mut follower in followers {
            let (servers, told) = (servers.to_vec(), told.clone());
            following.spawn(async move {
                follower.follow(&servers, last, &told).await;
                follower
            });
        }
        Self { following, progress }
    }

    /// Waits until they have heard so many events, all together.
    pub async fn have_heard(&mut self, count: usize) {
        let heard = self.progress.wait_for(|heard| *heard >= count);
        let heard = timeout(PATIENCE, heard).await.map(|heard| heard.is_ok());
        assert_eq!(heard, Ok(true), "{} of {count}", *self.progress.borrow());
    }

    /// Waits for all of them.
    pub async fn end(self) -> Vec<Follower> {
        let progress = self.progress;
        let ended = timeout(PATIENCE, self.following.join_all()).await;
        ended.unwrap_or_else(|_| panic!("not all have come to the end: {} events heard", *progress.borrow()))
    }
}

/// The text that each of these events changes something to.
pub fn texts(event: &Value) -> Vec<&str> {
    let changes = event.as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(|change| change["after"].as_str()).collect()
}

//! Subscribers that follow the README: when their socket ends, they resume at another server after their last event.

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

/// Longest time for all subscribers together.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pause of a subscriber before it resumes.
const REST: Duration = Duration::from_millis(50);
/// Transient errors after which subscribers resume.
const PASSING: [&str; 3] = ["SUBSCRIPTION_LAGGED", "SERVICE_UNAVAILABLE", "SHUTTING_DOWN"];

/// A subscriber to the events of a workspace.
#[derive(Clone)]
pub struct Follower {
    /// The viewer.
    pub person: Person,
    /// The workspace.
    pub workspace: String,
    /// The cursor of the last event.
    pub cursor: String,
    /// IDs of all received events, in order.
    pub received: Vec<String>,
    /// How often the subscriber resumed.
    pub returns: usize,
    /// Index of the current server.
    pub at: usize,
}

impl Follower {
    /// Subscribes at one server after another, until an event with a change to `last`.
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

    /// Subscribes at one server. Returns whether that event arrived.
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
            self.received.push(id.to_owned());
            self.cursor = event["cursor"].as_str().expect("a cursor").to_owned();
            progress.send_modify(|count| *count += 1);
            if event["changes"].as_array().expect("changes").iter().any(|change| change["after"] == last) {
                return true;
            }
        }
        false
    }
}

/// Many concurrent subscribers.
pub struct Crowd {
    following: JoinSet<Follower>,
    progress: watch::Receiver<usize>,
}

impl Crowd {
    /// Starts all of them. Each ends at an event with a change to `last`.
    pub fn follow(followers: Vec<Follower>, servers: &[SocketAddr], last: &'static str) -> Self {
        let (count_sender, progress) = watch::channel(0);
        let mut following = JoinSet::new();
        for mut follower in followers {
            let (servers, count_sender) = (servers.to_vec(), count_sender.clone());
            following.spawn(async move {
                follower.follow(&servers, last, &count_sender).await;
                follower
            });
        }
        Self { following, progress }
    }

    /// Waits until they have received that many events in total.
    pub async fn have_heard(&mut self, count: usize) {
        let received = self.progress.wait_for(|received| *received >= count);
        let received = timeout(PATIENCE, received).await.map(|received| received.is_ok());
        assert_eq!(received, Ok(true), "{} of {count}", *self.progress.borrow());
    }

    /// Waits until all have ended.
    pub async fn end(self) -> Vec<Follower> {
        let progress = self.progress;
        let ended = timeout(PATIENCE, self.following.join_all()).await;
        ended.unwrap_or_else(|_| panic!("not all have come to the end: {} events heard", *progress.borrow()))
    }
}

/// The new values of changes that are texts.
pub fn texts(event: &Value) -> Vec<&str> {
    let changes = event.as_array().map(Vec::as_slice).unwrap_or_default();
    changes.iter().filter_map(|change| change["after"].as_str()).collect()
}

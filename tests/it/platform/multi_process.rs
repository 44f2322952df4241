//! Several server processes on one database, with failures: each subscriber receives each visible event once, in the
//! order of the log.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::support::cluster::OwnCluster;
use crate::support::cluster::connector;
use crate::support::pg_dump::Dump;
use crate::support::resuming_subscriber::{Crowd, Follower, texts};
use crate::support::server_process::{Server, mutate_at};
use crate::support::{Office, Person, TestApp};

/// Writers per process, each with its own task.
const WRITERS: usize = 4;
/// Longest wait for a process or its database.
const PATIENCE: Duration = Duration::from_secs(30);

/// An organization whose tasks are assigned to two workers in turn; the owner writes.
struct Scene {
    office: Office,
    tasks: Vec<String>,
    cursor: String,
    /// The sequence of the last event before the test. Subscribers receive all later ones.
    begin: i64,
}

impl Scene {
    async fn over(app: TestApp) -> Self {
        let office = Office::over(app).await;
        let mut tasks = Vec::new();
        for n in 0..3 * WRITERS {
            let assignee = [&office.worker, &office.other][n % 2];
            tasks.push(office.task(&office.owner, json!({ "assigneeId": assignee.id })).await);
        }
        // Each insert of an event that contains "slow" keeps its transaction open for 120 ms, as if the network or the
        // database were slow.
        let linger = "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql
                AS $$ BEGIN PERFORM pg_sleep(0.12); RETURN NULL; END $$;
            CREATE TRIGGER linger AFTER INSERT ON events FOR EACH ROW
                WHEN (NEW.changes::text LIKE '%slow%') EXECUTE FUNCTION linger()";
        office.app.sql(linger).await;
        let cursor = office.app.last_cursor(&office.owner, &office.id).await;
        let begin = office.app.number("SELECT max(sequence) FROM events").await;
        Self { office, tasks, cursor, begin }
    }

    /// `each` followers at each of three servers: the owner and two workers in turn.
    fn followers(&self, each: usize) -> Vec<Follower> {
        let people = [&self.office.owner, &self.office.worker, &self.office.other];
        let follower = |n: usize| Follower {
            person: people[n / 3 % 3].clone(),
            workspace: self.office.id.clone(),
            cursor: self.cursor.clone(),
            received: Vec::new(),
            returns: 0,
            at: n % 3,
        };
        (0..3 * each).map(follower).collect()
    }

    /// Renames the organization through the first server that answers.
    async fn rename(&self, servers: &[SocketAddr], name: &str) {
        let input = json!({ "organizationId": self.office.id, "name": name });
        let done = async {
            for server in servers.iter().cycle() {
                let done = mutate_at(
                    *server,
                    &self.office.owner.token,
                    "updateOrganization",
                    input.clone(),
                    "clientMutationId",
                );
                if done.await.is_some() {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, done).await.expect("some server does it");
    }

    /// All writers write `rounds` times concurrently, in short and long transactions. Returns the time of each answer.
    async fn write(&self, servers: &[SocketAddr], stage: &str, rounds: usize) -> BTreeMap<String, Instant> {
        let owner = &self.office.owner.token;
        let writer = async |n: usize| {
            let mut answered = Vec::new();
            for round in 0..rounds {
                let kind = if (n + round).is_multiple_of(3) { "slow" } else { "quick" };
                let name = format!("{kind} {stage} {n} {round}");
                let input = json!({ "taskId": self.tasks[n], "name": name });
                // Without an answer the write may have been done or not; the log decides.
                if mutate_at(servers[n % 3], owner, "updateTask", input, "clientMutationId").await.is_some() {
                    answered.push((name, Instant::now()));
                }
            }
            answered
        };
        let invite = async {
            for (n, server) in servers.iter().enumerate() {
                let invitee = json!({ "email": format!("{stage}.{n}@example.org"), "role": "WORKER" });
                let input = json!({ "organizationId": self.office.id, "invitees": [invitee] });
                mutate_at(*server, owner, "inviteMembers", input, "clientMutationId").await;
            }
        };
        let (answered, ()) = tokio::join!(join_all((0..3 * WRITERS).map(writer)), invite);
        answered.into_iter().flatten().collect()
    }

    /// The events of the test in the order of the log: ID, type, subject, changes.
    async fn logged(&self, app: &TestApp) -> Vec<[String; 4]> {
        app.log_settles().await;
        let since = format!("sequence > {}", self.begin);
        let ids = app.event_ids(&since).await;
        let log = format!(
            "SELECT type, subject_id, changes::text FROM events WHERE {since} ORDER BY transaction_id, sequence"
        );
        let rows = app.rows(&log).await;
        let value = |row: &[Option<String>], n: usize| row[n].clone().expect("a value");
        ids.into_iter().zip(rows).map(|(id, row)| [id, value(&row, 0), value(&row, 1), value(&row, 2)]).collect()
    }

    /// The IDs of those events that the person may see.
    fn seen_by(&self, person: &Person, logged: &[[String; 4]]) -> Vec<String> {
        let sees = |subject: &str, kind: &str| match self.tasks.iter().position(|task| task == subject) {
            _ if person.id == self.office.owner.id => true,
            Some(n) => person.id == [&self.office.worker, &self.office.other][n % 2].id,
            None => kind == "ORGANIZATION_UPDATED",
        };
        logged.iter().filter(|[_, kind, subject, _]| sees(subject, kind)).map(|[id, ..]| id.clone()).collect()
    }

    /// Checks that each follower has received every visible event once, in order.
    async fn check(&self, app: &TestApp, followers: &[Follower]) {
        let logged = self.logged(app).await;
        for person in [&self.office.owner, &self.office.worker, &self.office.other] {
            let expected = self.seen_by(person, &logged);
            assert!(expected.len() > WRITERS, "{}: {}", person.name, expected.len());
            for follower in followers.iter().filter(|follower| follower.person.id == person.id) {
                assert_eq!(follower.received, expected, "{} after {} returns", person.name, follower.returns);
            }
        }
    }

    /// Checks that some writes were answered later than writes that follow them in the log.
    async fn check_out_of_order(&self, app: &TestApp, answered: &BTreeMap<String, Instant>) {
        let logged = self.logged(app).await;
        let answers: Vec<Instant> = logged
            .iter()
            .filter_map(|[_, _, _, changes]| {
                let changes: Value = serde_json::from_str(changes).expect("JSON");
                texts(&changes).into_iter().find_map(|name| answered.get(name)).copied()
            })
            .collect();
        assert_eq!(answers.len(), answered.len(), "every acknowledged write is in the log");
        assert!(!answers.is_sorted(), "all have committed in order");
    }
}

fn addresses(servers: &[Server]) -> Vec<SocketAddr> {
    servers.iter().map(|server| server.address).collect()
}

/// Runs 300 subscribers and writers at three processes and calls `fault` with the processes in the middle. At the end
/// it compares the events of each follower with the log.
async fn check_every_subscriber_receives_all(
    scene: &Scene,
    mut servers: Vec<Server>,
    fault: impl AsyncFnOnce(&mut Vec<Server>),
) -> Vec<Follower> {
    const EACH: usize = 100;
    let places = addresses(&servers);
    let mut crowd = Crowd::follow(scene.followers(EACH), &places, "The End");
    scene.rename(&places, "The Beginning").await;
    crowd.have_heard(3 * EACH).await;

    let mut answered = scene.write(&places, "before", 1).await;
    let happens = async {
        crowd.have_heard(6 * EACH).await;
        fault(&mut servers).await;
    };
    let (during, ()) = tokio::join!(scene.write(&places, "during", 2), happens);
    answered.extend(during);
    answered.extend(scene.write(&places, "after", 1).await);
    scene.rename(&places, "The End").await;
    let received = crowd.end().await;

    let app = TestApp::over(&scene.office.app.url).await;
    scene.check(&app, &received).await;
    scene.check_out_of_order(&app, &answered).await;
    // No event is delivered again afterwards.
    let crowd = Crowd::follow(received, &places, "The Very End");
    scene.rename(&places, "The Very End").await;
    let received = crowd.end().await;
    scene.check(&app, &received).await;
    app.env.store.close();
    received
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_process_subscribers_resume_elsewhere_without_gaps() {
    let scene = Scene::over(TestApp::with(|_| {}).await).await;
    let servers = Server::three(&scene.office.app.url, &[]).await;
    let received = check_every_subscriber_receives_all(&scene, servers, async |servers| servers[0].kill().await).await;
    assert_eq!(
        received.iter().filter(|follower| follower.returns > 0).count(),
        100,
        "the subscribers of the killed process"
    );
    scene.office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminated_listener_connections_cause_no_gaps_for_subscribers() {
    let scene = Scene::over(TestApp::with(|_| {}).await).await;
    let app = &scene.office.app;
    let servers = Server::three(&app.url, &[]).await;
    check_every_subscriber_receives_all(&scene, servers, async |_| {
        for _ in 0..3 {
            timeout(PATIENCE, app.wait_for_listeners(3)).await.expect("all come back");
            assert_eq!(app.end_listeners().await, 3);
        }
    })
    .await;
    scene.office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_restart_causes_no_gaps_for_subscribers() {
    let mut cluster = Some(OwnCluster::start("restarted").await);
    let url = cluster.as_ref().expect("it runs").url();
    guildhall::store::migrate::migrate(&connector(&url)).await.expect("migrations run");
    let scene = Scene::over(TestApp::over(&url).await).await;
    let servers = Server::three(&url, &[]).await;
    check_every_subscriber_receives_all(&scene, servers, async |_| {
        let running = cluster.take().expect("it runs");
        cluster = Some(running.restart().await);
    })
    .await;
    scene.office.app.env.store.close();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_database_in_a_new_cluster_continues_the_event_log() {
    const EACH: usize = 10;
    let Some(dump) = Dump::of_this_machine() else {
        eprintln!("not tested: this machine has a PostgreSQL without pg_dump and psql");
        return;
    };
    let scene = Scene::over(TestApp::with(|_| {}).await).await;
    let app = &scene.office.app;
    let old = Server::three(&app.url, &[]).await;
    let crowd = Crowd::follow(scene.followers(EACH), &addresses(&old), "The Move");
    scene.write(&addresses(&old), "before", 1).await;
    scene.rename(&addresses(&old), "The Move").await;
    let received = crowd.end().await;
    // These events are written while no follower is connected.
    scene.write(&addresses(&old), "missed", 1).await;
    drop(old);
    // Raises the transaction IDs far above those of a new cluster.
    app.sql("DO $$ BEGIN FOR n IN 1..30000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$").await;
    let owner = &scene.office.owner.token;
    let late = Server::start(&app.url, &[]).await;
    let input = json!({ "taskId": scene.tasks[0], "name": "late" });
    mutate_at(late.address, owner, "updateTask", input, "clientMutationId").await.expect("an answer");
    drop(late);
    let there = scene.logged(app).await;
    let highest = app.number("SELECT max(transaction_id) FROM events").await;

    let cluster = OwnCluster::start("restored").await;
    dump.carry(&app.url, &cluster.url()).await;
    let restored = TestApp::over(&cluster.url()).await;
    assert!(
        restored.number("SELECT pg_current_xact_id()::text::bigint").await < highest - 10_000,
        "numbers begin anew"
    );
    let new = Server::three(&cluster.url(), &[]).await;
    let crowd = Crowd::follow(received, &addresses(&new), "The End");
    let answered = scene.write(&addresses(&new), "after", 2).await;
    scene.rename(&addresses(&new), "The End").await;
    let received = crowd.end().await;
    assert_eq!(scene.logged(&restored).await[..there.len()], there, "restored events keep their positions");
    scene.check(&restored, &received).await;
    scene.check_out_of_order(&restored, &answered).await;
    restored.env.store.close();
    scene.office.app.close().await;
}

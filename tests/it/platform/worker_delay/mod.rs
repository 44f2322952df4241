//! The most expensive inputs of public operations, and how long each one blocks an async worker.

mod documents;
mod lists;
mod mutations;
mod passwords;
mod variables;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::socket::Socket;
use crate::support::{Person, TestApp};

/// Interval between two polls of the watchdog.
const TICK: Duration = Duration::from_millis(1);
/// Limit for 99 % of the delays.
const MAX_DELAY: Duration = Duration::from_millis(50);
/// Limit for every delay. Unoptimized code takes about ten times as long.
const LARGEST_DELAY: Duration = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 50 });
/// Members of the large organization.
const MEMBERS: usize = 20_000;
/// Events that each subscription receives.
const EVENTS: usize = 5;

/// A task that measures how long other tasks delay its polls.
///
/// All tasks share one thread here. The delay is the processor time of that thread between two polls. On an idle
/// machine this equals wall-clock time; on a busy one other processes do not count.
struct Watchdog(Arc<Mutex<Vec<Duration>>>);

impl Watchdog {
    fn spawn() -> Self {
        let delays = Arc::new(Mutex::new(Vec::new()));
        let noted = delays.clone();
        tokio::spawn(async move {
            loop {
                let before = thread_time();
                tokio::time::sleep(TICK).await;
                noted.lock().push(thread_time().saturating_sub(before));
            }
        });
        Self(delays)
    }

    /// Returns the delays since the last call.
    fn take(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Returns the processor time that this thread has used.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A request whose document text is new each time that it is sent.
struct Case {
    name: String,
    token: Option<String>,
    query: String,
    /// JSON of the other members of the body.
    rest: String,
}

impl Case {
    fn new(name: impl Into<String>, by: Option<&Person>, query: impl Into<String>, variables: Value) -> Self {
        let (token, rest) = (by.map(|person| person.token.clone()), format!(r#""variables":{variables}"#));
        Self { name: name.into(), token, query: query.into(), rest }
    }

    /// Sends it twice concurrently. Returns one of the answers.
    async fn send_twice(&self, address: SocketAddr) -> String {
        static SENT: AtomicUsize = AtomicUsize::new(0);
        let send = || {
            let fresh = format!("{} #{}", self.query, SENT.fetch_add(1, Ordering::Relaxed));
            let body = format!(r#"{{"query":{},{}}}"#, Value::from(fresh), self.rest);
            let authorization = self.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n"));
            let head = format!(
                "POST /graphql HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n",
                authorization.unwrap_or_default(),
                body.len()
            );
            tokio::task::spawn_blocking(move || exchange(address, &head, &body))
        };
        let (first, second) = tokio::join!(send(), send());
        second.expect("an answer");
        first.expect("an answer")
    }
}

/// Sends a request from a blocking thread and reads the whole answer.
fn exchange(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    // The server does not read an oversized request to its end.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 "), "the server did not answer {body:.200}");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn public_operations_do_not_block_async_workers() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().event_interval(1).build().expect("a runtime");
    runtime.block_on(async {
        let app = TestApp::with(|_| {}).await;
        let world = World::new(&app).await;
        let address = app.serve().await;
        let mut cases = passwords::cases();
        cases.extend(documents::cases());
        cases.extend(variables::cases(&world));
        cases.extend(mutations::cases(&world));
        cases.extend(lists::cases(&world));

        let watchdog = Watchdog::spawn();
        let (mut all, mut largest) = (Vec::new(), Vec::new());
        for case in cases {
            watchdog.take();
            let answer = case.send_twice(address).await;
            let delays = watchdog.take();
            let most = delays.iter().max().copied().unwrap_or_default();
            let body = answer.split_once("\r\n\r\n").unwrap_or_default().1;
            println!("{most:>10.1?} {:>9} bytes {} {body:.120}", answer.len(), case.name);
            let size = answer.len();
            largest.push((most, size, case.name));
            all.extend(delays);
        }
        subscriptions(&world, address).await;
        let delays = watchdog.take();
        largest.push((delays.iter().max().copied().unwrap_or_default(), 0, "100 subscriptions in a socket".to_owned()));
        all.extend(delays);

        largest.sort_unstable_by_key(|(most, ..)| std::cmp::Reverse(*most));
        for (most, size, name) in largest.iter().take(20) {
            println!("{most:>12.1?} {size:>10} bytes  {name}");
        }
        all.sort_unstable();
        let most_of = all[all.len() * 99 / 100];
        println!("{} turns, 99 % of the delays under {most_of:?}", all.len());
        assert!(most_of < MAX_DELAY, "99 % of the delays are under {most_of:?}");
        assert!(largest[0].0 < LARGEST_DELAY, "{:?} by {}", largest[0].0, largest[0].2);
        app.close().await;
    });
}

/// A large organization with a member of each role, and 100 others of 100 members each.
struct World {
    owner: Person,
    members: Vec<(&'static str, Person)>,
    /// Member of 100 organizations.
    many: Person,
    large: String,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let (owner, many) = (app.person("owner").await, app.person("many").await);
        let large = owner.creates("large").await;
        let mut members = vec![("OWNER", owner.clone())];
        for role in ["MAINTAINER", "SUPERVISOR", "WORKER"] {
            let member = app.person(&role.to_lowercase()).await;
            member.accepts(&owner.invites(&large, &member.email(), role).await).await;
            members.push((role, member));
        }
        app.sql(&format!(
            "CREATE FUNCTION test_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
                 RETURN ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
             INSERT INTO users (id, username, email, email_verified_at, created_at)
                 SELECT test_id(n), 'user' || n, 'user' || n || '@example.org', now(), now()
                 FROM generate_series(1, {MEMBERS}) n;
             INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
                 SELECT gen_random_uuid(), o.id, u.id, u.username, 'WORKER', now()
                 FROM users u, organizations o WHERE o.slug = 'large' AND u.username LIKE 'user%';
             INSERT INTO organizations (id, slug, owner_id, member_count, created_at, updated_at)
                 SELECT test_id(n), 'org-' || n, test_id(1), 100, now(), now() FROM generate_series(1, 100) n;
             INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
                 SELECT gen_random_uuid(), o.id, u.id, u.username, 'OWNER', now()
                 FROM organizations o JOIN users u ON u.id = o.owner_id WHERE o.slug LIKE 'org-%';
             INSERT INTO memberships (id, organization_id, user_id, username, role, joined_at)
                 SELECT gen_random_uuid(), test_id(n), u.id, u.username, 'MAINTAINER', now()
                 FROM generate_series(1, 100) n, users u
                 WHERE u.username = 'many' OR u.id BETWEEN test_id(2) AND test_id(99);
             UPDATE organizations o SET member_count = (SELECT count(*) FROM memberships m WHERE m.organization_id = o.id);
             INSERT INTO events (workspace_id, type, at, actor_id, subject_id, person_id)
                 SELECT m.organization_id, 'MEMBER_JOINED', now(), m.user_id, 'mem_' || m.id, m.user_id
                 FROM memberships m JOIN organizations o ON o.id = m.organization_id AND o.slug = 'large';
             DROP FUNCTION test_id; ANALYZE"
        ))
        .await;
        Self { owner, members, many, large }
    }
}

/// Repeats a text up to that many characters.
fn repeated_to_length(pattern: &str, length: usize) -> String {
    pattern.chars().cycle().take(length).collect()
}

fn repeated(count: u64, piece: impl Fn(u64) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().join(" ")
}

/// Opens 100 subscriptions in a socket, and writes events until each has received its number.
async fn subscriptions(world: &World, address: SocketAddr) {
    let (token, large) = (world.owner.token.clone(), world.large.clone());
    let subscribed = CancellationToken::new();
    let all_subscribed = subscribed.clone();
    let client = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut socket = Socket::open_for(address, &token).await;
            for n in 0..100 {
                let query = format!("subscription($id: ID!) {{ workspaceEvents(workspaceId: $id) {{ id type actor {{ id a{n}: username }} }} }}");
                socket.subscribe(&n.to_string(), &query, json!({ "id": large })).await;
            }
            all_subscribed.cancel();
            for _ in 0..EVENTS * 100 {
                while socket.hears().await["payload"]["data"]["workspaceEvents"].is_null() {}
            }
        });
    });
    subscribed.cancelled().await;
    for n in 0.. {
        if client.is_finished() {
            break;
        }
        world.owner.invites(&world.large, &format!("invitee{n}@example.org"), "WORKER").await;
    }
    client.await.expect("all events arrived");
}

//! The most expensive inputs of public operations, and how long each one blocks an async worker.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, ServiceDocument, Type, TypeKind, TypeSystemDefinition};
use guildhall::graphql::documents::Limit;
use guildhall::graphql::schema::sdl;
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
        let mut cases = passwords();
        cases.extend(documents());
        cases.extend(variables(&world));
        cases.extend(mutations(&world));
        cases.extend(lists(&world));

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
fn filled(pattern: &str, length: usize) -> String {
    pattern.chars().cycle().take(length).collect()
}

fn times(count: u64, piece: impl Fn(u64) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().join(" ")
}

/// Passwords of each kind that is expensive to check, alone and as often as a document allows.
fn passwords() -> Vec<Case> {
    let kinds = [
        ("look-alikes", "4@8({[<369!1|05$7+%2"),
        ("look-alikes and words", "p@55w0rd1!l0v3"),
        ("repetition of one", "a"),
        ("repetition of two", "ab"),
        ("dates", "13/12/1997"),
        ("digits", "1997120319"),
        ("a sequence", "abcdefghijklmnopqrstuvwxyz0123456789"),
        ("neighbours on the keyboard", "qwertyuiopasdfghjklzxcvbnm"),
        ("words", "correcthorsebatterystaple"),
        ("letters beyond ASCII", "äöü漢字😀"),
        ("letters that are composed", "e\u{301}"),
    ];
    let mut cases = Vec::new();
    for (name, pattern) in kinds {
        let input = json!({ "username": "newbie", "password": filled(pattern, 128), "email": "newbie@example.org" });
        let reset = json!({ "token": "nonsense", "newPassword": filled(pattern, 128) });
        let query = "mutation($a: SignUpInput!, $b: ResetPasswordInput!) {
            signUp(input: $a) { userErrors { code } } resetPassword(input: $b) { userErrors { code } } }";
        cases.push(Case::new(format!("a password: {name}"), None, query, json!({ "a": input, "b": reset })));
    }
    for (name, username) in [("bad", "!"), ("good", "newbie")] {
        let input = json!({ "username": username, "password": filled(kinds[0].1, 128), "email": "newbie@example.org" });
        for count in [4, 10, 100] {
            let fields = times(count, |n| format!("a{n}: signUp(input: $a) {{ userErrors {{ code }} }}"));
            let query = format!("mutation($a: SignUpInput!) {{ {fields} }}");
            cases.push(Case::new(
                format!("{count} passwords with a {name} username"),
                None,
                query,
                json!({ "a": input }),
            ));
        }
    }
    cases
}

/// Documents at each limit.
fn documents() -> Vec<Case> {
    let case = |name: &str, query: String| Case::new(name, None, query, json!({}));
    let in_viewer = |fields: String| format!("{{ viewer {{ {fields} }} }}");
    let in_user = |fields: String| in_viewer(format!("user {{ {fields} }}"));
    let [fields, roots, aliases, directives, fragments, operations, depth] = [
        Limit::Fields,
        Limit::RootFields,
        Limit::Aliases,
        Limit::Directives,
        Limit::Fragments,
        Limit::Operations,
        Limit::Depth,
    ]
    .map(Limit::allowed);
    let levels = depth as usize - 5;
    let workspaces = format!("{}id{}", "workspace { ".repeat(levels), "}".repeat(levels));
    let chain = |count: u64, twice: bool| {
        let spreads =
            |n: u64| format!("...F{0} {1}", n + 1, if twice { format!("...F{}", n + 1) } else { String::new() });
        times(count, |n| {
            format!("fragment F{n} on Viewer {{ isAdmin {} }}", if n + 1 < count { spreads(n) } else { String::new() })
        })
    };
    let spread = times(fragments, |n| format!("...F{n}"));
    let small = times(fragments, |n| format!("fragment F{n} on Viewer {{ {} }}", "isAdmin ".repeat(15)));
    let shared = format!("fragment F on Viewer {{ {} }}", "isAdmin ".repeat((fields / operations) as usize - 4));
    vec![
        case("one field again and again", in_user("id ".repeat(fields as usize - 2))),
        case("aliases", in_user(times(aliases, |n| format!("a{n}: id")))),
        case("root fields", format!("{{ {} }}", times(roots, |n| format!("a{n}: roles {{ role permissions }}")))),
        case("lists at the root", format!("{{ {} }}", times(roots, |n| format!("a{n}: nodes(ids: [\"a\"]) {{ id }}")))),
        case("directives", in_user(times(directives, |n| format!("a{n}: id @skip(if: false)")))),
        case("fragments that spread each other", format!("{{ viewer {{ ...F0 }} }} {}", chain(30, false))),
        case("fragments that spread each other twice", format!("{{ viewer {{ ...F0 }} }} {}", chain(10, true))),
        case("fragments of one object", format!("{{ viewer {{ {spread} }} }} {small}")),
        case("fragments that are not used", format!("{{ __typename }} {small}")),
        case(
            "operations with one fragment",
            format!(
                "query A {{ viewer {{ isAdmin }} }} {} {shared}",
                times(operations - 1, |n| format!("query A{n} {{ viewer {{ ...F }} }}"))
            ),
        ),
        case("one object", format!("{{ {} }}", times(20, |_| format!("viewer {{ user {{ {} }} }}", "id ".repeat(90))))),
        case(
            "one object in one object",
            in_viewer(times(400, |n| format!("personalWorkspace {{ id owner {{ id a{}: id }} }}", n % 100))),
        ),
        case(
            "fields of one key that differ",
            format!("{{ {} }}", times(roots, |n| format!("a: node(id: \"{n}\") {{ id a: id a: __typename }}"))),
        ),
        case("deep objects", in_viewer(format!("organizations {{ nodes {{ viewerMembership {{ {workspaces} }} }} }}"))),
        case("unknown fields", in_viewer(times(fields - 1, |n| format!("nonsense{n}")))),
        case("unknown fields like known ones", in_viewer(times(aliases, |n| format!("a{n}: organizatoins")))),
        case("an unknown field like known ones", in_viewer("organizatoins ".repeat(fields as usize - 1))),
        case("unknown arguments", format!("{{ roles({}) {{ role }} }}", times(3_000, |n| format!("a{n}: 1")))),
        case("unknown variables", format!("{{ nodes(ids: [{}]) {{ id }} }}", times(4_000, |n| format!("$a{n}")))),
        case("unused variables", format!("query({}) {{ __typename }}", times(2_400, |n| format!("$a{n}: Int")))),
        case("unknown types", format!("query({}) {{ __typename }}", times(2_400, |n| format!("$a{n}: Tsak")))),
        case("a list", format!("{{ nodes(ids: [{}]) {{ id }} }}", "1 ".repeat(9_900))),
        case(
            "a list of objects",
            format!(
                "mutation {{ inviteMembers(input: {{ organizationId: \"\", invitees: [{}] }}) {{ userErrors {{ code }} }} }}",
                "{email: \"\" role: WORKER} ".repeat(1_200)
            ),
        ),
        case(
            "unknown values of an enum",
            in_viewer(format!("assignedTasks(statuses: [{}]) {{ totalCount }}", "COMPLETEDD ".repeat(2_900))),
        ),
        case("a string", format!("{{ node(id: \"{}\") {{ id }} }}", "\\u0041".repeat(5_400))),
        case("a block string", format!("{{ node(id: \"\"\"{}\"\"\") {{ id }} }}", " \n".repeat(16_000))),
        case("comments", format!("{{ {}__typename }}", "#\n".repeat(16_000))),
        case("commas", format!("{{ {}__typename }}", ",".repeat(32_000))),
        case("no end", format!("{{ {}", "a ".repeat(9_900))),
        case("brackets", format!("{{ node(id: {}1{}) {{ id }} }}", "[".repeat(60), "]".repeat(60))),
        case("introspection", INTROSPECTION.to_owned()),
        case(
            "deep introspection",
            format!("{{ __type(name: \"Query\") {{ {}name{} }} }}", "fields { type { ".repeat(3), " } }".repeat(3)),
        ),
        case("wide introspection", wide_introspection("name", 24)),
        case("wide introspection with long names", wide_introspection(&"x".repeat(1_000), 24)),
        case("introspection over its limit", wide_introspection("name", 400)),
    ]
}

/// A document that selects the names of all fields of the schema that many times.
fn wide_introspection(alias: &str, times: usize) -> String {
    let names: String = (0..times).map(|n| format!("{alias}{n}: name ")).collect();
    format!("{{ __schema {{ types {{ fields(includeDeprecated: true) {{ {names} }} }} }} }}")
}

/// Bodies and variables at each limit.
fn variables(world: &World) -> Vec<Case> {
    let many = Some(&world.many);
    let raw =
        |name: &str, rest: String| Case { name: name.into(), token: None, query: "{ __typename }".to_owned(), rest };
    let megabyte = 1 << 20;
    let numbers = |bytes: usize| format!("[{}0]", "0,".repeat(bytes / 2));
    let [search, ids, enums] = [
        json!({ "a": "x".repeat(megabyte - 40_000) }),
        json!({ "a": vec!["x".repeat(1000); 1000] }),
        json!({ "a": vec!["COMPLETED"; 1000] }),
    ];
    let in_viewer = |field: &str, count: u64| {
        format!("{{ viewer {{ {} }} }}", times(count, |n| format!("a{n}: {field} {{ totalCount }}")))
    };
    let aliases = Limit::Aliases.allowed();
    vec![
        raw("numbers in variables", format!(r#""variables":{{"a":{}}}"#, numbers(megabyte - 100))),
        raw("numbers in extensions", format!(r#""extensions":{{"cost":{}}}"#, numbers(megabyte - 100))),
        raw("numbers in an unknown member", format!(r#""other":{}"#, numbers(megabyte - 100))),
        raw(
            "objects in variables",
            format!(r#""variables":{{"a":[{}{{}}]}}"#, r#"{"a":{}},"#.repeat(megabyte / 9 - 20)),
        ),
        raw(
            "keys in variables",
            format!(r#""variables":{{{}"z":0}}"#, (0..90_000).map(|n| format!(r#""{n:05}":0,"#)).collect::<String>()),
        ),
        raw("escapes in variables", format!(r#""variables":{{"a":"{}"}}"#, r"\u0041".repeat(megabyte / 6 - 30))),
        raw("no end of variables", format!(r#""variables":{{"a":[{}"#, "[0,".repeat(megabyte / 3 - 100))),
        Case::new(
            "a megabyte of text",
            many,
            "query($a: String) { organizations(search: $a) { totalCount } }",
            search.clone(),
        ),
        Case::new(
            "a megabyte of text in 99 places",
            many,
            format!(
                "query($a: String) {{ {} }}",
                times(99, |n| format!("a{n}: organizations(search: $a, first: 1) {{ totalCount }}"))
            ),
            search.clone(),
        ),
        Case::new(
            "a megabyte of text in 500 places",
            many,
            format!("query($a: String) {}", in_viewer("organizations(search: $a, first: 1)", aliases)),
            search.clone(),
        ),
        Case::new(
            "1,000 values of an enum in 500 places",
            many,
            format!("query($a: [TaskStatus!]) {}", in_viewer("assignedTasks(statuses: $a, first: 1)", aliases)),
            enums,
        ),
        Case::new(
            "1,000 IDs in 100 places",
            None,
            format!("query($a: [ID!]!) {{ {} }}", times(100, |n| format!("a{n}: nodes(ids: $a) {{ id }}"))),
            ids.clone(),
        ),
        Case::new(
            "100 IDs in 100 places",
            many,
            format!("query($a: [ID!]!) {{ {} }}", times(100, |n| format!("a{n}: nodes(ids: $a) {{ id }}"))),
            json!({ "a": vec![&world.large; 100] }),
        ),
        Case::new(
            "10,000 IDs",
            many,
            format!(
                "query({}) {{ {} }}",
                times(10, |n| format!("$a{n}: [ID!]!")),
                times(10, |n| format!("a{n}: nodes(ids: $a{n}) {{ id }}"))
            ),
            (0..10).map(|n| (format!("a{n}"), json!(vec!["x"; 990]))).collect::<serde_json::Map<_, _>>().into(),
        ),
        Case::new(
            "slugs",
            many,
            format!(
                "query($a: String!) {{ {} }}",
                times(100, |n| format!("a{n}: slugAvailability(slug: $a) {{ available }}"))
            ),
            search,
        ),
    ]
}

/// Each mutation 100 times in a document, with short and with long texts.
fn mutations(world: &World) -> Vec<Case> {
    let schema = parse_schema(sdl()).expect("the schema");
    let TypeKind::Object(mutations) = kind(&schema, "Mutation") else { panic!("an object") };
    let mut cases = Vec::new();
    for field in &mutations.fields {
        let (name, input) = (&field.node.name.node, &field.node.arguments[0].node.ty.node);
        for (length, about) in [(8, "short"), (1_000, "long")] {
            let fields = times(100, |n| format!("a{n}: {name}(input: $a) {{ userErrors {{ code message path }} }}"));
            let query = format!("mutation($a: {input}) {{ {fields} }}");
            let variables = json!({ "a": value(&schema, input, "", length, &world.large) });
            let by = Some(&world.owner);
            cases.push(Case::new(format!("100 times {name}, {about} texts"), by, query, variables));
        }
    }
    cases
}

fn kind<'a>(schema: &'a ServiceDocument, wanted: &str) -> &'a TypeKind {
    let mut kinds = schema.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(kind) if kind.node.name.node == wanted => Some(&kind.node.kind),
        _ => None,
    });
    kinds.next_back().unwrap_or(&TypeKind::Scalar)
}

/// A value of a type, with texts of that length. Lists have 100 values, or one if the texts are long.
fn value(schema: &ServiceDocument, ty: &Type, field: &str, length: usize, id: &str) -> Value {
    let name = match &ty.base {
        BaseType::List(inner) => {
            let count = if length < 1_000 { 100 } else { 1 };
            return Value::from(vec![value(schema, inner, field, length, id); count]);
        }
        BaseType::Named(name) => name.as_str(),
    };
    match kind(schema, name) {
        TypeKind::InputObject(object) => {
            let inputs = object.fields.iter().map(|input| &input.node);
            let inputs = inputs.map(|input| {
                (input.name.node.to_string(), value(schema, &input.ty.node, &input.name.node, length, id))
            });
            inputs.collect::<serde_json::Map<_, _>>().into()
        }
        TypeKind::Enum(names) => names.values[0].node.value.node.to_string().into(),
        _ => match name {
            "Int" | "Float" => 1.into(),
            "Boolean" => true.into(),
            "ID" => id.into(),
            "DateTime" => "2030-01-01T00:00:00.000Z".into(),
            _ if field == "clientMutationId" || field == "idempotencyKey" => "x".into(),
            _ if field == "email" => format!("{}@example.org", filled("x", length.min(60))).into(),
            _ => filled("x", length).into(),
        },
    }
}

/// Long pages for each role, and pages with many fields per row.
fn lists(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let ids = json!({ "id": world.large });
    for (role, member) in &world.members {
        let mut case = |name: &str, fields: &str| {
            let query = format!("query($id: ID!) {{ organization(id: $id) {{ {fields} }} }}");
            cases.push(Case::new(format!("{name} as {role}"), Some(member), query, ids.clone()));
        };
        case(
            "events",
            "events(first: 100) { totalCount nodes { id type at actor { id username } subject { __typename } changes { field } } }",
        );
        case("events of one type", "events(first: 100, types: [MEMBER_REMOVED]) { totalCount nodes { id } }");
        case("one letter", r#"members(first: 100, search: "u") { totalCount nodes { id role user { username } } }"#);
        case("the last", "members(last: 100) { totalCount nodes { id role user { username email } } }");
        let search = |n| {
            format!(
                r#"a{n}: members(first: 100, search: "u{n}") {{ totalCount nodes {{ id role user {{ username }} }} }}"#
            )
        };
        case("20 searches", &times(20, search));
    }
    for (name, fields) in [
        ("100 × 100 members", "id role user { id username }"),
        ("100 × 100 members of many fields", "id role joinedAt lastActiveAt user { id username displayName }"),
        ("100 × 100 members with fragments", "... on Membership { id role } ...F"),
    ] {
        let fragment = if fields.contains("...F") { "fragment F on Membership { user { id username } }" } else { "" };
        let query = format!(
            "{{ viewer {{ organizations(first: 100) {{ nodes {{ id members(first: 100) {{ nodes {{ {fields} }} }} }} }} }} }} {fragment}"
        );
        cases.push(Case::new(name, Some(&world.many), query, json!({})));
    }
    let roots = times(100, |n| format!("a{n}: organizations(first: 100) {{ nodes {{ id slug name memberCount }} }}"));
    cases.push(Case::new("100 lists of 100", Some(&world.many), format!("{{ {roots} }}"), json!({})));
    let permissions = times(100, |n| format!("a{n}: organizations(first: 100) {{ nodes {{ viewerPermissions }} }}"));
    cases.push(Case::new("100 lists of 100 permissions", Some(&world.many), format!("{{ {permissions} }}"), json!({})));
    cases
}

/// Opens 100 subscriptions in a socket, and writes events until each has received its number.
async fn subscriptions(world: &World, address: SocketAddr) {
    let (token, large) = (world.owner.token.clone(), world.large.clone());
    let subscribed = CancellationToken::new();
    let told = subscribed.clone();
    let client = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut socket = Socket::open_for(address, &token).await;
            for n in 0..100 {
                let query = format!("subscription($id: ID!) {{ workspaceEvents(workspaceId: $id) {{ id type actor {{ id a{n}: username }} }} }}");
                socket.subscribe(&n.to_string(), &query, json!({ "id": large })).await;
            }
            told.cancel();
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
    client.await.expect("all are told");
}

/// The introspection query of graphql-js.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
    subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations
    args(includeDeprecated: true) { ...InputValue } } } }
    fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description
    args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

//! Lists of events contain exactly the events that the viewer can open by ID, and are read by indexes.

use std::time::{Duration, Instant};

use guildhall::domain::event::EventType;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{CloudStorageId, ProjectId, TaskId, UserId};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::query_count::{count_statements, take_statements};
use crate::support::stream::text;
use crate::support::{Office, Person};

fn uuid(person: &Person) -> Uuid {
    UserId::parse(&person.id).expect("an ID").into()
}

/// Possible subjects of events: some exist, and some were deleted.
struct Subjects {
    projects: Vec<String>,
    tasks: Vec<String>,
    jobs: Vec<String>,
    storages: Vec<String>,
    offers: Vec<String>,
    others: Vec<String>,
}

impl Subjects {
    fn of(&self, kind: EventType) -> &[String] {
        let name = kind.name();
        match name.split('_').next() {
            Some("PROJECT") => &self.projects,
            Some("TASK") => &self.tasks,
            Some("JOB") => &self.jobs,
            Some("CLOUD") => &self.storages,
            Some("RESOURCE") => &self.tasks,
            _ if name.starts_with("OWNERSHIP_OFFER") => &self.offers,
            _ => &self.others,
        }
    }
}

/// Resources of several members of the office, and an offer of its ownership.
async fn subjects(office: &Office) -> Subjects {
    let Office { owner, supervisor, worker, other, .. } = office;
    let mut made = Subjects {
        projects: vec![ProjectId::from(Uuid::new_v4()).to_string()],
        tasks: vec![TaskId::from(Uuid::new_v4()).to_string()],
        jobs: vec![format!("job_{}", &TaskId::from(Uuid::new_v4()).to_string()[4..])],
        storages: vec![CloudStorageId::from(Uuid::new_v4()).to_string(), office.storage(owner).await],
        offers: vec![format!("off_{}", &TaskId::from(Uuid::new_v4()).to_string()[4..])],
        others: vec![office.id.clone()],
    };
    for (by, assignee) in [(owner, worker), (supervisor, other), (owner, owner)] {
        let project = office.project(by, json!({ "assigneeId": assignee.id })).await;
        made.tasks.push(by.makes("createTask", json!({ "projectId": project, "name": "Inner" })).await);
        made.tasks.push(office.task(by, json!({ "assigneeId": assignee.id })).await);
        made.projects.push(project);
    }
    made.jobs.extend(office.jobs().await);
    let owned = office.storage(owner).await;
    let owner_of = format!(
        "UPDATE cloud_storages SET owner_id = '{}' WHERE id = '{}'",
        uuid(worker),
        Uuid::from(CloudStorageId::parse(&owned).expect("an ID"))
    );
    office.app.sql(&owner_of).await;
    made.storages.push(owned);
    let member = office.membership(supervisor).await;
    let offer = owner.mutate("offerOwnership", json!({ "membershipId": member }), "ownershipOffer { id }").await.done();
    made.offers.push(text(&offer["ownershipOffer"], "id"));
    made
}

/// Writes random events of the office, with any type and a matching subject.
async fn write(office: &Office, rng: &mut StdRng, number: usize) {
    let subjects = subjects(office).await;
    let Office { owner, maintainer, supervisor, worker, other, stranger, .. } = office;
    let people = [owner, maintainer, supervisor, worker, other, stranger];
    let mut rows = Vec::new();
    for _ in 0..number {
        let kind = *EventType::ALL.choose(rng).expect("a type");
        let subject = subjects.of(kind).choose(rng).expect("a subject");
        let mut person = || people.choose(rng).expect("a person");
        let (actor, concerned, email, tied) = (uuid(person()), uuid(person()), person().email(), [person(), person()]);
        let tied = tied.map(|person| format!("\"{}\"", uuid(person)));
        let tied = &tied[..rng.random_range(0..=2)];
        let concerned = if rng.random() { format!("'{concerned}'") } else { "NULL".to_owned() };
        let email = if kind.name().starts_with("INVITATION") { format!("'{email}'") } else { "NULL".to_owned() };
        rows.push(format!(
            "('{}', '{}', now(), '{actor}', '{subject}', {concerned}, {email}, '{{{}}}')",
            guildhall::domain::WorkspaceId::parse(&office.id).expect("an ID").uuid(),
            kind.name(),
            tied.join(",")
        ));
    }
    for rows in rows.chunks(50) {
        // Separate transactions, so that positions differ in `transaction_id`, too.
        let sql = format!(
            "INSERT INTO events (workspace_id, type, at, actor_id, subject_id, person_id, email, tied_ids) VALUES {}",
            rows.join(", ")
        );
        office.app.sql(&sql).await;
    }
    office.app.log_settles().await;
}

/// The IDs of the events that the person can open by ID, in the order of the log.
async fn opened(person: &Person, ids: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for ids in ids.chunks(100) {
        let query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let nodes = person.run(query, json!({ "ids": ids })).await.data()["nodes"].clone();
        found.extend(
            nodes.as_array().expect("nodes").iter().filter(|node| !node.is_null()).map(|node| text(node, "id")),
        );
    }
    found
}

/// The IDs of a list of events, read page by page, and its `totalCount`.
async fn listed(person: &Person, office: &str, arguments: &str, backward: bool) -> (Vec<String>, Value) {
    let (mut ids, mut from) = (Vec::new(), String::new());
    loop {
        let page = if backward { format!("last: 13{from}") } else { format!("first: 17{from}") };
        let query = format!(
            r#"{{ organization(id: "{office}") {{ events({page}{arguments}) {{ totalCount nodes {{ id }}
                 pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"#
        );
        let list = person.ask(&query).await.data()["organization"]["events"].clone();
        let nodes = list["nodes"].as_array().expect("nodes").iter().map(|node| text(node, "id"));
        let info = &list["pageInfo"];
        if backward {
            ids.extend(nodes.rev());
            from = format!(", before: {}", info["startCursor"]);
        } else {
            ids.extend(nodes);
            from = format!(", after: {}", info["endCursor"]);
        }
        if info[if backward { "hasPreviousPage" } else { "hasNextPage" }] == false {
            if backward {
                ids.reverse();
            }
            return (ids, list["totalCount"].clone());
        }
    }
}

#[tokio::test]
async fn events_list_shows_exactly_what_the_viewer_can_open() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random::<u64>);
    println!("SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let office = Office::new().await;
    write(&office, &mut rng, 300).await;
    let all = office.app.event_ids("true").await;
    let Office { id, owner, maintainer, supervisor, worker, other, admin, .. } = &office;
    let mut sizes = Vec::new();
    for person in [owner, maintainer, supervisor, worker, other, admin] {
        let expected = opened(person, &all).await;
        for backward in [false, true] {
            let (ids, count) = listed(person, id, "", backward).await;
            assert_eq!(ids, expected, "{}, SEED={seed}", person.name);
            assert_eq!(count, expected.len(), "{}, SEED={seed}", person.name);
        }
        sizes.push(expected.len());
        let actor = [owner, maintainer, supervisor, worker][rng.random_range(0..4)];
        let types =
            "JOB_UPDATED, TASK_CREATED, RESOURCE_MOVED_OUT, MEMBER_JOINED, OWNERSHIP_OFFERED, INVITATION_REVOKED";
        let kinds = types.split(", ").map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
        let condition = format!("actor_id = '{}' AND type IN ({kinds})", uuid(actor));
        let filtered = opened(person, &office.app.event_ids(&condition).await).await;
        let arguments = format!(r#", actorId: "{}", types: [{types}]"#, actor.id);
        let (ids, count) = listed(person, id, &arguments, false).await;
        assert_eq!((&ids, &count), (&filtered, &json!(filtered.len())), "{}, SEED={seed}", person.name);
    }
    let [owner, maintainer, supervisor, worker, _, admin] = sizes[..] else { unreachable!("six people") };
    assert!(
        owner == all.len() && admin == owner && maintainer < owner && supervisor < maintainer && worker < maintainer
    );
    office.app.close().await;
}

/// An organization with 20,000 tasks and jobs, and 100,000 events. Nearly all of the events concern resources that the
/// worker and the supervisor do not see.
async fn crowded() -> Office {
    count_statements();
    let office = Office::new().await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let workspace = guildhall::domain::WorkspaceId::parse(&office.id).expect("an ID").uuid();
    office
        .app
        .sql(&format!(
            "INSERT INTO events (workspace_id, type, at, actor_id, subject_id, tied_ids)
               SELECT '{workspace}', (ARRAY['JOB_UPDATED', 'INVITATION_CREATED', 'TASK_UPDATED'])[1 + n % 3], now(), '{0}',
                 'job_' || n % 5000, ARRAY['{0}']::uuid[] FROM generate_series(1, 100000) n;
             INSERT INTO events (workspace_id, type, at, actor_id, subject_id, tied_ids)
               SELECT '{workspace}', 'JOB_DELETED', now(), '{1}', 'job_gone-' || n, ARRAY['{1}']::uuid[] FROM generate_series(1, 100) n;
             INSERT INTO events (workspace_id, type, at, actor_id, subject_id)
               SELECT '{workspace}', 'TASK_UPDATED', now(), '{0}', '{task}' FROM generate_series(1, 100) n;
             INSERT INTO events (workspace_id, type, at, subject_id)
               SELECT '{workspace}', 'MEMBER_JOINED', now(), 'mem_x' FROM generate_series(1, 100) n;
             INSERT INTO users (id, username, email, created_at)
               SELECT gen_random_uuid(), 'crowd-' || n, 'crowd-' || n || '@example.org', now() FROM generate_series(1, 200) n;
             WITH made AS (INSERT INTO tasks (id, workspace_id, organization_id, owner_id, name, created_at, updated_at)
               SELECT gen_random_uuid(), '{workspace}', '{workspace}', u.id, 'task', now(), now()
               FROM users u, generate_series(1, 100) WHERE u.username LIKE 'crowd-%'
               RETURNING id)
             INSERT INTO jobs (id, workspace_id, organization_id, task_id, created_at, updated_at)
               SELECT gen_random_uuid(), '{workspace}', '{workspace}', id, now(), now() FROM made;
             ANALYZE",
            uuid(&office.owner),
            uuid(&office.worker),
        ))
        .await;
    office.app.log_settles().await;
    office
}

#[tokio::test]
async fn events_list_uses_the_indexes_for_each_viewer() {
    let office = crowded().await;
    let mut lists = Vec::new();
    for arguments in ["first: 50", "last: 50", "first: 50, types: [JOB_DELETED, PLAN_CHANGED]"] {
        lists.push(arguments.to_owned());
        lists.push(format!(r#"{arguments}, actorId: "{}""#, office.worker.id));
    }
    let (mut planned, mut looked_up) = (0, 0);
    for person in [&office.worker, &office.supervisor, &office.maintainer] {
        for arguments in &lists {
            let query =
                format!(r#"{{ organization(id: "{}") {{ events({arguments}) {{ nodes {{ id }} }} }} }}"#, office.id);
            take_statements();
            let data = person.ask(&query).await.data();
            assert!(data["organization"]["events"]["nodes"].is_array());
            for statement in take_statements() {
                let text = statement.split(" -- binds: ").next().unwrap_or_default();
                if text.starts_with("SELECT s.kind, s.id FROM") {
                    let (plan, _) = office.app.plan(text, &[]).await;
                    let whole =
                        ["Seq Scan on tasks", "Seq Scan on jobs", "_created_at"].iter().any(|scan| plan.contains(scan));
                    assert!(!whole, "{query}\n{text}\n{plan}");
                    looked_up += 1;
                }
                if !text.starts_with("SELECT transaction_id, sequence FROM ((SELECT e.") {
                    continue;
                }
                planned += 1;
                let (plan, _) = office.app.plan(text, &[]).await;
                let whole = ["Seq Scan on events", "Seq Scan on event_ties"].iter().any(|scan| plan.contains(scan));
                assert!(!whole && !plan.contains("Bitmap"), "{query}\n{text}\n{plan}");
                let indexes = ["events_workspace_subject", "event_ties_pkey", "events_email"];
                assert!(indexes.iter().all(|index| plan.contains(index)), "{query}\n{text}\n{plan}");
                // A keyset is an index condition, not a filter on each row.
                let filtered =
                    plan.lines().any(|line| line.trim_start().starts_with("Filter:") && line.contains("ROW("));
                assert!(!filtered, "{query}\n{text}\n{plan}");
            }
        }
    }
    assert_eq!(planned, 3 * lists.len());
    assert!(looked_up >= 2 * lists.len(), "{looked_up}");
    office.app.close().await;
}

#[tokio::test]
async fn events_list_latency_does_not_depend_on_invisible_events() {
    let office = crowded().await;
    let fastest = async |person: &Person, arguments: &str| {
        let query =
            format!(r#"{{ organization(id: "{}") {{ events({arguments}) {{ nodes {{ id }} }} }} }}"#, office.id);
        let mut fastest = Duration::MAX;
        for _ in 0..7 {
            let began = Instant::now();
            person.ask(&query).await.data();
            fastest = fastest.min(began.elapsed());
        }
        fastest
    };
    for person in [&office.worker, &office.supervisor] {
        for arguments in ["first: 1", "last: 1", "first: 50", "last: 50"] {
            let took = fastest(person, arguments).await;
            // A read of the whole log takes ten times as long.
            assert!(took < Duration::from_millis(80), "{} {arguments}: {took:?}", person.name);
        }
    }
    office.app.close().await;
}

#[tokio::test]
async fn event_ties_are_written_and_deleted_with_the_event() {
    let office = Office::new().await;
    let mut rng = StdRng::seed_from_u64(7);
    write(&office, &mut rng, 200).await;
    let differing = "SELECT count(*) FROM (
        SELECT DISTINCT workspace_id, tied, type, transaction_id, sequence FROM events, unnest(tied_ids) tied) e
        FULL JOIN event_ties t ON (t.workspace_id, t.user_id, t.type, t.transaction_id, t.sequence)
          = (e.workspace_id, e.tied, e.type, e.transaction_id, e.sequence)
        WHERE e.tied IS NULL OR t.user_id IS NULL";
    assert!(office.app.count("event_ties").await > 100);
    assert_eq!(office.app.number(differing).await, 0);
    office.app.sql("DELETE FROM events WHERE sequence % 2 = 0").await;
    assert!(office.app.count("event_ties").await > 50);
    assert_eq!(office.app.number(differing).await, 0);
    office.app.close().await;
}

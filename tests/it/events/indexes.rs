//! Queries of the event log use its indexes.

use std::time::{Duration, Instant};

use serde_json::json;

use super::uuid;
use crate::support::statements::{count_statements, take_statements};
use crate::support::{Office, Person, TestApp};

#[tokio::test]
async fn event_queries_use_the_indexes_of_the_log() {
    let app = TestApp::new().await;
    app.sql(
        "INSERT INTO events (transaction_id, workspace_id, type, at, subject_id, person_id, email)
           SELECT n / 100, md5((n % 50)::text)::uuid, 'MEMBER_JOINED', now(), 'mem_x',
             CASE WHEN n % 2 = 0 THEN md5((n % 1000)::text)::uuid END,
             CASE WHEN n % 7 = 0 THEN 'p' || n % 700 || '@example.org' END
           FROM generate_series(1, 30000) n;
         ANALYZE events;
         -- For the few rows that there are of each, gathering and sorting them costs about the same.
         SET enable_bitmapscan = off",
    )
    .await;
    // The range contains only transactions that are older than any in the cluster.
    let place = "(transaction_id, sequence) > (150, 3) AND transaction_id < event_horizon()";
    let order = "ORDER BY transaction_id, sequence LIMIT 100";
    for (filter, index) in [
        (format!("workspace_id = md5('7')::uuid AND {place} {order}"), "events_workspace"),
        (format!("workspace_id = md5('7')::uuid AND type = 'MEMBER_JOINED' AND {place} {order}"), "events_workspace"),
        (format!("person_id = md5('8')::uuid AND {place} {order}"), "events_person"),
        (format!("email = 'p49@example.org' AND {place} {order}"), "events_email"),
        (format!("{place} {order}"), "events_pkey"),
        (
            format!(
                "{place} {}",
                order.replace("ORDER BY transaction_id, sequence", "ORDER BY transaction_id DESC, sequence DESC")
            ),
            "events_pkey",
        ),
    ] {
        let plan = app.texts(&format!("EXPLAIN SELECT * FROM events WHERE {filter}")).await.join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan") && !plan.contains("Sort"), "{filter}\n{plan}");
    }
    app.close().await;
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

//! `extensions.outcome` of failed mutations: a write with `NOT_DONE` is absent, and a successful write is present.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::support::TestApp;

const WRITERS: usize = 8;
const MUTATIONS: usize = 5000;
const KILLS: usize = 200;

const KILL_ONE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    ORDER BY random() LIMIT 1";

/// The values that mutations wrote, by the outcome in the response.
#[derive(Default)]
struct Answers {
    done: BTreeSet<String>,
    not_done: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcome_is_correct_while_connections_are_killed() {
    let app = TestApp::new().await;
    let mut writers = Vec::new();
    let ended = Arc::new(AtomicBool::new(false));
    for writer in 0..WRITERS {
        let owner = app.person(&format!("owner-{writer}")).await;
        let id = owner.creates(&format!("org-{writer}")).await;
        writers.push(tokio::spawn(async move {
            let mut answers = Answers::default();
            for number in 0..MUTATIONS / WRITERS {
                let value = format!("{writer}-{number}");
                let input = json!({ "organizationId": id, "description": value });
                let answer = owner.mutate("updateOrganization", input, "organization { version }").await;
                match answer.outcome().as_deref() {
                    Some("NOT_DONE") => answers.not_done.insert(value),
                    Some("UNKNOWN") => answers.unknown.insert(value),
                    Some(other) => panic!("{other}"),
                    None => answers
                        .done
                        .insert(answer.done()["organization"]["version"].is_i64().then_some(value).expect("a version")),
                };
            }
            answers
        }));
    }
    let killer = {
        let (ended, url) = (ended.clone(), app.url.clone());
        tokio::spawn(async move {
            let (killer, connection) =
                tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("a connection");
            tokio::spawn(connection);
            let mut kills = 0;
            while kills < KILLS && !ended.load(Ordering::Relaxed) {
                kills += usize::from(killer.query_opt(KILL_ONE, &[]).await.is_ok_and(|row| row.is_some()));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            kills
        })
    };
    let mut answers = Answers::default();
    for writer in writers {
        let of_writer = writer.await.expect("an end");
        answers.done.extend(of_writer.done);
        answers.not_done.extend(of_writer.not_done);
        answers.unknown.extend(of_writer.unknown);
    }
    ended.store(true, Ordering::Relaxed);
    let kills = killer.await.expect("an end");
    let written = written(&app.url).await;
    println!(
        "{kills} kills: {} done, {} not done, {} unknown, of which {} were written",
        answers.done.len(),
        answers.not_done.len(),
        answers.unknown.len(),
        answers.unknown.intersection(&written).count()
    );
    assert!(kills >= KILLS / 2, "the mutations were over before connections were killed: {kills}");
    assert!(!answers.not_done.is_empty(), "no mutation was hit");
    assert_eq!(answers.not_done.intersection(&written).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(answers.done.difference(&written).collect::<Vec<_>>(), Vec::<&String>::new());
    app.close().await;
}

/// The descriptions in the event log.
async fn written(url: &str) -> BTreeSet<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let values = "SELECT change ->> 'after' FROM events, jsonb_array_elements(changes) change
        WHERE type = 'ORGANIZATION_UPDATED' AND change ->> 'field' = 'description'";
    client.query(values, &[]).await.expect("rows").into_iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn update_organization_reports_not_done_when_the_lock_wait_times_out() {
    let app = TestApp::new().await;
    let ada = app.person("ada").await;
    let id = ada.creates("ada").await;
    app.settle().await;
    app.sql("BEGIN; SELECT FROM organizations FOR UPDATE").await;
    let input = json!({ "organizationId": id, "description": "waits" });
    let answer = ada.mutate("updateOrganization", input, "organization { version }").await;
    assert_eq!(answer.codes(), ["SERVICE_UNAVAILABLE"]);
    assert_eq!(answer.outcome().as_deref(), Some("NOT_DONE"));
    app.sql("COMMIT").await;
    app.close().await;
}

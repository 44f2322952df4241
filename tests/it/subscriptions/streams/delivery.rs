//! Delivery and order of events, on one instance and on several.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use super::{acme, another_instance, app_with_dispatcher, ids, logged, rename, set_role, write};
use crate::support::stream::{events_of, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_resume_on_another_instance_by_cursor() {
    let app = app_with_dispatcher().await;
    let (second, third) = (another_instance(&app).await, another_instance(&app).await);
    let (ada, id, bob, membership) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let mut listeners = [&app, &second, &third].map(|app| app.follow(&bob, &id, &cursor));
    rename(&ada, &id, "Acme Inc.").await;
    set_role(&ada, &membership, "SUPERVISOR").await;
    let mut received = Vec::new();
    for listener in &mut listeners {
        received.push(listener.events(2).await);
    }
    assert!(received.iter().all(|events| *events == received[0]), "each instance delivers the same events and cursors");
    assert_eq!(received[0][0]["type"], "ORGANIZATION_UPDATED");
    assert_eq!(received[0][0]["changes"], json!([{ "field": "name", "before": null, "after": "Acme Inc." }]));
    assert_eq!(received[0][1]["subjectId"], membership.as_str());
    assert_eq!(received[0][1]["changes"], json!([{ "field": "role", "before": "WORKER", "after": "SUPERVISOR" }]));

    drop(listeners);
    set_role(&ada, &membership, "WORKER").await;
    let mut resumed = third.follow(&bob, &id, &text(&received[0][0], "cursor"));
    assert_eq!(resumed.types(2).await, ["MEMBER_ROLE_CHANGED", "MEMBER_ROLE_CHANGED"]);
    assert!(resumed.is_silent().await);
    assert_eq!(events_of(&bob, &id, "last: 2").await[0], received[0][1], "the list returns the same event");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_resolve_subjects_at_delivery_time() {
    let app = app_with_dispatcher().await;
    let (ada, id, _, membership) = acme(&app, "WORKER").await;
    let query = "subscription S($id: ID!) { workspaceEvents(workspaceId: $id) {
        at workspace { id displayName } subject { ... on Membership { role } ... on Organization { name memberCount } } } }";
    let mut listener = app.listen(&ada, query, json!({ "id": id }));
    let listening = async {
        while app.env.hub.listeners() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        rename(&ada, &id, "Acme Inc.").await;
        set_role(&ada, &membership, "SUPERVISOR").await;
    };
    let (first, ()) = tokio::join!(listener.event(), listening);
    assert_eq!(first["subject"], json!({ "name": "Acme Inc.", "memberCount": 2 }));
    assert_eq!(first["workspace"]["displayName"], "Acme Inc.");
    assert_eq!(listener.event().await["subject"], json!({ "role": "SUPERVISOR" }));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workspace_events_have_no_gaps_or_repeats_when_writers_commit_out_of_order() {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 6;
    let app = app_with_dispatcher().await;
    let others = [another_instance(&app).await, another_instance(&app).await];
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let before = app.count("events").await as usize;
    let instances = [&app, &others[0], &others[1]];

    // Short and long transactions run concurrently: a long one gets its transaction ID first and commits last.
    let writers = join_all((0..WRITERS).map(|n| {
        let (app, id) = (instances[n % 3], id.clone());
        async move {
            for round in 0..ROUNDS {
                match (n + round) % 4 {
                    0 => write(app, &id, 4, Duration::from_millis(40)).await,
                    1 => write(app, &id, 2, Duration::from_millis(3)).await,
                    _ => write(app, &id, 1, Duration::ZERO).await,
                }
            }
        }
    }));
    // Some subscribe at the start; others resubscribe several times from their last cursor.
    let listen = async |n: usize| {
        let mut listener = instances[n % 3].follow([&ada, &bob][n % 2], &id, &cursor);
        let mut received: Vec<Value> = Vec::new();
        let mut silent = 0;
        while silent < 8 {
            match tokio::time::timeout(Duration::from_millis(250), listener.event()).await {
                Ok(event) => {
                    received.push(event);
                    silent = 0;
                    if n >= 3 && received.len().is_multiple_of(7) {
                        let last = text(received.last().expect("one"), "cursor");
                        listener = instances[(n + received.len()) % 3].follow(&bob, &id, &last);
                    }
                }
                Err(_) => silent += 1,
            }
        }
        ids(&received)
    };
    let listeners = join_all((0..9).map(listen));
    let (received, _) = tokio::join!(listeners, writers);
    let expected = logged(&app, before).await;
    assert!(expected.len() > WRITERS * ROUNDS);
    for (n, received) in received.iter().enumerate() {
        assert_eq!(*received, expected, "listener {n}");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_order_puts_a_write_after_earlier_commits_of_other_transactions() {
    let app = app_with_dispatcher().await;
    let (ada, id, ..) = acme(&app, "WORKER").await;
    let before = app.count("events").await as usize;
    let long = tokio::spawn({
        let (other, id) = (app.another().await, id.clone());
        async move { write(&other, &id, 2, Duration::from_millis(500)).await }
    });
    let opened = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xid IS NOT NULL";
    while app.number(opened).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rename(&ada, &id, "Meanwhile").await;
    long.await.expect("a commit");
    app.log_settles().await;
    let log = app.rows("SELECT (actor_id IS NULL)::text FROM events ORDER BY transaction_id, sequence").await;
    let by_the_server: Vec<_> = log[before..].iter().map(|row| row[0].as_deref().expect("a flag")).collect();
    assert_eq!(by_the_server, ["true", "false", "true"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_order_follows_the_lock_order_of_conflicting_changes() {
    let app = app_with_dispatcher().await;
    let instances = [another_instance(&app).await, another_instance(&app).await, another_instance(&app).await];
    let (ada, id, ..) = acme(&app, "WORKER").await;
    let before = app.count("events").await as usize;
    let adas = join_all(instances.iter().map(|instance| instance.again(&ada))).await;
    let renames = (0..150).map(|n| {
        let (ada, id) = (adas[n % 3].clone(), id.clone());
        tokio::spawn(async move { rename(&ada, &id, &format!("Name {n}")).await })
    });
    join_all(renames).await.into_iter().for_each(|done| done.expect("an answer"));
    app.log_settles().await;
    let names =
        "SELECT changes -> 0 ->> 'before', changes -> 0 ->> 'after' FROM events ORDER BY transaction_id, sequence";
    let log = app.rows(names).await.split_off(before);
    assert_eq!(log.len(), 150);
    let broken = log.windows(2).filter(|pair| pair[0][1] != pair[1][0]).count();
    assert_eq!(broken, 0, "each change begins with the result of the previous one");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_dispatcher_delivers_as_soon_as_an_open_transaction_ends() {
    let app = app_with_dispatcher().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listener = app.follow(&ada, &id, &app.last_cursor(&ada, &id).await);
    let (client, connection) = tokio_postgres::connect(&app.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("an open transaction");
    rename(&ada, &id, "One").await;
    assert!(listener.is_silent().await, "the open transaction can still write an earlier event");
    client.batch_execute("ROLLBACK").await.expect("the end");
    let waited = tokio::time::Instant::now();
    assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"]);
    assert!(waited.elapsed() < Duration::from_secs(2), "delivered before the next poll");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_dispatcher_loses_nothing_when_its_connection_is_terminated() {
    let app = app_with_dispatcher().await;
    let other = another_instance(&app).await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listener = other.follow(&ada, &id, &app.last_cursor(&ada, &id).await);
    for round in 0..3 {
        rename(&ada, &id, &format!("Before {round}")).await;
        assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"]);
        assert_eq!(app.end_listeners().await, 2, "both processes listen");
        rename(&ada, &id, &format!("After {round}")).await;
        assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"]);
    }
    assert!(listener.is_silent().await);
    app.close().await;
}

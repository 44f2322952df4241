//! Pruned events, and the log of a restored database.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use guildhall::domain::EventId;
use guildhall::domain::ids::TypedId;
use guildhall::operations::maintenance::schedule;
use guildhall::store::migrate;
use serde_json::Value;

use super::{acme, another_instance, app_with_dispatcher, ids, rename, write};
use crate::support::TestApp;
use crate::support::cluster::connector;
use crate::support::stream::{events_of, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prune_events_deletes_old_events_and_cursors_to_them_expire() {
    let app = app_with_dispatcher().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    app.log_settles().await;
    let all = events_of(&ada, &id, "first: 100").await;
    let retention = TimeDelta::days(90);
    assert_eq!(schedule::prune_events(&app.env.store, &app.env.clock, retention).await.ok(), Some(0));
    // All but the last three events are old, but a recent one precedes most of them and stops the pruning.
    let old = |count: usize| {
        format!(
            "UPDATE events SET at = at - interval '91 days' WHERE sequence IN
               (SELECT sequence FROM events ORDER BY transaction_id, sequence LIMIT {count})"
        )
    };
    app.sql(&old(all.len() - 3)).await;
    app.sql("UPDATE events SET at = now() WHERE sequence = (SELECT min(sequence) + 2 FROM events)").await;
    let prune = || schedule::prune_events(&app.env.store, &app.env.clock, retention);
    let [first, second] = [prune().await.ok(), prune().await.ok()];
    assert_eq!((first, second), (Some(2), Some(0)));
    let cursor = |n: usize| text(&all[n], "cursor");
    assert_eq!(app.follow(&ada, &id, &cursor(0)).end().await, "CURSOR_EXPIRED");
    let mut from_the_last_that_went = app.follow(&ada, &id, &cursor(1));
    // Compared by position, because the IDs contain the times that were changed above.
    let places = |events: &[Value]| -> Vec<_> {
        ids(events).iter().map(|id| EventId::parse(id).expect("an ID").position()).collect()
    };
    assert_eq!(places(&from_the_last_that_went.events(all.len() - 2).await), places(&all[2..]));
    let query = format!(
        r#"{{ organization(id: "{id}") {{ events(first: 5, after: "{}") {{ nodes {{ id }} }} }} }}"#,
        cursor(0)
    );
    let answer = ada.ask(&query).await;
    assert_eq!(answer.codes(), ["CURSOR_EXPIRED"]);
    assert!(answer.body["data"]["organization"]["events"].is_null());
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settle_log_continues_after_the_events_of_a_restored_database() {
    let app = TestApp::with(|_| {}).await;
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    // As if the transaction IDs of the dumped cluster had been far higher.
    app.sql("UPDATE events SET transaction_id = transaction_id + 5000000000").await;
    let restored = app.event_ids("TRUE").await;
    // Several processes start at the same time; those that are ready write while others start.
    join_all((0..4u64).map(|n| {
        let (app, id) = (&app, &id);
        async move {
            tokio::time::sleep(Duration::from_millis(7 * n)).await;
            migrate::ensure_event_base(&connector(&app.url)).await.expect("a start");
            write(app, id, 3, Duration::from_millis(10)).await;
        }
    }))
    .await;
    assert_eq!(app.number("SELECT count(*) FROM event_log WHERE base > 4000000000").await, 1);
    app.log_settles().await;
    let start = events_of(&ada, &id, "first: 1").await;
    app.app.spawn_event_dispatcher();
    let other = another_instance(&app).await;
    let mut listener = other.follow(&bob, &id, &text(&start[0], "cursor"));
    rename(&ada, &id, "After").await;
    app.log_settles().await;
    let written = app.event_ids("TRUE").await;
    assert_eq!(written[..restored.len()], restored, "restored events keep their positions before new events");
    // Bob is a worker and sees all new events.
    let new_events = written.len() - restored.len();
    assert_eq!(new_events, 4 * 3 + 1);
    let mut seen = ids(&listener.events(new_events).await);
    while seen.last() != written.last() {
        seen.push(text(&listener.event().await, "id"));
    }
    assert!(seen.ends_with(&written[restored.len()..]) && listener.is_silent().await);
    let before = app.number("SELECT base FROM event_log").await;
    migrate::ensure_event_base(&connector(&app.url)).await.expect("nothing to do");
    assert_eq!(app.number("SELECT base FROM event_log").await, before, "the base is raised once");
    app.close().await;
}

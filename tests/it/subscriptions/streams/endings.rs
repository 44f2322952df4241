//! Errors that refuse or end a subscription.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{acme, app_with_dispatcher, ids, logged, rename, wait_until_registered, write};
use crate::support::stream::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_subscriber_ends_with_subscription_lagged_and_resumes_by_cursor() {
    const MANY: usize = 3000;
    let app = app_with_dispatcher().await;
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let before = app.count("events").await as usize;
    let mut slow = app.follow(&bob, &id, &cursor);
    wait_until_registered(&app, &mut slow).await;
    // A subscriber that reads receives a large batch while another subscriber does not read.
    let mut quick = app.follow(&ada, &id, &cursor);
    let (all, ()) = tokio::join!(quick.events(MANY), write(&app, &id, MANY, Duration::ZERO));
    let all = ids(&all);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut received = Vec::new();
    let end = loop {
        match slow.next().await.expect("an end") {
            Ok(event) => received.push(event),
            Err(codes) => break codes,
        }
    };
    assert_eq!(end, ["SUBSCRIPTION_LAGGED"]);
    assert!(slow.next().await.is_none());
    assert!((1..MANY).contains(&received.len()), "{}", received.len());
    let mut resumed = app.follow(&bob, &id, &text(received.last().expect("one"), "cursor"));
    let rest = MANY - received.len();
    received.extend(resumed.events(rest).await);
    assert_eq!(ids(&received), all);
    assert_eq!(all, logged(&app, before).await);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_end_for_a_removed_member_and_viewer_events_report_it() {
    let app = app_with_dispatcher().await;
    let (ada, id, bob, membership) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let mut workspace = app.follow(&bob, &id, &cursor);
    let mut viewer_events = app.follow_oneself(&bob, None);
    wait_until_registered(&app, &mut viewer_events).await;
    rename(&ada, &id, "Before").await;
    assert_eq!(workspace.types(1).await, ["ORGANIZATION_UPDATED"]);
    ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await.done();
    rename(&ada, &id, "After").await;
    assert_eq!(workspace.end().await, "FORBIDDEN");
    let event = viewer_events.event().await;
    assert_eq!((text(&event, "type"), text(&event, "subjectId")), ("MEMBER_REMOVED".to_owned(), membership));
    assert_eq!(app.follow(&bob, &id, &cursor).end().await, "FORBIDDEN", "a new subscription is refused, too");
    assert_eq!(app.env.hub.listeners(), 1);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscription_ends_when_the_token_expires_even_without_events() {
    let app = app_with_dispatcher().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listeners = [app.follow(&ada, &id, &app.last_cursor(&ada, &id).await), app.follow_oneself(&ada, None)];
    for listener in &mut listeners {
        wait_until_registered(&app, listener).await;
    }
    app.env.clock.advance(TimeDelta::minutes(14));
    assert!(listeners[0].is_silent().await);
    app.env.clock.advance(TimeDelta::minutes(2));
    for listener in &mut listeners {
        assert_eq!(listener.end().await, "UNAUTHENTICATED");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_refuse_non_members_and_invalid_cursors() {
    let app = app_with_dispatcher().await;
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    let eve = app.person("eve").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let personal = ada.id.replace("usr_", "pws_");
    for workspace in [id.as_str(), "org_00000000000000000000000000", "nonsense", &personal] {
        assert_eq!(app.follow(&eve, workspace, &cursor).end().await, "FORBIDDEN", "{workspace}");
    }
    let another = ada.creates("another").await;
    for (workspace, cursor) in [(&another, cursor.as_str()), (&id, "nonsense"), (&id, "")] {
        assert_eq!(app.follow(&ada, workspace, cursor).end().await, "INVALID_CURSOR", "{cursor}");
    }
    assert_eq!(app.follow_oneself(&ada, Some(&cursor)).end().await, "INVALID_CURSOR");
    // A position beyond the end of the log.
    app.sql("UPDATE event_log SET base = -1000").await;
    assert_eq!(app.follow(&bob, &id, &cursor).end().await, "INVALID_CURSOR");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_subscriptions_with_shutting_down() {
    let app = app_with_dispatcher().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listener = app.follow(&ada, &id, &app.last_cursor(&ada, &id).await);
    wait_until_registered(&app, &mut listener).await;
    app.app.shutdown.soft.cancel();
    assert_eq!(listener.end().await, "SHUTTING_DOWN");
    app.close().await;
}

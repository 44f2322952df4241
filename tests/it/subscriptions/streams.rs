//! Event streams: each subscriber receives every visible event once, in one order, without gaps.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use guildhall::domain::event::EventType;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{Error, EventId, OrganizationId};
use guildhall::events::record;
use guildhall::events::record::NewEvent;
use guildhall::mail::transports::Transport;
use guildhall::mail::worker::send_due;
use guildhall::operations::maintenance::purge_organizations::purge_organizations;
use guildhall::operations::maintenance::schedule;
use guildhall::store::events::extent;
use guildhall::store::{Transactional, migrate};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::support::stream::{Listener, events_of, text};
use crate::support::{Office, Person, TestApp};

/// An application that dispatches events.
async fn telling() -> TestApp {
    let app = TestApp::with(|_| {}).await;
    app.app.spawn_event_dispatcher();
    app
}

/// Another application over the same database.
async fn beside(app: &TestApp) -> TestApp {
    let another = app.another().await;
    another.app.spawn_event_dispatcher();
    another
}

/// Ada, her organization, Bob, and the ID of his membership.
async fn acme(app: &TestApp, role: &str) -> (Person, String, Person, String) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let id = ada.creates("acme").await;
    let membership = bob.accepts(&ada.invites(&id, &bob.email(), role).await).await;
    (ada, id, bob, membership)
}

async fn rename(person: &Person, organization: &str, name: &str) {
    let input = json!({ "organizationId": organization, "name": name });
    person.mutate("updateOrganization", input, "organization { id }").await.done();
}

async fn set_role(person: &Person, membership: &str, role: &str) {
    let input = json!({ "membershipId": membership, "role": role });
    person.mutate("changeMemberRole", input, "membership { role }").await.done();
}

/// Writes `count` events of an organization in one transaction without an actor, and sleeps for `pause` between them.
async fn write(app: &TestApp, organization: &str, count: usize, pause: Duration) {
    let id = OrganizationId::parse(organization).expect("an ID");
    let now = app.env.clock.now();
    let mut writer = app.env.store.writer().await.expect("a connection");
    let done = writer.transaction(async |tx| {
        for n in 0..count {
            record::record(tx, now, vec![NewEvent::new(id, EventType::OrganizationUpdated, None, id)]).await?;
            if n + 1 < count && !pause.is_zero() {
                // A read, before which the recorded events are sent.
                extent(tx).await?;
                tokio::time::sleep(pause).await;
            }
        }
        Ok::<_, Error>(())
    });
    done.await.expect("a commit");
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| text(event, "id")).collect()
}

/// IDs of the events in the order of the log, without the first `after`.
async fn logged(app: &TestApp, after: usize) -> Vec<String> {
    app.log_settles().await;
    app.event_ids("TRUE").await.split_off(after)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_resume_on_another_instance_by_cursor() {
    let app = telling().await;
    let (second, third) = (beside(&app).await, beside(&app).await);
    let (ada, id, bob, membership) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let mut listeners = [&app, &second, &third].map(|app| app.follow(&bob, &id, &cursor));
    rename(&ada, &id, "Acme Inc.").await;
    set_role(&ada, &membership, "SUPERVISOR").await;
    let mut heard = Vec::new();
    for listener in &mut listeners {
        heard.push(listener.events(2).await);
    }
    assert!(heard.iter().all(|events| *events == heard[0]), "the same on each instance, cursors too");
    assert_eq!(heard[0][0]["type"], "ORGANIZATION_UPDATED");
    assert_eq!(heard[0][0]["changes"], json!([{ "field": "name", "before": null, "after": "Acme Inc." }]));
    assert_eq!(heard[0][1]["subjectId"], membership.as_str());
    assert_eq!(heard[0][1]["changes"], json!([{ "field": "role", "before": "WORKER", "after": "SUPERVISOR" }]));

    drop(listeners);
    set_role(&ada, &membership, "WORKER").await;
    let mut resumed = third.follow(&bob, &id, &text(&heard[0][0], "cursor"));
    assert_eq!(resumed.types(2).await, ["MEMBER_ROLE_CHANGED", "MEMBER_ROLE_CHANGED"]);
    assert!(resumed.is_silent().await);
    assert_eq!(events_of(&bob, &id, "last: 2").await[0], heard[0][1], "the list shows the same");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_resolve_subjects_at_delivery_time() {
    let app = telling().await;
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
    let app = telling().await;
    let others = [beside(&app).await, beside(&app).await];
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
        let mut heard: Vec<Value> = Vec::new();
        let mut silent = 0;
        while silent < 8 {
            match tokio::time::timeout(Duration::from_millis(250), listener.event()).await {
                Ok(event) => {
                    heard.push(event);
                    silent = 0;
                    if n >= 3 && heard.len().is_multiple_of(7) {
                        let last = text(heard.last().expect("one"), "cursor");
                        listener = instances[(n + heard.len()) % 3].follow(&bob, &id, &last);
                    }
                }
                Err(_) => silent += 1,
            }
        }
        ids(&heard)
    };
    let listeners = join_all((0..9).map(listen));
    let (heard, _) = tokio::join!(listeners, writers);
    let expected = logged(&app, before).await;
    assert!(expected.len() > WRITERS * ROUNDS);
    for (n, heard) in heard.iter().enumerate() {
        assert_eq!(*heard, expected, "listener {n}");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_order_puts_a_write_after_earlier_commits_of_other_transactions() {
    let app = telling().await;
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
    let app = telling().await;
    let instances = [beside(&app).await, beside(&app).await, beside(&app).await];
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
    assert_eq!(broken, 0, "each begins where the last one ended");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_dispatcher_delivers_as_soon_as_an_open_transaction_ends() {
    let app = telling().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listener = app.follow(&ada, &id, &app.last_cursor(&ada, &id).await);
    let (client, connection) = tokio_postgres::connect(&app.url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.expect("an open transaction");
    rename(&ada, &id, "One").await;
    assert!(listener.is_silent().await, "that transaction may still write before it");
    client.batch_execute("ROLLBACK").await.expect("the end");
    let waited = tokio::time::Instant::now();
    assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"]);
    assert!(waited.elapsed() < Duration::from_secs(2), "sooner than the poll");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_dispatcher_loses_nothing_when_its_connection_is_terminated() {
    let app = telling().await;
    let other = beside(&app).await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listener = other.follow(&ada, &id, &app.last_cursor(&ada, &id).await);
    for round in 0..3 {
        rename(&ada, &id, &format!("Before {round}")).await;
        assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"]);
        assert_eq!(app.end_listeners().await, 2, "both listen");
        rename(&ada, &id, &format!("After {round}")).await;
        assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"]);
    }
    assert!(listener.is_silent().await);
    app.close().await;
}

/// Polls a new stream until it is registered, and then no longer.
async fn open(app: &TestApp, listener: &mut Listener) {
    let before = app.env.hub.listeners();
    while app.env.hub.listeners() == before {
        let _ = tokio::time::timeout(Duration::from_millis(50), listener.next()).await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(500), listener.next()).await;
    assert_eq!(app.env.hub.listeners(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_subscriber_ends_with_subscription_lagged_and_resumes_by_cursor() {
    const MANY: usize = 3000;
    let app = telling().await;
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let before = app.count("events").await as usize;
    let mut slow = app.follow(&bob, &id, &cursor);
    open(&app, &mut slow).await;
    // A subscriber that reads receives a large batch while another subscriber does not read.
    let mut quick = app.follow(&ada, &id, &cursor);
    let (all, ()) = tokio::join!(quick.events(MANY), write(&app, &id, MANY, Duration::ZERO));
    let all = ids(&all);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut heard = Vec::new();
    let end = loop {
        match slow.next().await.expect("an end") {
            Ok(event) => heard.push(event),
            Err(codes) => break codes,
        }
    };
    assert_eq!(end, ["SUBSCRIPTION_LAGGED"]);
    assert!(slow.next().await.is_none());
    assert!((1..MANY).contains(&heard.len()), "{}", heard.len());
    let mut resumed = app.follow(&bob, &id, &text(heard.last().expect("one"), "cursor"));
    let rest = MANY - heard.len();
    heard.extend(resumed.events(rest).await);
    assert_eq!(ids(&heard), all);
    assert_eq!(all, logged(&app, before).await);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_end_for_a_removed_member_and_viewer_events_report_it() {
    let app = telling().await;
    let (ada, id, bob, membership) = acme(&app, "WORKER").await;
    let cursor = app.last_cursor(&ada, &id).await;
    let mut workspace = app.follow(&bob, &id, &cursor);
    let mut oneself = app.follow_oneself(&bob, None);
    open(&app, &mut oneself).await;
    rename(&ada, &id, "Before").await;
    assert_eq!(workspace.types(1).await, ["ORGANIZATION_UPDATED"]);
    ada.mutate("removeMember", json!({ "membershipId": membership }), "removedMembershipId").await.done();
    rename(&ada, &id, "After").await;
    assert_eq!(workspace.end().await, "FORBIDDEN");
    let event = oneself.event().await;
    assert_eq!((text(&event, "type"), text(&event, "subjectId")), ("MEMBER_REMOVED".to_owned(), membership));
    assert_eq!(app.follow(&bob, &id, &cursor).end().await, "FORBIDDEN", "nor by coming again");
    assert_eq!(app.env.hub.listeners(), 1);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_follow_a_changed_role() {
    let app = telling().await;
    let (ada, id, bob, membership) = acme(&app, "WORKER").await;
    let mut listener = app.follow(&bob, &id, &app.last_cursor(&ada, &id).await);
    ada.invites(&id, "one@example.org", "WORKER").await;
    rename(&ada, &id, "Unseen before").await;
    assert_eq!(listener.types(1).await, ["ORGANIZATION_UPDATED"], "workers do not see invitations");
    set_role(&ada, &membership, "MAINTAINER").await;
    assert_eq!(listener.types(1).await, ["MEMBER_ROLE_CHANGED"]);
    let invitation = ada.invites(&id, "two@example.org", "WORKER").await;
    assert_eq!(text(&listener.event().await, "subjectId"), invitation);
    set_role(&ada, &membership, "WORKER").await;
    assert_eq!(listener.types(1).await, ["MEMBER_ROLE_CHANGED"]);
    ada.invites(&id, "three@example.org", "WORKER").await;
    assert!(listener.is_silent().await);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscription_ends_when_the_token_expires_even_without_events() {
    let app = telling().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listeners = [app.follow(&ada, &id, &app.last_cursor(&ada, &id).await), app.follow_oneself(&ada, None)];
    for listener in &mut listeners {
        open(&app, listener).await;
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
    let app = telling().await;
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
async fn prune_events_deletes_old_events_and_cursors_to_them_expire() {
    let app = telling().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    app.log_settles().await;
    let all = events_of(&ada, &id, "first: 100").await;
    let kept = TimeDelta::days(90);
    assert_eq!(schedule::prune_events(&app.env.store, &app.env.clock, kept).await.ok(), Some(0));
    // All but the last three events are old, but a recent one precedes most of them and stops the pruning.
    let old = |count: usize| {
        format!(
            "UPDATE events SET at = at - interval '91 days' WHERE sequence IN
               (SELECT sequence FROM events ORDER BY transaction_id, sequence LIMIT {count})"
        )
    };
    app.sql(&old(all.len() - 3)).await;
    app.sql("UPDATE events SET at = now() WHERE sequence = (SELECT min(sequence) + 2 FROM events)").await;
    let prune = || schedule::prune_events(&app.env.store, &app.env.clock, kept);
    let [first, second] = [prune().await.ok(), prune().await.ok()];
    assert_eq!((first, second), (Some(2), Some(0)));
    let cursor = |n: usize| text(&all[n], "cursor");
    assert_eq!(app.follow(&ada, &id, &cursor(0)).end().await, "CURSOR_EXPIRED");
    let mut from_the_last_that_went = app.follow(&ada, &id, &cursor(1));
    // Compared by position, because the IDs contain the times that were changed above.
    let places = |events: &[Value]| -> Vec<_> {
        ids(events).iter().map(|id| EventId::parse(id).expect("an ID").place()).collect()
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
            migrate::settle_log(&app.url).await.expect("a start");
            write(app, id, 3, Duration::from_millis(10)).await;
        }
    }))
    .await;
    assert_eq!(app.number("SELECT count(*) FROM event_log WHERE base > 4000000000").await, 1);
    app.log_settles().await;
    let start = events_of(&ada, &id, "first: 1").await;
    app.app.spawn_event_dispatcher();
    let other = beside(&app).await;
    let mut listener = other.follow(&bob, &id, &text(&start[0], "cursor"));
    rename(&ada, &id, "After").await;
    app.log_settles().await;
    let written = app.event_ids("TRUE").await;
    assert_eq!(written[..restored.len()], restored, "what was there keeps its place, before what came");
    // Bob is a worker and sees all new events.
    let came = written.len() - restored.len();
    assert_eq!(came, 4 * 3 + 1);
    let mut seen = ids(&listener.events(came).await);
    while seen.last() != written.last() {
        seen.push(text(&listener.event().await, "id"));
    }
    assert!(seen.ends_with(&written[restored.len()..]) && listener.is_silent().await);
    let before = app.number("SELECT base FROM event_log").await;
    migrate::settle_log(&app.url).await.expect("nothing to do");
    assert_eq!(app.number("SELECT base FROM event_log").await, before, "raised once");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_include_own_invitations_memberships_and_offers() {
    let app = telling().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut listener = app.follow_oneself(&bob, None);
    open(&app, &mut listener).await;
    let id = ada.creates("acme").await;
    ada.invites(&id, "somebody.else@example.org", "WORKER").await;
    let invitation = ada.invites(&id, &bob.email(), "WORKER").await;
    let told = listener.event().await;
    assert_eq!((text(&told, "type").as_str(), told["subjectId"].as_str()), ("INVITATION_CREATED", Some(&*invitation)));
    let membership = bob.accepts(&invitation).await;
    assert_eq!(listener.types(2).await, ["INVITATION_ACCEPTED", "MEMBER_JOINED"]);
    let offer =
        ada.mutate("offerOwnership", json!({ "membershipId": membership }), "ownershipOffer { id }").await.done();
    assert_eq!(listener.types(1).await, ["OWNERSHIP_OFFERED"]);
    let input = json!({ "ownershipOfferId": offer["ownershipOffer"]["id"] });
    bob.mutate("acceptOwnership", input, "ownershipOffer { status }").await.done();
    assert_eq!(listener.types(2).await, ["OWNERSHIP_OFFER_RESOLVED", "MEMBER_ROLE_CHANGED"]);
    assert!(listener.is_silent().await, "not that of the former owner");
    // The same events again, read from the log.
    let mut replayed = app.follow_oneself(&bob, Some(&text(&told, "cursor")));
    let expected = [
        "INVITATION_ACCEPTED",
        "MEMBER_JOINED",
        "OWNERSHIP_OFFERED",
        "OWNERSHIP_OFFER_RESOLVED",
        "MEMBER_ROLE_CHANGED",
    ];
    assert_eq!(replayed.types(5).await, expected);
    assert!(replayed.is_silent().await);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_subscriptions_with_shutting_down() {
    let app = telling().await;
    let (ada, id, _, _) = acme(&app, "WORKER").await;
    let mut listener = app.follow(&ada, &id, &app.last_cursor(&ada, &id).await);
    open(&app, &mut listener).await;
    app.app.shutdown.soft.cancel();
    assert_eq!(listener.end().await, "SHUTTING_DOWN");
    app.close().await;
}

/// Type and subject of each event.
fn told(events: &[Value]) -> Vec<(String, String)> {
    events.iter().map(|event| (text(event, "type"), text(event, "subjectId"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_include_own_assignments_and_not_those_of_others() {
    let office = Office::over(telling().await).await;
    let (app, owner, wim, wes) = (&office.app, &office.owner, &office.worker, &office.other);
    let elsewhere = beside(app).await;
    // Each subscriber is on another instance.
    let (from, to) = (app.own_cursor(wim).await, app.own_cursor(wes).await);
    let mut listeners = [app.follow_oneself(wim, Some(&from)), elsewhere.follow_oneself(wes, Some(&to))];

    let project = office.project(owner, json!({ "assigneeId": wim.id })).await;
    let input = json!({ "projectId": project, "name": "Task", "assigneeId": wim.id });
    let task = owner.makes("createTask", input).await;
    let job = office.jobs().await.pop().expect("a job");
    let assign = |mutation: &'static str, field: &'static str, id: String, to: Value| async move {
        owner.mutate(mutation, json!({ field: id, "assigneeId": to }), "clientMutationId").await.done();
    };
    assign("updateJob", "jobId", job.clone(), json!(wim.id)).await;
    let named = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    let first = listeners[0].events(3).await;
    let expected = [named("PROJECT_CREATED", &project), named("TASK_CREATED", &task), named("JOB_UPDATED", &job)];
    assert_eq!(told(&first), expected);

    // A new assignment: the new assignee receives the event, the former one may no longer see it.
    assign("updateJob", "jobId", job.clone(), json!(wes.id)).await;
    assign("updateTask", "taskId", task.clone(), json!(wes.id)).await;
    assign("updateProject", "projectId", project.clone(), json!(wes.id)).await;
    let second = listeners[1].events(3).await;
    let expected = [named("JOB_UPDATED", &job), named("TASK_UPDATED", &task), named("PROJECT_UPDATED", &project)];
    assert_eq!(told(&second), expected);
    assign("updateProject", "projectId", project.clone(), Value::Null).await;
    for listener in &mut listeners {
        assert!(listener.is_silent().await);
    }

    // The same from the log on the other instance, with current access: Wes is still the assignee of the task and its
    // job.
    let mut replayed = app.follow_oneself(wes, Some(&text(&second[0], "cursor")));
    assert_eq!(replayed.events(1).await, second[1..2]);
    assert!(replayed.is_silent().await);
    let mut replayed = elsewhere.follow_oneself(wim, Some(&text(&first[0], "cursor")));
    assert!(replayed.is_silent().await, "of nothing any more");
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_show_invitees_the_invitation_and_not_its_mails() {
    let office = Office::over(telling().await).await;
    let (app, eve) = (&office.app, &office.stranger);
    let other = beside(app).await;
    let mut invitee = other.follow_oneself(eve, Some(&app.own_cursor(eve).await));
    let mut maintainer = app.follow(&office.maintainer, &office.id, &app.last_cursor(&office.owner, &office.id).await);
    let invitation = office.owner.invites(&office.id, &eve.email(), "WORKER").await;
    let folder = std::env::temp_dir().join(format!("guildhall-mails-of-streams-{}", std::process::id()));
    let transport = Transport::folder(folder.clone(), "Guildhall <guildhall@example.org>", None).expect("a folder");
    send_due(&app.env.store, &app.env.outbox, &transport, &app.env.clock).await.expect("it runs");
    let mut delivered = Vec::new();
    while !delivered.contains(&("INVITATION_DELIVERED".to_owned(), invitation.clone())) {
        delivered.extend(told(&maintainer.events(1).await));
    }
    let first = invitee.event().await;
    assert_eq!(told(std::slice::from_ref(&first)), [("INVITATION_CREATED".to_owned(), invitation.clone())]);
    office.owner.mutate("revokeInvitation", json!({ "invitationId": invitation }), "clientMutationId").await.done();
    assert_eq!(invitee.types(1).await, ["INVITATION_REVOKED"]);
    let mut replayed = app.follow_oneself(eve, Some(&text(&first, "cursor")));
    assert_eq!(replayed.types(1).await, ["INVITATION_REVOKED"]);
    assert!(replayed.is_silent().await && invitee.is_silent().await);
    std::fs::remove_dir_all(folder).expect("the folder");
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewer_events_report_the_final_deletion_to_the_former_owner() {
    let app = telling().await;
    let other = beside(&app).await;
    let (ada, id, bob, _) = acme(&app, "WORKER").await;
    let confirmed = json!({ "organizationId": id, "confirmSlug": "acme" });
    ada.mutate("deleteOrganization", confirmed, "clientMutationId").await.done();
    app.env.clock.advance(TimeDelta::days(8));
    other.env.clock.advance(TimeDelta::days(8));
    let (ada, bob) = (app.again(&ada).await, app.again(&bob).await);
    let (ours, theirs) = (app.own_cursor(&ada).await, app.own_cursor(&bob).await);
    let mut owner = other.follow_oneself(&ada, Some(&ours));
    let mut worker = other.follow_oneself(&bob, Some(&theirs));
    assert_eq!(purge_organizations(&app.env.store, &app.env.clock).await.ok(), Some(1));
    assert_eq!(owner.types(1).await, ["ORGANIZATION_DELETED"]);
    assert!(worker.is_silent().await);
    assert_eq!(app.follow_oneself(&ada, Some(&ours)).types(1).await, ["ORGANIZATION_DELETED"], "from the log, too");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspace_events_with_the_same_selection_show_each_viewer_only_visible_changes() {
    let office = Office::over(telling().await).await;
    let app = &office.app;
    let query = "subscription S($id: ID!, $after: String) {
        workspaceEvents(workspaceId: $id, after: $after) { id type cursor subjectId changes { field after } } }";
    let cursor = app.last_cursor(&office.owner, &office.id).await;
    let listen = |person: &Person| app.listen(person, query, json!({ "id": office.id, "after": cursor }));
    let storage = office.storage(&office.owner).await;
    let task = office.task(&office.owner, json!({ "assigneeId": office.worker.id })).await;
    let input = json!({ "taskId": task, "name": "Renamed", "sourceStorageId": storage });
    office.owner.mutate("updateTask", input, "clientMutationId").await.done();
    let mut maintainers = [listen(&office.owner), listen(&office.maintainer)];
    let mut workers = [listen(&office.worker), listen(&office.worker)];
    let name = json!({ "field": "name", "after": "Renamed" });
    let link = json!({ "field": "sourceStorage", "after": storage });
    let updated = async |listener: &mut Listener| loop {
        let event = listener.event().await;
        if event["type"] == "TASK_UPDATED" {
            return event;
        }
    };
    let mut seen = Vec::new();
    for listener in maintainers.iter_mut().chain(&mut workers) {
        seen.push(updated(listener).await);
    }
    assert_eq!(seen[0]["changes"], json!([name, link]));
    assert_eq!(seen[2]["changes"], json!([name]), "workers see no storages");
    assert!(seen[0] == seen[1] && seen[2] == seen[3]);
    assert_eq!(seen[0]["cursor"], seen[2]["cursor"]);
    office.app.close().await;
}

//! Mail delivery, with a mail server in its own process that refuses, delays and disconnects, and with killed senders.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use guildhall::mail::transports::Transport;
use guildhall::mail::worker::send_due;
use serde_json::{Value, json};

use crate::support::server_process::{Server, mutate_at};
use crate::support::smtp::MailServer;
use crate::support::{Office, TestApp};

const PATIENCE: Duration = Duration::from_secs(60);

/// Processes that send mails through that server, each with its own sender name.
async fn senders(names: &[&str], app: &TestApp, mail: &MailServer) -> Vec<Server> {
    let start = async |name: &&str| {
        let from = format!("{name} <guildhall@example.org>");
        let settings = [("SMTP_URL", mail.url.as_str()), ("MAIL_FROM", &from), ("GUILDHALL_MAIL_WORKER", "on")];
        Server::start(&app.url, &settings).await
    };
    join_all(names.iter().map(start)).await
}

async fn invite_at(server: &Server, office: &Office, emails: &[String]) {
    let invitees: Vec<Value> = emails.iter().map(|email| json!({ "email": email, "role": "WORKER" })).collect();
    let input = json!({ "organizationId": office.id, "invitees": invitees });
    mutate_at(server.address, &office.owner.token, "inviteMembers", input, "clientMutationId")
        .await
        .expect("an answer");
}

/// Waits until a query returns that number.
async fn becomes(app: &TestApp, sql: &str, number: i64) {
    let reached = async {
        while app.number(sql).await != number {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect(sql);
}

/// The delivery events of each address, in order: type, and delivery state after the event.
async fn delivery_events(app: &TestApp) -> BTreeMap<String, Vec<(String, String)>> {
    let log =
        "SELECT email, type, jsonb_path_query_first(changes, '$[*] ? (@.field == \"delivery.state\").after') #>> '{}'
        FROM events WHERE type LIKE 'INVITATION_DELIVER%' ORDER BY sequence";
    let mut events = BTreeMap::<_, Vec<_>>::new();
    for row in app.rows(log).await {
        let [email, kind, state] = row.try_into().expect("three");
        events.entry(email.expect("an address")).or_default().push((kind.expect("one"), state.expect("a state")));
    }
    events
}

const DELIVERED: (&str, &str) = ("INVITATION_DELIVERED", "SENT");
const FAILED: (&str, &str) = ("INVITATION_DELIVERY_FAILED", "FAILED");

fn matches_exactly(events: &[(String, String)], expected: &[(&str, &str)]) -> bool {
    events.iter().map(|(kind, state)| (kind.as_str(), state.as_str())).eq(expected.iter().copied())
}

/// Checks that only queued mails have a link, and that it is encrypted.
async fn check_links(app: &TestApp) {
    let wrong = "SELECT count(*) FROM mails WHERE (state = 'QUEUED') <> (sealed_link IS NOT NULL)
        OR position('invitation='::bytea IN coalesce(sealed_link, '')) > 0 OR variables::text LIKE '%invitation=%'";
    assert_eq!(app.number(wrong).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_worker_in_three_processes_sends_each_mail_once() {
    const EACH: usize = 40;
    let mut mail = MailServer::start(&[("", &["late 40"])]).await;
    let office = Office::over(TestApp::with(|_| {}).await).await;
    office.app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL").await;
    let servers = senders(&["One", "Two", "Three"], &office.app, &mail).await;
    let addresses = |n: usize| (0..EACH).map(|m| format!("new.{n}.{m}@example.org")).collect::<Vec<_>>();
    join_all(servers.iter().enumerate().map(|(n, server)| {
        let (office, addresses) = (&office, addresses(n));
        async move { invite_at(server, office, &addresses).await }
    }))
    .await;

    let (mut recipients, mut messages, mut senders) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..3 * EACH {
        let handed = mail.next().await;
        assert!(recipients.insert(handed.to.clone()), "{} twice", handed.to);
        messages.insert(handed.header("Message-ID").to_owned());
        senders.insert(handed.header("From").to_owned());
    }
    becomes(&office.app, "SELECT count(*) FROM mails WHERE state = 'QUEUED'", 0).await;
    assert!(mail.rest().await.is_empty(), "no mail is sent twice");
    assert_eq!((recipients.len(), messages.len()), (3 * EACH, 3 * EACH));
    assert_eq!(senders.len(), 3, "all of them send: {senders:?}");
    let events = delivery_events(&office.app).await;
    assert_eq!(events.len(), 3 * EACH);
    assert!(events.values().all(|events| matches_exactly(events, &[DELIVERED])), "{events:?}");
    let sent = "SELECT count(*) FROM invitations WHERE delivery = 'SENT' AND send_count = 1 AND email LIKE 'new.%'";
    assert_eq!(office.app.number(sent).await, 3 * EACH as i64);
    check_links(&office.app).await;
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_worker_resends_the_same_message_after_its_process_was_killed() {
    let mut mail = MailServer::start(&[("held", &["hold-after-dot", "take"])]).await;
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let app = &office.app;
    app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL").await;
    let mut first = senders(&["First"], app, &mail).await;
    let addresses: Vec<String> = (0..4).map(|n| format!("held.{n}@example.org")).collect();
    invite_at(&first[0], &office, &addresses).await;
    let mut before = BTreeMap::new();
    for _ in 0..addresses.len() {
        let handed = mail.next().await;
        before.insert(handed.to.clone(), handed);
    }
    first[0].kill().await;
    check_links(app).await;
    assert_eq!(
        app.count("mails WHERE state = 'QUEUED' AND attempts = 1").await,
        4,
        "the server accepted them, but the sender does not know"
    );

    let _second = senders(&["Second", "Third"], app, &mail).await;
    for _ in 0..addresses.len() {
        let again = mail.next().await;
        let first = before.remove(&again.to).expect("each again, once");
        for header in ["Message-ID", "Date", "Subject"] {
            assert_eq!(first.header(header), again.header(header));
        }
        assert_eq!((first.header("From").contains("First"), again.header("From").contains("First")), (true, false));
    }
    becomes(app, "SELECT count(*) FROM mails WHERE state = 'QUEUED'", 0).await;
    assert!(mail.rest().await.is_empty(), "twice at worst");
    let events = delivery_events(app).await;
    assert!(
        events.len() == 4 && events.values().all(|events| matches_exactly(events, &[DELIVERED])),
        "one event for each mail: {events:?}"
    );
    assert_eq!(app.count("invitations WHERE send_count = 1 AND delivery = 'SENT' AND email LIKE 'held.%'").await, 4);
    check_links(app).await;
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_worker_does_not_take_over_a_mail_that_a_live_process_is_sending() {
    // Longer than a claim lasts without renewal.
    let mut mail = MailServer::start(&[("slow", &["late 18000"])]).await;
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let app = &office.app;
    app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL").await;
    let servers = senders(&["One", "Two"], app, &mail).await;
    invite_at(&servers[0], &office, &["slow@example.org".to_owned()]).await;
    becomes(app, "SELECT count(*) FROM mails WHERE state = 'QUEUED' AND claimed_until > now()", 1).await;
    // The slow mail does not delay other mails.
    invite_at(&servers[0], &office, &["quick@example.org".to_owned()]).await;
    assert_eq!(mail.next().await.to, "quick@example.org");
    assert_eq!(mail.next().await.to, "slow@example.org");
    becomes(app, "SELECT count(*) FROM mails WHERE state = 'QUEUED'", 0).await;
    assert_eq!(app.number("SELECT max(attempts)::bigint FROM mails").await, 1);
    assert!(mail.rest().await.is_empty());
    office.app.close().await;
}

/// Name, script of the mail server, expected event and state, number of attempts, and the reason if the delivery
/// failed.
type Case = (&'static str, &'static [&'static str], (&'static str, &'static str), i32, &'static str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_worker_retries_transient_failures_and_records_the_outcome() {
    let always = "The mail server answered";
    let cases: [Case; 9] = [
        ("fine", &["take"], DELIVERED, 1, ""),
        ("unknown", &["rcpt 550"], FAILED, 1, "The mail server answered 550: not this one"),
        ("unwanted", &["data 554"], FAILED, 1, "The mail server answered 554: not like this"),
        ("busy", &["rcpt 451", "data 451", "rcpt 421", "take"], DELIVERED, 4, ""),
        ("never", &["rcpt 450"], FAILED, 5, always),
        ("cut", &["drop-in-data", "drop-in-data", "take"], DELIVERED, 3, ""),
        ("unsure", &["drop-after-dot", "take"], DELIVERED, 2, ""),
        ("mute", &["hold-rcpt", "hold-after-dot", "take"], DELIVERED, 3, ""),
        ("gone", &["drop-in-data"], FAILED, 5, "The mail server"),
    ];
    let script: Vec<(&str, &[&str])> = cases.iter().map(|(name, steps, ..)| (*name, *steps)).collect();
    let mut mail = MailServer::start(&script).await;
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let (app, env) = (&office.app, &office.app.env);
    app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL").await;
    let from = "Guildhall <guildhall@example.org>";
    let transport = Transport::smtp_with_timeout(Duration::from_secs(1), &mail.url, from).expect("a way");
    for (name, ..) in cases {
        office.owner.invites(&office.id, &format!("{name}@example.org"), "WORKER").await;
    }

    // Retry delays in seconds. The last attempt has none.
    let waits = [60.0, 300.0, 900.0, 2400.0, f64::NAN];
    let (mut waited, mut handed) = (BTreeSet::new(), Vec::new());
    for expected in waits {
        let tried = app.count("mails WHERE state = 'QUEUED'").await;
        let mut count = 0;
        while count < tried {
            count += send_due(&env.store, &env.outbox, &transport, &env.clock).await.expect("it runs") as i64;
        }
        assert_eq!(send_due(&env.store, &env.outbox, &transport, &env.clock).await.ok(), Some(0), "each once");
        for _ in 0..tried {
            handed.push(mail.next().await);
        }
        check_links(app).await;
        let queued = "SELECT recipient, extract(epoch FROM next_attempt_at)::text FROM mails WHERE state = 'QUEUED'";
        for row in app.rows(queued).await {
            let [to, next] = row.try_into().expect("two");
            let next: f64 = next.expect("one").parse().expect("a number");
            let wait = next - env.clock.now().timestamp_millis() as f64 / 1000.0;
            assert!((0.7..1.25).contains(&(wait / expected)), "{to:?} waits {wait}");
            waited.insert(next.to_string());
            let events = delivery_events(app).await;
            assert!(!events.contains_key(&to.expect("one")), "no event before the outcome is final");
        }
        env.clock.advance(TimeDelta::minutes(55));
    }
    assert_eq!(app.count("mails WHERE state = 'QUEUED'").await, 0);
    assert!(waited.len() > 6, "they spread out: {waited:?}");

    let (events, owner) = (delivery_events(app).await, app.again(&office.owner).await);
    assert!(mail.rest().await.is_empty());
    for (name, steps, end, attempts, reason) in cases {
        let email = format!("{name}@example.org");
        assert!(matches_exactly(&events[&email], &[end]), "{name}: {:?}", events[&email]);
        let done: Vec<&str> = handed.iter().filter(|h| h.to == email).map(|h| h.done.as_str()).collect();
        assert_eq!(done.len() as i32, attempts, "{name}: {done:?}");
        assert!(steps.iter().zip(&done).all(|(step, done)| step == done), "{name}: {done:?}");
        let with_message = handed.iter().filter(|handed| handed.to == email && !handed.message.is_empty());
        let ids: BTreeSet<_> = with_message.map(|handed| handed.header("Message-ID")).collect();
        assert!(ids.len() <= 1, "{name}: the same message each time");

        let id = app.texts(&format!("SELECT subject_id FROM events WHERE email = '{email}' LIMIT 1")).await.remove(0);
        let query = format!(r#"{{ invitation(id: "{id}") {{ delivery {{ state sendCount failure }} }} }}"#);
        let delivery = owner.ask(&query).await.data()["invitation"]["delivery"].clone();
        assert_eq!((&delivery["state"], &delivery["sendCount"]), (&end.1.into(), &i32::from(end == DELIVERED).into()));
        let failure = delivery["failure"].as_str().unwrap_or_default();
        assert!(failure.starts_with(reason) && failure.is_empty() == reason.is_empty(), "{name}: {failure}");
    }
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_worker_gives_up_obsolete_and_exhausted_mails_and_records_it() {
    let mut mail = MailServer::start(&[]).await;
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let (app, env) = (&office.app, &office.app.env);
    app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL").await;
    let revoked = office.owner.invites(&office.id, "revoked@example.org", "WORKER").await;
    office.owner.mutate("revokeInvitation", json!({ "invitationId": revoked }), "clientMutationId").await.done();
    office.owner.invites(&office.id, "deadly@example.org", "WORKER").await;
    app.sql("UPDATE mails SET attempts = 5 WHERE recipient = 'deadly@example.org'").await;
    let transport = Transport::smtp(&mail.url, "Guildhall <guildhall@example.org>").expect("a way");
    assert_eq!(send_due(&env.store, &env.outbox, &transport, &env.clock).await.ok(), Some(2));
    let events = delivery_events(app).await;
    assert!(events.len() == 2 && events.values().all(|events| matches_exactly(events, &[FAILED])), "{events:?}");
    assert!(mail.rest().await.is_empty());
    check_links(app).await;
    office.app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_worker_does_not_apply_a_late_reply_to_the_next_mail() {
    let mut mail = MailServer::start(&[("tardy", &["late 4000", "take"]), ("unwanted", &["data 554"])]).await;
    let office = Office::over(TestApp::with(|_| {}).await).await;
    let (app, env) = (&office.app, &office.app.env);
    app.sql("UPDATE mails SET state = 'SENT', sealed_link = NULL").await;
    let from = "Guildhall <guildhall@example.org>";
    let transport = Transport::smtp_with_timeout(Duration::from_secs(1), &mail.url, from).expect("a way");
    office.owner.invites(&office.id, "tardy@example.org", "WORKER").await;
    assert_eq!(send_due(&env.store, &env.outbox, &transport, &env.clock).await.ok(), Some(1));
    assert_eq!(app.count("mails WHERE state = 'QUEUED' AND failure LIKE '%in time%'").await, 1);
    assert_eq!(mail.next().await.to, "tardy@example.org", "the late mail is delivered");
    office.owner.invites(&office.id, "unwanted@example.org", "WORKER").await;
    assert_eq!(send_due(&env.store, &env.outbox, &transport, &env.clock).await.ok(), Some(1));
    let events = delivery_events(app).await;
    assert!(events.len() == 1 && matches_exactly(&events["unwanted@example.org"], &[FAILED]), "{events:?}");
    office.app.close().await;
}

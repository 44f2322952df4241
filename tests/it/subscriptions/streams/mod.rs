//! Event streams: each subscriber receives every visible event once, in one order, without gaps.

mod delivery;
mod endings;
mod retention;
mod viewer_events;
mod visibility;

use std::time::Duration;

use guildhall::domain::event::EventType;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{Error, OrganizationId};
use guildhall::events::record;
use guildhall::events::record::NewEvent;
use guildhall::store::Transactional;
use guildhall::store::events::extent;
use serde_json::{Value, json};

use crate::support::stream::{Listener, text};
use crate::support::{Person, TestApp};

/// An application that dispatches events.
async fn app_with_dispatcher() -> TestApp {
    let app = TestApp::with(|_| {}).await;
    app.app.spawn_event_dispatcher();
    app
}

/// Another application over the same database.
async fn another_instance(app: &TestApp) -> TestApp {
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

/// Polls a new stream until it is registered, and then no longer.
async fn wait_until_registered(app: &TestApp, listener: &mut Listener) {
    let before = app.env.hub.listeners();
    while app.env.hub.listeners() == before {
        let _ = tokio::time::timeout(Duration::from_millis(50), listener.next()).await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(500), listener.next()).await;
    assert_eq!(app.env.hub.listeners(), before + 1);
}

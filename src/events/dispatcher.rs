//! Reads the log past the mark whenever something may be there, and hands it to the hub. One for each process.
//!
//! It looks when a transaction of this process has committed events, when another process tells so, when somebody listens after
//! nobody did, every few seconds in case none of these was heard, and soon again while there are entries behind a transaction
//! that is still open.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::event::EventPosition;
use crate::domain::{Result, UserId};
use crate::events::hub::{Delivery, Hub};
use crate::store::events::{self, Entry};
use crate::store::notify::NotifyListener;
use crate::store::{Database, users};

/// Most entries that are read at once.
const BATCH: i64 = 500;
/// At most so often is the log looked at, and are other processes told: what comes in between goes together. At least, at most,
/// and for each time that something was handed on: the more there are who hear of it, the more is to go together.
const COALESCE: (Duration, Duration, Duration) =
    (Duration::from_millis(3), Duration::from_millis(30), Duration::from_micros(20));
/// How long until it looks unasked.
const POLL: Duration = Duration::from_secs(3);
/// How soon it looks again for entries behind a transaction that is still open: at first, and at last.
const GAP_POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));
/// How soon it tries again when the database is away: at first, and at last.
const RECONNECT_DELAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Pumps until it is cancelled; then the hub is closed.
pub async fn run(store: Database, hub: Hub, cancel: CancellationToken) {
    let mut away = RECONNECT_DELAY.0;
    while !cancel.is_cancelled() {
        let lost = tokio::select! {
            () = cancel.cancelled() => break,
            lost = pump(&store, &hub, &mut away) => lost,
        };
        if let Err(error) = lost {
            tracing::warn!(?error, "reading the event log failed; retrying");
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(away) => away = (away * 2).min(RECONNECT_DELAY.1),
        }
    }
    hub.close();
}

/// Pumps as long as its connection lasts.
async fn pump(store: &Database, hub: &Hub, away: &mut Duration) -> Result<()> {
    // Hears first and reads then: what is written in between is told.
    let mut ear = NotifyListener::open(store).await?;
    start(&mut ear, hub).await?;
    *away = RECONNECT_DELAY.0;
    let mut soon = GAP_POLL.0;
    loop {
        let Read { more, times } = read(&mut ear, hub).await?;
        let breath = (COALESCE.0 + COALESCE.2 * u32::try_from(times).unwrap_or(u32::MAX)).min(COALESCE.1);
        let pause = if more { soon } else { POLL };
        soon = if more { (soon * 2).min(GAP_POLL.1) } else { GAP_POLL.0 };
        tokio::select! {
            heard = ear.heard() => heard?,
            () = store.recorded() => {
                ear.tell().await?;
                soon = GAP_POLL.0;
            }
            () = hub.arrived() => soon = GAP_POLL.0,
            () = tokio::time::sleep(pause) => {}
        }
        tokio::time::sleep(breath).await;
    }
}

/// Sets the mark where the log is now, unless it goes on from an earlier connection.
async fn start(ear: &mut NotifyListener, hub: &Hub) -> Result<()> {
    let connection = ear.connection();
    events::settle_base(connection).await?;
    let horizon = events::extent(connection).await?.horizon;
    match hub.mark() {
        None => hub.begin(horizon),
        Some(mark) if mark > horizon => {
            // Another database has taken the place of the one that was read.
            hub.cut_off_all();
            hub.begin(horizon);
        }
        Some(_) => {}
    }
    Ok(())
}

/// What a look at the log has brought.
struct Read {
    /// Whether there is more to come soon.
    more: bool,
    /// How often something was handed on.
    times: usize,
}

/// Hands on what has come. Where nobody listens it is not even read.
async fn read(ear: &mut NotifyListener, hub: &Hub) -> Result<Read> {
    let mut times = 0;
    if hub.listeners() == 0 && hub.skip_to(events::extent(ear.connection()).await?.horizon) {
        return Ok(Read { more: false, times });
    }
    loop {
        let mark = hub.mark().unwrap_or_else(|| EventPosition::before_transaction(0));
        let (entries, more) = events::news(ear.connection(), mark, BATCH).await?;
        let full = entries.len() as i64 == BATCH;
        if !entries.is_empty() {
            let news = address(ear, entries).await?;
            times += hub.publish(&news);
        }
        if !full {
            return Ok(Read { more, times });
        }
    }
}

/// Finds out whom each entry concerns.
async fn address(ear: &mut NotifyListener, entries: Vec<Entry>) -> Result<Vec<Delivery>> {
    let emails: Vec<&str> = entries.iter().filter_map(|entry| entry.email.as_deref()).collect();
    let invited = match emails.as_slice() {
        [] => Vec::new(),
        emails => users::with_proven_emails(ear.connection(), emails).await?,
    };
    let holder = |email: &str| invited.iter().find(|user| user.email.as_deref() == Some(email)).map(|user| user.id);
    let address = |entry: Entry| {
        let mut concerned: Vec<UserId> =
            entry.person_id.into_iter().chain(entry.email.as_deref().and_then(holder)).collect();
        concerned.dedup();
        Delivery { entry: Arc::new(entry), concerned }
    };
    Ok(entries.into_iter().map(address).collect())
}

//! Reads new entries of the event log and publishes them to the hub. Each process runs one dispatcher.
//!
//! The dispatcher reads when a transaction of this process has committed events, on a notification of another process,
//! when the first subscriber arrives, and every 3 s in case a notification was lost. While committed entries wait
//! behind an open transaction, which may still write before them, it reads again after some milliseconds.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::event::EventPosition;
use crate::domain::{Result, UserId};
use crate::events::hub::{Delivery, Hub};
use crate::events::stalled_log::StalledLog;
use crate::store::events::{self, Entry};
use crate::store::notify::NotifyListener;
use crate::store::{Database, answered, users};

/// Maximum number of entries per read.
const BATCH: i64 = 500;
/// Shortest pause between two reads. Events that are committed in the meantime are published together, and other
/// processes are notified once.
const MIN_COALESCE: Duration = Duration::from_millis(3);
/// Longest pause between two reads.
const MAX_COALESCE: Duration = Duration::from_millis(30);
/// Added to the pause for each delivery of the last read, so that more subscribers mean larger batches.
const COALESCE_PER_DELIVERY: Duration = Duration::from_micros(20);
/// Interval of reads without a notification.
const POLL: Duration = Duration::from_secs(3);
/// First delay before a read of the entries behind an open transaction; it doubles each time.
const MIN_GAP_POLL: Duration = Duration::from_millis(5);
/// Longest delay before a read of the entries behind an open transaction.
const MAX_GAP_POLL: Duration = Duration::from_millis(200);
/// First delay before the dispatcher reconnects to the database; it doubles each time.
const MIN_RECONNECT_DELAY: Duration = Duration::from_millis(100);
/// Longest delay before the dispatcher reconnects to the database.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(5);

/// Runs the dispatcher until it is cancelled, then closes the hub.
pub async fn run(store: Database, hub: Hub, cancel: CancellationToken) {
    let mut reconnect_delay = MIN_RECONNECT_DELAY;
    while !cancel.is_cancelled() {
        let result = tokio::select! {
            () = cancel.cancelled() => break,
            result = dispatch(&store, &hub, &mut reconnect_delay) => result,
        };
        if let Err(error) = result {
            tracing::warn!(?error, "reading the event log failed; retrying");
        }
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(reconnect_delay) => {
                reconnect_delay = (reconnect_delay * 2).min(MAX_RECONNECT_DELAY);
            }
        }
    }
    hub.close();
}

/// Dispatches events until the connection is lost. Resets the reconnect delay once it is connected.
async fn dispatch(store: &Database, hub: &Hub, reconnect_delay: &mut Duration) -> Result<()> {
    // Listens before the first read, so that no event in between is missed.
    let mut listener = answered(NotifyListener::open(store)).await?;
    answered(start(&mut listener, hub)).await?;
    *reconnect_delay = MIN_RECONNECT_DELAY;
    let mut gap_poll = MIN_GAP_POLL;
    let mut stalled = StalledLog::default();
    loop {
        let ReadResult { more_soon, deliveries } = answered(read(&mut listener, hub)).await?;
        answered(stalled.record(more_soon && deliveries == 0, listener.connection())).await?;
        let added = COALESCE_PER_DELIVERY * u32::try_from(deliveries).unwrap_or(u32::MAX);
        let coalesce = (MIN_COALESCE + added).min(MAX_COALESCE);
        let pause = if more_soon { gap_poll } else { POLL };
        gap_poll = if more_soon { (gap_poll * 2).min(MAX_GAP_POLL) } else { MIN_GAP_POLL };
        tokio::select! {
            notified = listener.heard() => notified?,
            () = store.recorded() => {
                answered(listener.tell()).await?;
                gap_poll = MIN_GAP_POLL;
            }
            () = hub.first_subscriber() => gap_poll = MIN_GAP_POLL,
            () = tokio::time::sleep(pause) => {}
        }
        tokio::time::sleep(coalesce).await;
    }
}

/// Sets the hub's position to the end of the log, unless the hub continues after an earlier connection.
async fn start(listener: &mut NotifyListener, hub: &Hub) -> Result<()> {
    let connection = listener.connection();
    events::ensure_base(connection).await?;
    let before = hub.position().map(|position| hub.epochs().locate(position));
    let epochs = events::epochs(connection).await?;
    let is_lost = before.is_some_and(|before| !epochs.contains(before));
    hub.set_epochs(epochs);
    let horizon = events::extent(connection).await?.horizon;
    match hub.position() {
        None => hub.start_at(horizon),
        Some(position) if is_lost || position > horizon => {
            // The log became shorter: the database was restored, or a standby without the last events was promoted.
            hub.disconnect_all();
            hub.start_at(horizon);
        }
        Some(_) => {}
    }
    Ok(())
}

/// The result of a read of the log.
struct ReadResult {
    /// Whether committed entries wait behind an open transaction.
    more_soon: bool,
    /// Number of deliveries to subscribers.
    deliveries: usize,
}

/// Reads the new entries and publishes them. Without subscribers the entries are not read, only the position moves.
async fn read(listener: &mut NotifyListener, hub: &Hub) -> Result<ReadResult> {
    let mut deliveries = 0;
    if hub.listeners() == 0 && hub.skip_to(events::extent(listener.connection()).await?.horizon) {
        return Ok(ReadResult { more_soon: events::has_unsettled(listener.connection()).await?, deliveries });
    }
    loop {
        let position = hub.position().unwrap_or_else(|| EventPosition::before_transaction(0));
        let (entries, more_soon) = events::news(listener.connection(), position, BATCH).await?;
        let is_full = entries.len() as i64 == BATCH;
        if !entries.is_empty() {
            let batch = resolve_recipients(listener, entries).await?;
            deliveries += hub.publish(&batch);
        }
        if !is_full {
            return Ok(ReadResult { more_soon, deliveries });
        }
    }
}

/// Adds to each entry the users that it is about.
async fn resolve_recipients(listener: &mut NotifyListener, entries: Vec<Entry>) -> Result<Vec<Delivery>> {
    let emails: Vec<&str> = entries.iter().filter_map(|entry| entry.email.as_deref()).collect();
    let invited = match emails.as_slice() {
        [] => Vec::new(),
        emails => users::with_proven_emails(listener.connection(), emails).await?,
    };
    let user_of = |email: &str| invited.iter().find(|user| user.email.as_deref() == Some(email)).map(|user| user.id);
    let delivery = |entry: Entry| {
        let mut recipients: Vec<UserId> =
            entry.person_id.into_iter().chain(entry.email.as_deref().and_then(user_of)).collect();
        recipients.dedup();
        Delivery { entry: Arc::new(entry), recipients }
    };
    Ok(entries.into_iter().map(delivery).collect())
}

//! The stream of events of one subscriber, in order, without gaps or repeats: first the missed entries from the log,
//! then live entries from the hub. The stream subscribes to the hub first and then reads the log up to the hub's
//! position at that time; later entries are in the channel.
//!
//! If the channel overflows, the stream continues from the log in the same way. A subscriber that does not drain its
//! channel, or stays behind for too long, is disconnected.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::Error;
use crate::domain::event::EventPosition;
use crate::domain::event_epoch::EpochPosition;
use crate::events::hub::{Hub, Receiver, Topic};
use crate::store::events::list;
use crate::store::events::list::Visible;
use crate::store::events::{self, Entry, EventRange, Filter};
use crate::store::{Database, users};

/// Maximum number of entries per batch.
const BATCH: usize = 100;
/// A subscriber whose channel overflowed is dropped if it does not drain the channel within this time.
const STALLED: Duration = Duration::from_secs(10);
/// A subscriber whose channel overflowed is dropped if it does not catch up with the hub within this time.
const BEHIND: Duration = Duration::from_secs(60);

/// Why a stream ended, or cannot start.
#[derive(Debug)]
pub enum StreamEnd {
    /// The subscriber was too slow.
    Lagged,
    /// Entries after the cursor have been purged, or the cursor is from a future that a restore has lost.
    Expired,
    /// The cursor points past the end of the log.
    Unknown,
    /// The server is shutting down.
    Closed,
    /// The log could not be read.
    Failed(Error),
}

impl From<Error> for StreamEnd {
    fn from(error: Error) -> Self {
        StreamEnd::Failed(error)
    }
}

/// The events of one subscriber.
pub struct EventStream {
    store: Database,
    topic: Topic,
    live: Receiver,
    /// Position of the last delivered entry.
    place: EventPosition,
    /// Entries after `place` that were committed before the stream began: they are not delivered.
    past: HashSet<EventPosition>,
    /// Whether all entries of the log up to the position of `live` were delivered.
    caught_up: bool,
    /// When the channel first overflowed since the subscriber last kept up; `None` while it keeps up.
    behind_since: Option<Instant>,
}

impl EventStream {
    /// Opens a stream after a position, or from now on if `after` is `None`.
    pub async fn open(
        store: &Database,
        hub: &Hub,
        topic: Topic,
        after: Option<EpochPosition>,
    ) -> std::result::Result<Self, StreamEnd> {
        let live = hub.subscribe(topic).await;
        let mut connection = store.read().await?;
        let extent = events::extent(&mut connection).await?;
        if after.is_some_and(|after| !hub.epochs().contains(after)) {
            return Err(StreamEnd::Expired);
        }
        let (place, past) = match after.map(|after| after.position) {
            // Committed entries are the past, also those behind an open transaction that the hub publishes later.
            None => (extent.horizon, events::committed_after(&mut connection, extent.horizon).await?),
            Some(place) if place > extent.horizon => return Err(StreamEnd::Unknown),
            Some(place) if place < extent.pruned => return Err(StreamEnd::Expired),
            Some(place) => (place, Vec::new()),
        };
        let past = past.into_iter().collect();
        Ok(Self { store: store.clone(), topic, live, place, past, caught_up: after.is_none(), behind_since: None })
    }

    /// Returns whether the next entries come from the log of a workspace: [`next`](Self::next) then needs `visible`.
    pub fn reads_workspace(&self) -> bool {
        !self.caught_up && matches!(self.topic, Topic::Workspace(_))
    }

    /// Waits for the next entries. From the log of a workspace it reads the `visible` entries only; live entries are
    /// not filtered. Returns `None` if no entry comes within `max_wait`, or if `visible` is needed and missing.
    pub async fn next(
        &mut self,
        max_wait: Duration,
        visible: Option<&Visible>,
    ) -> std::result::Result<Option<Vec<Arc<Entry>>>, StreamEnd> {
        loop {
            while !self.caught_up {
                if self.reads_workspace() && visible.is_none() {
                    return Ok(None);
                }
                let missed = self.missed(visible).await?;
                if !missed.is_empty() {
                    return Ok(Some(missed));
                }
            }
            if self.live.is_drained() {
                self.behind_since = None;
            }
            let Ok(mut entries) = tokio::time::timeout(max_wait, self.live.recv(BATCH)).await else { return Ok(None) };
            if entries.is_empty() {
                self.resubscribe().await?;
                continue;
            }
            entries.retain(|entry| entry.place > self.place && !self.past.contains(&entry.place));
            self.place = entries.last().map_or(self.place, |last| last.place);
            return Ok(Some(entries));
        }
    }

    /// Continues from the log after the channel overflowed. Fails if the subscriber was too slow.
    async fn resubscribe(&mut self) -> std::result::Result<(), StreamEnd> {
        if self.live.is_closed() {
            return Err(StreamEnd::Closed);
        }
        // Without an overflow, the hub disconnected all subscribers because it reads another database now.
        let Some(overflowed_at) = self.live.overflowed_at() else { return Err(StreamEnd::Lagged) };
        let behind_since = *self.behind_since.get_or_insert(overflowed_at);
        let live = self.live.resubscribe().await;
        let is_another_log = live.position < self.live.position;
        (self.live, self.caught_up) = (live, false);
        let is_slow = overflowed_at.elapsed() > STALLED || behind_since.elapsed() > BEHIND;
        if is_slow || is_another_log { Err(StreamEnd::Lagged) } else { Ok(()) }
    }

    /// Reads the next entries of the log, up to the hub's position at the time of subscribing.
    async fn missed(&mut self, visible: Option<&Visible>) -> std::result::Result<Vec<Arc<Entry>>, StreamEnd> {
        let mut connection = self.store.read().await?;
        let end = self.live.position;
        let mut found = match self.topic {
            Topic::Workspace(_) => {
                let range = EventRange { after: Some(self.place), before: None, backward: false, limit: BATCH as i64 };
                match visible {
                    Some(visible) => list::page(&mut connection, visible, &Filter::default(), range).await?,
                    None => Vec::new(),
                }
            }
            Topic::Person(user) => {
                let account = users::find(&connection, user).await?;
                let email = account.as_ref().and_then(users::User::verified_email);
                events::of_person(&mut connection, user, email, (self.place, end), BATCH as i64).await?
            }
        };
        // Checked after the read: entries that were purged before it are missing from the result.
        if events::extent(&mut connection).await?.pruned > self.place {
            return Err(StreamEnd::Expired);
        }
        self.caught_up = found.len() < BATCH || found.last().is_some_and(|last| last.place >= end);
        found.retain(|entry| entry.place <= end && !self.past.contains(&entry.place));
        self.place = found.last().map_or(self.place, |last| last.place);
        Ok(found.into_iter().map(Arc::new).collect())
    }
}

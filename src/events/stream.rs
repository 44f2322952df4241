//! What one subscriber gets, in order and without gap or repeat: what they missed from the log, then what happens from the
//! hub. The seam is the hub's mark: listening begins first, the log is read up to the mark, and the rest has come meanwhile.
//!
//! More may happen at once than waits for a subscriber in the hub. Who takes what comes then goes on from the log, in the same
//! way; who does not is too slow.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::Error;
use crate::domain::event::EventPosition;
use crate::events::hub::{Hub, Receiver, Topic};
use crate::store::events::list;
use crate::store::events::list::Visible;
use crate::store::events::{self, Entry, EventRange, Filter};
use crate::store::{Database, users};

/// Most entries that come at once.
const BATCH: usize = 100;
/// Too slow is for whom more came than waits for them, and who has not taken what waited within this time,
const STALLED: Duration = Duration::from_secs(10);
/// or has not kept up again within this.
const BEHIND: Duration = Duration::from_secs(60);

/// Why a feed has come to its end, or cannot begin.
#[derive(Debug)]
pub enum StreamEnd {
    /// The subscriber was too slow.
    Lagged,
    /// Some of what came after the cursor is no longer kept.
    Expired,
    /// The cursor points at a place that the log has not reached.
    Unknown,
    /// The server is going.
    Closed,
    /// The log could not be read.
    Failed(Error),
}

impl From<Error> for StreamEnd {
    fn from(error: Error) -> Self {
        StreamEnd::Failed(error)
    }
}

/// What one subscriber gets.
pub struct EventStream {
    store: Database,
    topic: Topic,
    live: Receiver,
    /// What comes after this has not been given yet.
    place: EventPosition,
    /// What comes after that, and is the past all the same.
    past: HashSet<EventPosition>,
    /// Whether everything up to the mark has been given.
    caught_up: bool,
    /// Since when more comes than waits for them. None while they keep up.
    behind: Option<Instant>,
}

impl EventStream {
    /// Begins after a place, or with what happens from now on.
    pub async fn open(
        store: &Database,
        hub: &Hub,
        topic: Topic,
        after: Option<EventPosition>,
    ) -> std::result::Result<Self, StreamEnd> {
        let live = hub.listen(topic).await;
        let mut connection = store.read().await?;
        let extent = events::extent(&mut connection).await?;
        let (place, past) = match after {
            // What is committed is the past, whether or not it can be read yet, and the hub has got there.
            None => (extent.horizon, events::committed_after(&mut connection, extent.horizon).await?),
            Some(place) if place > extent.horizon => return Err(StreamEnd::Unknown),
            Some(place) if place < extent.pruned => return Err(StreamEnd::Expired),
            Some(place) => (place, Vec::new()),
        };
        let past = past.into_iter().collect();
        Ok(Self { store: store.clone(), topic, live, place, past, caught_up: after.is_none(), behind: None })
    }

    /// Whether the next entries come from the log of a workspace: [`next`](Self::next) then needs to know which of it.
    pub fn reads_workspace(&self) -> bool {
        !self.caught_up && matches!(self.topic, Topic::Workspace(_))
    }

    /// The next entries, of a workspace's log at least those that are `visible`. None if nothing happens for as long as
    /// `patience`, or if it has to be told what is visible.
    pub async fn next(
        &mut self,
        patience: Duration,
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
                self.behind = None;
            }
            let Ok(mut heard) = tokio::time::timeout(patience, self.live.heard(BATCH)).await else { return Ok(None) };
            if heard.is_empty() {
                self.listen_again().await?;
                continue;
            }
            heard.retain(|entry| entry.place > self.place && !self.past.contains(&entry.place));
            self.place = heard.last().map_or(self.place, |last| last.place);
            return Ok(Some(heard));
        }
    }

    /// Goes on from the log after more came at once than waited for them.
    async fn listen_again(&mut self) -> std::result::Result<(), StreamEnd> {
        if self.live.is_closed() {
            return Err(StreamEnd::Closed);
        }
        // Cut off for another reason: the log of another database is told now.
        let Some(cut_off) = self.live.cut_off() else { return Err(StreamEnd::Lagged) };
        let behind = *self.behind.get_or_insert(cut_off);
        let live = self.live.again().await;
        let is_another = live.mark < self.live.mark;
        (self.live, self.caught_up) = (live, false);
        let is_slow = cut_off.elapsed() > STALLED || behind.elapsed() > BEHIND;
        if is_slow || is_another { Err(StreamEnd::Lagged) } else { Ok(()) }
    }

    /// The next entries of the log, up to the mark.
    async fn missed(&mut self, visible: Option<&Visible>) -> std::result::Result<Vec<Arc<Entry>>, StreamEnd> {
        let mut connection = self.store.read().await?;
        let mark = self.live.mark;
        let mut found = match self.topic {
            Topic::Workspace(_) => {
                let stretch =
                    EventRange { after: Some(self.place), before: None, backward: false, limit: BATCH as i64 };
                match visible {
                    Some(visible) => list::page(&mut connection, visible, &Filter::default(), stretch).await?,
                    None => Vec::new(),
                }
            }
            Topic::Person(user) => {
                let account = users::find(&connection, user).await?;
                let email = account.as_ref().and_then(users::User::verified_email);
                events::of_person(&mut connection, user, email, (self.place, mark), BATCH as i64).await?
            }
        };
        // Asked afterwards: what was deleted before was missing when it was read.
        if events::extent(&mut connection).await?.pruned > self.place {
            return Err(StreamEnd::Expired);
        }
        self.caught_up = found.len() < BATCH || found.last().is_some_and(|last| last.place >= mark);
        found.retain(|entry| entry.place <= mark && !self.past.contains(&entry.place));
        self.place = found.last().map_or(self.place, |last| last.place);
        Ok(found.into_iter().map(Arc::new).collect())
    }
}

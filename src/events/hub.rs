//! From one process's pump to its subscribers. Each has a channel of bounded length; for whom more comes at once is cut off,
//! may listen again, and holds up nobody.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, mpsc, watch};
use uuid::Uuid;

use crate::domain::UserId;
use crate::domain::event::EventPosition;
use crate::store::events::Entry;

/// How many entries may wait for one subscriber.
const CAPACITY: usize = 1024;

/// What one can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// All that happens in a workspace.
    Workspace(Uuid),
    /// All that concerns a user personally.
    Person(UserId),
}

/// An entry, and the users whom it concerns.
pub struct Delivery {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Whom it concerns.
    pub concerned: Vec<UserId>,
}

/// Hands entries to subscribers. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Whether there is a mark.
    ready: watch::Sender<bool>,
    arrived: Notify,
    capacity: usize,
}

#[derive(Default)]
struct State {
    /// The last place that was handed on, of all workspaces.
    mark: Option<EventPosition>,
    closed: bool,
    next: u64,
    streams: HashMap<Topic, HashMap<u64, Stream>>,
}

/// The way to one who listens.
struct Stream {
    sender: mpsc::Sender<Arc<Entry>>,
    /// When there was no room for more.
    cut_off: Arc<OnceLock<Instant>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Hub {
    /// One where so many entries may wait for a subscriber.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            ready: watch::Sender::new(false),
            arrived: Notify::new(),
            capacity,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    /// The last place that was handed on. None before the first look at the log.
    pub fn mark(&self) -> Option<EventPosition> {
        self.state().mark
    }

    /// Begins after a place: what comes later will be handed on.
    pub fn begin(&self, mark: EventPosition) {
        self.state().mark = Some(mark);
        self.0.ready.send_replace(true);
    }

    /// Goes on to a place without handing anything on, if nobody listens.
    pub fn skip_to(&self, mark: EventPosition) -> bool {
        let mut state = self.state();
        let unheard = state.streams.is_empty();
        if unheard {
            state.mark = state.mark.max(Some(mark));
        }
        unheard
    }

    /// Waits until somebody listens again, after nobody did.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// Hands entries on, which are the next of the log; tells how often. Who has no room for one is cut off.
    pub fn publish(&self, news: &[Delivery]) -> usize {
        let mut state = self.state();
        let mut times = 0;
        for Delivery { entry, concerned } in news {
            times += state.send(Topic::Workspace(entry.workspace_id), entry);
            for user in concerned {
                times += state.send(Topic::Person(*user), entry);
            }
            state.mark = Some(entry.place);
        }
        times
    }

    /// Listens from now on. Entries after the mark come by the channel, those up to it are in the log. Waits for the first
    /// look at the log.
    pub async fn listen(&self, topic: Topic) -> Receiver {
        // The sender lives as long as the hub.
        let _ = self.0.ready.subscribe().wait_for(|ready| *ready).await;
        let (sender, receiver) = mpsc::channel(self.0.capacity);
        let mut state = self.state();
        let (id, mark) = (state.next, state.mark.unwrap_or_default());
        let cut_off = Arc::<OnceLock<Instant>>::default();
        state.next += 1;
        if !state.closed {
            if state.streams.is_empty() {
                self.0.arrived.notify_one();
            }
            state.streams.entry(topic).or_default().insert(id, Stream { sender, cut_off: cut_off.clone() });
        }
        Receiver { hub: self.clone(), topic, id, mark, receiver, cut_off }
    }

    /// Cuts off everybody who listens; they may come again.
    pub fn cut_off_all(&self) {
        self.state().streams.clear();
    }

    /// Ends: everybody who listens is told so, and whoever comes from now on.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.streams.clear();
        self.0.ready.send_replace(true);
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// How many are listening.
    pub fn listeners(&self) -> usize {
        self.state().streams.values().map(HashMap::len).sum()
    }
}

impl State {
    fn send(&mut self, topic: Topic, entry: &Arc<Entry>) -> usize {
        let Some(streams) = self.streams.get_mut(&topic) else { return 0 };
        streams.retain(|_, stream| {
            let sent = stream.sender.try_send(entry.clone()).is_ok();
            if !sent {
                let _ = stream.cut_off.set(Instant::now());
            }
            sent
        });
        streams.len()
    }
}

/// One who listens. They no longer do when this is dropped.
pub struct Receiver {
    hub: Hub,
    topic: Topic,
    id: u64,
    /// Entries up to this place do not come by the channel.
    pub mark: EventPosition,
    receiver: mpsc::Receiver<Arc<Entry>>,
    cut_off: Arc<OnceLock<Instant>>,
}

impl Receiver {
    /// The entries that have come, at least one. Empty: cut off.
    pub async fn heard(&mut self, limit: usize) -> Vec<Arc<Entry>> {
        let mut heard = Vec::new();
        self.receiver.recv_many(&mut heard, limit).await;
        heard
    }

    /// Whether nothing waits, and more may come.
    pub fn is_drained(&self) -> bool {
        !self.receiver.is_closed() && self.receiver.is_empty()
    }

    /// When more came than waits for one who listens; none while it did not.
    pub fn cut_off(&self) -> Option<Instant> {
        self.cut_off.get().copied()
    }

    /// Listens to the same, from now on.
    pub async fn again(&self) -> Self {
        self.hub.listen(self.topic).await
    }

    /// Whether the hub has ended.
    pub fn is_closed(&self) -> bool {
        self.hub.is_closed()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(streams) = state.streams.get_mut(&self.topic) {
            streams.remove(&self.id);
            if streams.is_empty() {
                state.streams.remove(&self.topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Clock;

    fn news(workspace: u128, sequence: i64) -> Delivery {
        let place = EventPosition { transaction: 1, sequence };
        let entry = Entry {
            place,
            id: Uuid::from_u128(sequence as u128).into(),
            workspace_id: Uuid::from_u128(workspace),
            kind: None,
            at: Clock::default().now(),
            actor_id: None,
            subject_id: String::new(),
            person_id: None,
            email: None,
            changes: Vec::new(),
            tied_ids: Vec::new(),
        };
        Delivery { entry: Arc::new(entry), concerned: Vec::new() }
    }

    fn hub() -> Hub {
        let hub = Hub::with_capacity(2);
        hub.begin(EventPosition::default());
        hub
    }

    #[tokio::test]
    async fn each_hears_what_it_listens_to_in_order() {
        let hub = hub();
        let mut first = hub.listen(Topic::Workspace(Uuid::from_u128(1))).await;
        let mut second = hub.listen(Topic::Workspace(Uuid::from_u128(2))).await;
        hub.publish(&[news(1, 1), news(2, 2), news(1, 3)]);
        let places = |heard: Vec<Arc<Entry>>| heard.iter().map(|entry| entry.place.sequence).collect::<Vec<_>>();
        assert_eq!(places(first.heard(9).await), [1, 3]);
        assert_eq!(places(second.heard(9).await), [2]);
        assert_eq!(hub.mark(), Some(EventPosition { transaction: 1, sequence: 3 }));
    }

    #[tokio::test]
    async fn who_is_too_slow_is_cut_off_and_holds_up_nobody() {
        let hub = hub();
        let mut slow = hub.listen(Topic::Workspace(Uuid::from_u128(1))).await;
        let mut quick = hub.listen(Topic::Workspace(Uuid::from_u128(1))).await;
        for sequence in 1..=4 {
            hub.publish(&[news(1, sequence)]);
            assert_eq!(quick.heard(9).await.len(), 1);
        }
        assert_eq!(slow.heard(9).await.len(), 2, "what had room");
        assert!(slow.heard(9).await.is_empty() && !slow.is_closed());
        assert_eq!(hub.listeners(), 1);
        drop(quick);
        assert_eq!(hub.listeners(), 0);
    }

    #[tokio::test]
    async fn what_nobody_listens_to_is_passed_over() {
        let hub = hub();
        let later = EventPosition { transaction: 5, sequence: 0 };
        assert!(hub.skip_to(later) && hub.skip_to(EventPosition::default()));
        assert_eq!(hub.mark(), Some(later));

        let live = hub.listen(Topic::Workspace(Uuid::from_u128(1))).await;
        hub.arrived().await;
        assert!(!hub.skip_to(EventPosition { transaction: 6, sequence: 0 }));
        assert_eq!((live.mark, hub.mark()), (later, Some(later)));
    }

    #[tokio::test]
    async fn who_comes_after_the_end_is_told_so() {
        let hub = hub();
        let mut before = hub.listen(Topic::Person(Uuid::from_u128(1).into())).await;
        hub.close();
        assert!(before.heard(9).await.is_empty() && before.is_closed());
        let mut after = hub.listen(Topic::Person(Uuid::from_u128(1).into())).await;
        assert!(after.heard(9).await.is_empty() && after.is_closed());
    }
}

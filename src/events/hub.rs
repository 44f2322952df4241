//! In-process broadcaster: takes entries from the dispatcher and sends them to the subscribers of this process.
//!
//! Each subscriber has a bounded channel. A subscriber whose channel overflows is disconnected, so that it does not
//! delay the others; it may subscribe again.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio::sync::{Notify, mpsc, watch};
use uuid::Uuid;

use crate::domain::UserId;
use crate::domain::event::EventPosition;
use crate::domain::event_epoch::EventEpochs;
use crate::store::events::Entry;

/// Maximum number of entries that wait for one subscriber.
const CAPACITY: usize = 1024;

/// A subject that subscribers choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// All events of a workspace.
    Workspace(Uuid),
    /// All events about a user.
    Person(UserId),
}

/// An entry of the log with the users that it is about.
pub struct Delivery {
    /// Entry of the log.
    pub entry: Arc<Entry>,
    /// Users that the entry is about.
    pub recipients: Vec<UserId>,
}

/// Broadcasts entries to subscribers. Clones share the subscribers.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Whether the position is set.
    ready: watch::Sender<bool>,
    first_subscriber: Notify,
    capacity: usize,
    epochs: RwLock<Arc<EventEpochs>>,
}

#[derive(Default)]
struct State {
    /// Position of the last published entry, over all workspaces.
    position: Option<EventPosition>,
    closed: bool,
    next_id: u64,
    subscribers: HashMap<Topic, HashMap<u64, Subscriber>>,
}

/// The sending side of a subscription.
struct Subscriber {
    sender: mpsc::Sender<Arc<Entry>>,
    /// When the channel overflowed.
    overflowed_at: Arc<OnceLock<Instant>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Hub {
    /// Creates a hub whose channels hold up to `capacity` entries.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            ready: watch::Sender::new(false),
            first_subscriber: Notify::new(),
            capacity,
            epochs: RwLock::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    /// Returns the position of the last published entry; `None` before [`Hub::start_at`].
    pub fn position(&self) -> Option<EventPosition> {
        self.state().position
    }

    /// Returns the epochs of the log.
    pub fn epochs(&self) -> Arc<EventEpochs> {
        self.0.epochs.read().clone()
    }

    /// Sets the epochs of the log.
    pub fn set_epochs(&self, epochs: EventEpochs) {
        *self.0.epochs.write() = Arc::new(epochs);
    }

    /// Sets the position: later entries will be published.
    pub fn start_at(&self, position: EventPosition) {
        self.state().position = Some(position);
        self.0.ready.send_replace(true);
    }

    /// Moves the position forward without publishing, and returns true, if the hub has no subscribers.
    pub fn skip_to(&self, position: EventPosition) -> bool {
        let mut state = self.state();
        let has_no_subscribers = state.subscribers.is_empty();
        if has_no_subscribers {
            state.position = state.position.max(Some(position));
        }
        has_no_subscribers
    }

    /// Waits until the number of subscribers rises from zero.
    pub async fn first_subscriber(&self) {
        self.0.first_subscriber.notified().await;
    }

    /// Publishes the next entries of the log, and returns the number of deliveries. Disconnects subscribers whose
    /// channel is full.
    pub fn publish(&self, batch: &[Delivery]) -> usize {
        let mut state = self.state();
        let mut deliveries = 0;
        for Delivery { entry, recipients } in batch {
            deliveries += state.send(Topic::Workspace(entry.workspace_id), entry);
            for user in recipients {
                deliveries += state.send(Topic::Person(*user), entry);
            }
            state.position = Some(entry.place);
        }
        deliveries
    }

    /// Subscribes to a topic. The channel gets the entries after the hub's current position; earlier entries are in the
    /// log. Waits until the position is set.
    pub async fn subscribe(&self, topic: Topic) -> Receiver {
        // Cannot fail: the sender lives as long as the hub.
        let _ = self.0.ready.subscribe().wait_for(|ready| *ready).await;
        let (sender, receiver) = mpsc::channel(self.0.capacity);
        let mut state = self.state();
        let (id, position) = (state.next_id, state.position.unwrap_or_default());
        let overflowed_at = Arc::<OnceLock<Instant>>::default();
        state.next_id += 1;
        if !state.closed {
            if state.subscribers.is_empty() {
                self.0.first_subscriber.notify_one();
            }
            let subscriber = Subscriber { sender, overflowed_at: overflowed_at.clone() };
            state.subscribers.entry(topic).or_default().insert(id, subscriber);
        }
        Receiver { hub: self.clone(), topic, id, position, receiver, overflowed_at }
    }

    /// Disconnects all subscribers; they may subscribe again.
    pub fn disconnect_all(&self) {
        self.state().subscribers.clear();
    }

    /// Closes the hub: current and future subscribers get no more entries.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.subscribers.clear();
        self.0.ready.send_replace(true);
    }

    /// Returns whether the hub is closed.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Returns the number of subscribers.
    pub fn listeners(&self) -> usize {
        self.state().subscribers.values().map(HashMap::len).sum()
    }
}

impl State {
    fn send(&mut self, topic: Topic, entry: &Arc<Entry>) -> usize {
        let Some(subscribers) = self.subscribers.get_mut(&topic) else { return 0 };
        subscribers.retain(|_, subscriber| {
            let sent = subscriber.sender.try_send(entry.clone()).is_ok();
            if !sent {
                let _ = subscriber.overflowed_at.set(Instant::now());
            }
            sent
        });
        subscribers.len()
    }
}

/// The receiving side of a subscription, which ends when this is dropped.
pub struct Receiver {
    hub: Hub,
    topic: Topic,
    id: u64,
    /// Position of the hub at the time of subscribing: the channel gets only later entries.
    pub position: EventPosition,
    receiver: mpsc::Receiver<Arc<Entry>>,
    overflowed_at: Arc<OnceLock<Instant>>,
}

impl Receiver {
    /// Waits for entries, and returns up to `limit` of them. Returns none if the subscriber was disconnected.
    pub async fn recv(&mut self, limit: usize) -> Vec<Arc<Entry>> {
        let mut entries = Vec::new();
        self.receiver.recv_many(&mut entries, limit).await;
        entries
    }

    /// Returns whether the channel is empty and still connected.
    pub fn is_drained(&self) -> bool {
        !self.receiver.is_closed() && self.receiver.is_empty()
    }

    /// Returns when the channel overflowed; `None` if it did not.
    pub fn overflowed_at(&self) -> Option<Instant> {
        self.overflowed_at.get().copied()
    }

    /// Subscribes to the same topic again, from now on.
    pub async fn resubscribe(&self) -> Self {
        self.hub.subscribe(self.topic).await
    }

    /// Returns whether the hub is closed.
    pub fn is_closed(&self) -> bool {
        self.hub.is_closed()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(subscribers) = state.subscribers.get_mut(&self.topic) {
            subscribers.remove(&self.id);
            if subscribers.is_empty() {
                state.subscribers.remove(&self.topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Clock;

    fn delivery(workspace: u128, sequence: i64) -> Delivery {
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
        Delivery { entry: Arc::new(entry), recipients: Vec::new() }
    }

    fn hub() -> Hub {
        let hub = Hub::with_capacity(2);
        hub.start_at(EventPosition::default());
        hub
    }

    #[tokio::test]
    async fn publish_delivers_entries_of_the_topic_in_order() {
        let hub = hub();
        let mut first = hub.subscribe(Topic::Workspace(Uuid::from_u128(1))).await;
        let mut second = hub.subscribe(Topic::Workspace(Uuid::from_u128(2))).await;
        hub.publish(&[delivery(1, 1), delivery(2, 2), delivery(1, 3)]);
        let sequences = |entries: Vec<Arc<Entry>>| entries.iter().map(|entry| entry.place.sequence).collect::<Vec<_>>();
        assert_eq!(sequences(first.recv(9).await), [1, 3]);
        assert_eq!(sequences(second.recv(9).await), [2]);
        assert_eq!(hub.position(), Some(EventPosition { transaction: 1, sequence: 3 }));
    }

    #[tokio::test]
    async fn publish_disconnects_a_slow_subscriber_and_serves_the_others() {
        let hub = hub();
        let mut slow = hub.subscribe(Topic::Workspace(Uuid::from_u128(1))).await;
        let mut quick = hub.subscribe(Topic::Workspace(Uuid::from_u128(1))).await;
        for sequence in 1..=4 {
            hub.publish(&[delivery(1, sequence)]);
            assert_eq!(quick.recv(9).await.len(), 1);
        }
        assert_eq!(slow.recv(9).await.len(), 2, "as many as its channel holds");
        assert!(slow.recv(9).await.is_empty() && !slow.is_closed());
        assert_eq!(hub.listeners(), 1);
        drop(quick);
        assert_eq!(hub.listeners(), 0);
    }

    #[tokio::test]
    async fn skip_to_moves_the_position_only_without_subscribers() {
        let hub = hub();
        let later = EventPosition { transaction: 5, sequence: 0 };
        assert!(hub.skip_to(later) && hub.skip_to(EventPosition::default()));
        assert_eq!(hub.position(), Some(later));

        let receiver = hub.subscribe(Topic::Workspace(Uuid::from_u128(1))).await;
        hub.first_subscriber().await;
        assert!(!hub.skip_to(EventPosition { transaction: 6, sequence: 0 }));
        assert_eq!((receiver.position, hub.position()), (later, Some(later)));
    }

    #[tokio::test]
    async fn subscribe_returns_a_closed_receiver_after_close() {
        let hub = hub();
        let mut before = hub.subscribe(Topic::Person(Uuid::from_u128(1).into())).await;
        hub.close();
        assert!(before.recv(9).await.is_empty() && before.is_closed());
        let mut after = hub.subscribe(Topic::Person(Uuid::from_u128(1).into())).await;
        assert!(after.recv(9).await.is_empty() && after.is_closed());
    }
}

//! Those who wait for a connection because all are busy. Whose request began first is served first, and with them whoever wants the
//! same: the busier the database, the more of it is done at once.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use diesel::result::Error;

use super::{Pooled, Store, away};

/// Most that are served at once.
pub(super) const MOST: usize = 16;

/// Somebody who waits.
pub(super) trait Waiter: Send + Sized + 'static {
    /// Whether both want the same, and may be served together.
    fn goes_with(&self, other: &Self) -> bool;
    /// Most of those who want the same to be served together.
    fn most(&self) -> usize;
    /// Whether they have gone away.
    fn is_gone(&self) -> bool;
    /// Tells them that there is no connection.
    fn refuse(self, cause: Error);
    /// Serves them.
    fn serve(store: Store, connection: Pooled, together: Vec<Self>) -> impl Future<Output = ()> + Send;
    /// Where they wait.
    fn line(store: &Store) -> &Line<Self>;
}

/// A line.
pub(super) struct Line<W>(Mutex<Waiting<W>>);

struct Waiting<W> {
    /// In the order in which the requests began that they come from.
    queue: VecDeque<Place<W>>,
    /// Whether somebody is about to serve them.
    is_attended: bool,
}

struct Place<W> {
    /// When the request began.
    began: Instant,
    /// Since when they wait.
    since: Instant,
    waiter: W,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { queue: VecDeque::new(), is_attended: false }))
    }
}

impl<W: Waiter> Line<W> {
    /// Puts somebody behind those whose requests began before theirs: what has begun is finished before more is begun, which would
    /// only be more to keep in memory.
    pub fn join(store: &Store, began: Instant, waiter: W) {
        let was_attended = W::line(store).with(|waiting| {
            let place = waiting.queue.partition_point(|other| other.began <= began);
            waiting.queue.insert(place, Place { began, since: Instant::now(), waiter });
            std::mem::replace(&mut waiting.is_attended, true)
        });
        if !was_attended {
            tokio::spawn(attend::<W>(store.clone()));
        }
    }

    fn with<R>(&self, look: impl FnOnce(&mut Waiting<W>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W: Waiter> Waiting<W> {
    /// The next to be served.
    fn next(&mut self) -> Vec<W> {
        self.queue.retain(|place| !place.waiter.is_gone());
        let Some(Place { waiter: first, .. }) = self.queue.pop_front() else { return Vec::new() };
        let most = first.most();
        let mut together = vec![first];
        for place in std::mem::take(&mut self.queue) {
            if together.len() < most && place.waiter.goes_with(&together[0]) {
                together.push(place.waiter);
            } else {
                self.queue.push_back(place);
            }
        }
        together
    }

    /// Those who wait since then or longer.
    fn since(&mut self, then: Instant) -> Vec<W> {
        let (long, rest): (VecDeque<_>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|place| place.since <= then);
        self.queue = rest;
        long.into_iter().map(|place| place.waiter).collect()
    }
}

/// Somebody who serves a line. If that fails altogether, nobody is left to wait for what does not come.
struct Attendant<W: Waiter>(Store, PhantomData<fn(W)>);

impl<W: Waiter> Drop for Attendant<W> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            W::line(&self.0).with(|waiting| *waiting = Waiting { queue: VecDeque::new(), is_attended: false });
        }
    }
}

/// Serves a line until nobody is left.
async fn attend<W: Waiter>(store: Store) {
    let _attendant = Attendant::<W>(store.clone(), PhantomData);
    loop {
        let began = Instant::now();
        let lent = store.lend_next().await;
        let (together, is_last) = W::line(&store).with(|waiting| {
            let together = if lent.is_ok() { waiting.next() } else { waiting.since(began) };
            waiting.is_attended = !waiting.queue.is_empty();
            (together, !waiting.is_attended)
        });
        match lent {
            Ok(connection) if !together.is_empty() => _ = tokio::spawn(W::serve(store.clone(), connection, together)),
            Ok(_) => {}
            Err(cause) => together.into_iter().for_each(|waiter| waiter.refuse(away(&cause))),
        }
        if is_last {
            return;
        }
    }
}

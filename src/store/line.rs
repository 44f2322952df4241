//! Those who wait for a connection because all are busy. Who came first is served first, and with them whoever wants the same: the
//! busier the database, the more of it is done at once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use diesel::result::Error;

use super::{Pooled, Store};

/// Most that are served at once.
const MOST: usize = 16;

static MOST_NOW: std::sync::LazyLock<usize> = std::sync::LazyLock::new(|| std::env::var("GH_MOST").ok().and_then(|v| v.parse().ok()).unwrap_or(MOST));
/// Somebody who waits.
pub(super) trait Waiter: Send + Sized + 'static {
    /// What for: who wants the same is served together.
    fn wants(&self) -> &str;
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
    queue: VecDeque<W>,
    /// Whether somebody is about to serve them.
    is_attended: bool,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { queue: VecDeque::new(), is_attended: false }))
    }
}

impl<W: Waiter> Line<W> {
    /// Puts somebody at the end.
    pub fn join(store: &Store, waiter: W) {
        let was_attended = W::line(store).with(|waiting| {
            waiting.queue.push_back(waiter);
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
        self.queue.retain(|waiter| !waiter.is_gone());
        let Some(first) = self.queue.pop_front() else { return Vec::new() };
        let mut together = vec![first];
        for waiter in std::mem::take(&mut self.queue) {
            if together.len() < *MOST_NOW && waiter.wants() == together[0].wants() {
                together.push(waiter);
            } else {
                self.queue.push_back(waiter);
            }
        }
        together
    }
}

/// Serves a line until nobody is left.
async fn attend<W: Waiter>(store: Store) {
    loop {
        let lent = store.lend_next().await;
        let (together, is_last) = W::line(&store).with(|waiting| {
            let together = if lent.is_ok() { waiting.next() } else { waiting.queue.drain(..).collect() };
            waiting.is_attended = !waiting.queue.is_empty();
            (together, !waiting.is_attended)
        });
        match lent {
            Ok(connection) if !together.is_empty() => _ = tokio::spawn(W::serve(store.clone(), connection, together)),
            Ok(_) => {}
            Err(cause) => together.into_iter().for_each(|waiter| waiter.refuse(super::away(&cause))),
        }
        if is_last {
            return;
        }
    }
}

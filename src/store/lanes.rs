//! How many connections are in use before those who come wait, to be served together. Whoever takes long is not counted, since
//! nothing is gained by waiting for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// For how long somebody is counted.
const PATIENCE: Duration = Duration::from_millis(5);

/// The lanes of a pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Shared>);

struct Shared {
    number: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    /// Since when those are on their way who are.
    since: Vec<Instant>,
    /// How many wait.
    waiting: usize,
}

/// A lane, until it is dropped.
pub(super) struct Lane {
    lanes: Lanes,
    since: Instant,
}

/// Somebody who waits.
struct Waiting<'l>(&'l Lanes);

impl Lanes {
    /// So many.
    pub fn new(number: usize) -> Self {
        Self(Arc::new(Shared { number, state: Mutex::default(), freed: Notify::new() }))
    }

    /// One that is free, if nobody waits for it.
    pub fn free(&self) -> Option<Lane> {
        let mut state = self.state();
        if state.waiting > 0 { None } else { self.take(&mut state).ok() }
    }

    /// The next that is free.
    pub async fn next(&self) -> Lane {
        let _waiting = Waiting::at(self);
        loop {
            let until = match self.take(&mut self.state()) {
                Ok(lane) => return lane,
                Err(until) => until,
            };
            let _ = timeout(until.saturating_duration_since(Instant::now()), self.0.freed.notified()).await;
        }
    }

    /// A lane, or when the first of those who are counted will not be any more.
    fn take(&self, state: &mut State) -> Result<Lane, Instant> {
        let now = Instant::now();
        let counted = |since: &&Instant| now.duration_since(**since) < PATIENCE;
        let first = state.since.iter().filter(counted).min().copied();
        match first {
            Some(first) if state.since.iter().filter(counted).count() >= self.0.number => Err(first + PATIENCE),
            _ => {
                state.since.push(now);
                Ok(Lane { lanes: self.clone(), since: now })
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut state = self.lanes.state();
        if let Some(place) = state.since.iter().position(|since| *since == self.since) {
            state.since.swap_remove(place);
        }
        drop(state);
        self.lanes.0.freed.notify_one();
    }
}

impl<'l> Waiting<'l> {
    fn at(lanes: &'l Lanes) -> Self {
        lanes.state().waiting += 1;
        Self(lanes)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
        // What it was told of is for the next one.
        self.0.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_to_lanes_in_use_waits_for_the_first_that_is_free() {
        let lanes = Lanes::new(2);
        let (first, _second) = (lanes.free().expect("a lane"), lanes.free().expect("another"));
        assert!(lanes.free().is_none());
        let next = tokio::spawn({
            let lanes = lanes.clone();
            async move { lanes.next().await }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(lanes.free().is_none(), "somebody waited longer");
        let _third = next.await.expect("a lane");
        assert!(lanes.free().is_none());
    }

    #[tokio::test]
    async fn who_takes_long_is_not_waited_for() {
        let lanes = Lanes::new(1);
        let _long = lanes.free().expect("a lane");
        let began = Instant::now();
        let _next = lanes.next().await;
        assert!(began.elapsed() >= Duration::from_millis(4) && began.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(PATIENCE).await;
        assert!(lanes.free().is_some());
    }
}

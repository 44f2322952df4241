//! Limit on the number of connections in use for reads. While it is reached, reads wait and are batched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Time after which a permit no longer counts: waiting for a slow statement delays a batch without making it larger.
const COUNTED_FOR: Duration = Duration::from_millis(5);

/// Concurrency limiter for reads. Cheap to clone.
#[derive(Clone)]
pub(super) struct InFlightLimit(Arc<Shared>);

struct Shared {
    limit: usize,
    state: Mutex<State>,
    released: Notify,
}

#[derive(Default)]
struct State {
    /// Time at which each permit in use was acquired.
    acquired_at: Vec<Instant>,
    /// Number of callers that wait for a permit.
    waiting: usize,
}

/// Permit to use a connection; it is released on drop.
pub(in crate::store) struct Permit {
    limit: InFlightLimit,
    acquired_at: Instant,
}

impl InFlightLimit {
    /// Returns a limiter with `limit` permits.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, state: Mutex::default(), released: Notify::new() }))
    }

    /// Returns a permit if one is free and no other caller waits for one.
    pub fn try_acquire(&self) -> Option<Permit> {
        let mut state = self.0.state.lock();
        if state.waiting > 0 { None } else { self.take(&mut state).ok() }
    }

    /// Waits until a permit is free.
    pub async fn acquire(&self) -> Permit {
        let _waiting = Waiting::enter(self);
        loop {
            let retry_at = match self.take(&mut self.0.state.lock()) {
                Ok(permit) => return permit,
                Err(retry_at) => retry_at,
            };
            let _ = timeout(retry_at.saturating_duration_since(Instant::now()), self.0.released.notified()).await;
        }
    }

    /// Returns a permit, or the time at which the oldest permit no longer counts.
    fn take(&self, state: &mut State) -> Result<Permit, Instant> {
        let now = Instant::now();
        let counted = state.acquired_at.iter().filter(|at| now.duration_since(**at) < COUNTED_FOR);
        let (oldest, number) = (counted.clone().min().copied(), counted.count());
        match oldest {
            Some(oldest) if number >= self.0.limit => Err(oldest + COUNTED_FOR),
            _ => {
                state.acquired_at.push(now);
                Ok(Permit { limit: self.clone(), acquired_at: now })
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limit.0.state.lock();
        if let Some(index) = state.acquired_at.iter().position(|at| *at == self.acquired_at) {
            state.acquired_at.swap_remove(index);
        }
        drop(state);
        self.limit.0.released.notify_one();
    }
}

/// Counts a caller as waiting; dropping it ends the wait.
struct Waiting<'l>(&'l InFlightLimit);

impl<'l> Waiting<'l> {
    fn enter(limit: &'l InFlightLimit) -> Self {
        limit.0.state.lock().waiting += 1;
        Self(limit)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.state.lock().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn acquire_waits_for_the_first_permit_that_is_released() {
        let limit = InFlightLimit::new(2);
        let (first, _second) = (limit.try_acquire().expect("a permit"), limit.try_acquire().expect("another"));
        assert!(limit.try_acquire().is_none());
        let next = tokio::spawn({
            let limit = limit.clone();
            async move { limit.acquire().await }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(limit.try_acquire().is_none(), "a waiting caller comes first");
        let _third = next.await.expect("a permit");
        assert!(limit.try_acquire().is_none());
    }

    #[tokio::test]
    async fn acquire_does_not_wait_for_a_permit_that_is_used_for_long() {
        let limit = InFlightLimit::new(1);
        let _long = limit.try_acquire().expect("a permit");
        let began = Instant::now();
        let _next = limit.acquire().await;
        assert!(began.elapsed() >= Duration::from_millis(4) && began.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(COUNTED_FOR).await;
        assert!(limit.try_acquire().is_some());
    }

    #[tokio::test]
    async fn acquire_that_is_given_up_leaves_the_permit_to_the_next_caller() {
        let limit = InFlightLimit::new(1);
        let held = limit.try_acquire().expect("a permit");
        {
            let given_up = limit.acquire();
            tokio::pin!(given_up);
            assert!(futures_util::poll!(&mut given_up).is_pending());
            drop(held);
        }
        assert!(limit.try_acquire().is_some());
    }
}

//! Runs password hashing and strength checks on blocking threads, on at most half of the cores, so that async workers
//! and other requests do not wait for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::InternalError;

/// Maximum wait for a permit.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Limits how many passwords are processed concurrently. Clones share the limit.
#[derive(Clone)]
pub struct PasswordPool {
    permits: Arc<Semaphore>,
    max_wait: Duration,
}

impl PasswordPool {
    /// Creates a pool for half of the cores, at least one.
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(size())), max_wait: MAX_WAIT }
    }

    /// Runs `work` on a blocking thread. Fails with a transient error if no permit is free within 30 s.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, InternalError> {
        let permit = tokio::time::timeout(self.max_wait, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit
            .map_err(|_| InternalError::transient("too many passwords wait to be hashed"))?
            .map_err(InternalError::new)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work has ended, also if the request is cancelled.
            let _permit = permit;
            work()
        });
        done.await.map_err(InternalError::new)
    }
}

fn size() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn run_works_on_no_more_than_half_of_the_cores() {
        let (pool, running, most) = (PasswordPool::new(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = |_| {
            let (running, most) = (running.clone(), most.clone());
            pool.run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(1));
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let done = futures_util::future::join_all((0..50).map(work)).await;
        assert!(done.iter().all(Result::is_ok));
        assert!(most.load(Ordering::SeqCst) <= size());
    }

    #[tokio::test]
    async fn run_gives_up_when_no_thread_becomes_free() {
        let pool = PasswordPool { max_wait: Duration::from_millis(20), ..PasswordPool::new() };
        let taken = pool.permits.clone().acquire_many_owned(size() as u32).await.unwrap();
        assert!(pool.run(|| ()).await.unwrap_err().transient);
        drop(taken);
        pool.run(|| ()).await.unwrap();
    }

    #[tokio::test]
    async fn run_survives_a_panic_of_the_work() {
        let pool = PasswordPool::new();
        for _ in 0..2 * size() {
            assert!(pool.run::<()>(|| panic!("on purpose")).await.is_err());
        }
        pool.run(|| ()).await.unwrap();
    }
}

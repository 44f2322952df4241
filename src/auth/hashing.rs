//! Where passwords are hashed: on threads of their own beside the async workers, few at a time, and behind everything else that
//! wants the processor. Who signs in may wait; who asks a query does not wait for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::domain::Fault;

/// Longest that somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much less the processor is theirs than others': a quarter of it where both want all of it (`nice`).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Bounds how much is hashed at a time. Cheap to clone; the clones share the bound.
#[derive(Clone)]
pub struct Hashing {
    turns: Arc<Semaphore>,
}

impl Hashing {
    /// On half of the cores, and at least one.
    pub fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(room())) }
    }

    /// Does `work` when its turn comes. Fails if that takes too long: too many want to sign in.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| Fault::passing("too many passwords wait to be hashed"))?.map_err(Fault::new)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _turn = turn;
            // A thread for each: that costs a thousandth of the work, and its priority is nobody else's. It locks nothing and
            // wakes nobody: others would wait until it has the processor again.
            let thread = std::thread::Builder::new().name("hashing".to_owned()).spawn(move || {
                step_back();
                work()
            });
            thread.map(std::thread::JoinHandle::join)
        });
        let done = done.await.map_err(Fault::new)?.map_err(Fault::passing)?;
        done.map_err(|_| Fault::new("panicked while hashing a password"))
    }
}

/// How many at a time.
fn room() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

/// Lets others go first. Where that cannot be had, the bound has to do.
fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_is_done_at_a_time_than_there_is_room_for() {
        let (hashing, running, most) = (Hashing::new(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = |_| {
            let (running, most) = (running.clone(), most.clone());
            hashing.run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let done = futures_util::future::join_all((0..100).map(work)).await;
        assert!(done.iter().all(Result::is_ok));
        assert!(most.load(Ordering::SeqCst) <= room());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_hashed_lets_others_go_first_and_nobody_else_does() {
        let of_thread = || rustix::process::getpriority_process(Some(rustix::thread::gettid()));
        let before = of_thread().unwrap();
        assert_eq!(Hashing::new().run(of_thread).await.unwrap().unwrap(), before.max(NICENESS));
        assert_eq!(of_thread().unwrap(), before);
    }
}

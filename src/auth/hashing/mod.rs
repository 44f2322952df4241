//! Where passwords are hashed: on threads of their own beside the async workers, few at a time, and behind everything else that
//! wants the processor. Who signs in may wait; who asks a query does not wait for them.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod yielding;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod yielding {
    pub enum Yielding {}

    impl Yielding {
        pub fn begin() -> Option<Self> {
            None
        }
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::Block;
use tokio::sync::Semaphore;

use self::yielding::Yielding;
use crate::domain::Fault;

/// Longest that somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than this takes no password for which there is an idle processor now and then: where there is one seldom, a thread that
/// yielded may be away for a second.
const CROWDED: Duration = Duration::from_secs(2);
/// How long it is believed that there is none.
const CROWDED_FOR: Duration = Duration::from_secs(10);
/// How much less the processor is theirs than others' where none is idle: a quarter of it where both want all of it (`nice`).
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Bounds how much is hashed at a time. Cheap to clone; the clones share the bound.
#[derive(Clone)]
pub struct Hashing {
    turns: Arc<Semaphore>,
    /// Of those before, for the next: kept only while somebody waits for a turn.
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
    /// Until when there is no idle processor to be had.
    crowded_until: Arc<Mutex<Option<Instant>>>,
}

/// Which part of the processor's time it may have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Share {
    /// What nobody else wants: others do not wait for it at all.
    Idle,
    /// A small one, for which others wait now and then.
    Small,
}

impl Hashing {
    /// On half of the cores, and at least one.
    pub fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(room())), memory: Arc::default(), crowded_until: Arc::default() }
    }

    /// Does `work` when its turn comes, with so many blocks of memory, in which anything may be. Fails if that takes too long: too
    /// many want to sign in.
    pub async fn run<T: Send + 'static>(
        &self,
        blocks: usize,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| Fault::passing("too many passwords wait to be hashed"))?.map_err(Fault::new)?;
        let hashing = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = hashing.work(blocks, work);
            // Held until the work is done, even if nobody waits for it any more.
            drop(turn);
            hashing.free_memory();
            done
        });
        done.await.map_err(Fault::new)?
    }

    fn work<T: Send + 'static>(
        &self,
        blocks: usize,
        work: impl FnOnce(&mut [Block]) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let (share, began) = (self.share(), Instant::now());
        // Had, touched and given back out here: the thread is to take no lock, not even one of the allocator or the kernel, since
        // it might keep it for as long as others want the processor.
        let mut memory = self.memory().pop().unwrap_or_default();
        memory.resize(blocks.max(memory.len()), Block::default());
        // A thread for each: that costs a thousandth of the work, and its priority is nobody else's.
        let thread = std::thread::Builder::new().name("hashing".to_owned()).spawn(move || {
            let _yielding = share.take();
            catch_unwind(AssertUnwindSafe(|| work(&mut memory[..blocks]))).map(|done| (done, memory))
        });
        let done = thread.map_err(Fault::passing)?.join().flatten();
        self.note(began.elapsed());
        let (done, memory) = done.map_err(|_| Fault::new("panicked while hashing a password"))?;
        self.memory().push(memory);
        Ok(done)
    }

    fn memory(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives it back when nobody waits for a turn.
    fn free_memory(&self) {
        if self.turns.available_permits() == room() {
            self.memory().clear();
        }
    }

    /// The share that the next one takes. Where the processors are always busy an idle one would never come, and nobody could
    /// sign in.
    fn share(&self) -> Share {
        let crowded_until = *self.crowded_until.lock().unwrap_or_else(PoisonError::into_inner);
        if crowded_until.is_some_and(|until| Instant::now() < until) { Share::Small } else { Share::Idle }
    }

    fn note(&self, took: Duration) {
        if took > CROWDED {
            let until = Instant::now() + CROWDED_FOR;
            *self.crowded_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
    }
}

/// How many at a time.
fn room() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

impl Share {
    /// Has the thread do with it from now on, and gives what it needs for that as long as it works. Where the share cannot be
    /// had, the bound has to do.
    fn take(self) -> Option<Yielding> {
        #[cfg(target_os = "linux")]
        let _ = {
            use thread_priority::{NormalThreadSchedulePolicy as Policy, ThreadPriority, ThreadSchedulePolicy};
            match self {
                Self::Idle => thread_priority::set_thread_priority_and_policy(
                    thread_priority::thread_native_id(),
                    ThreadPriority::Min,
                    ThreadSchedulePolicy::Normal(Policy::Idle),
                )
                .is_ok(),
                Self::Small => rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS).is_ok(),
            }
        };
        Yielding::begin()
    }
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
            hashing.run(1, move |_| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        };
        let done = futures_util::future::join_all((0..100).map(work)).await;
        assert!(done.iter().all(Result::is_ok));
        assert!(most.load(Ordering::SeqCst) <= room());
        assert!(hashing.memory().is_empty(), "nobody waits any more");
    }

    #[tokio::test]
    async fn there_is_as_much_memory_as_was_asked_for() {
        let hashing = Hashing::new();
        for (blocks, kept) in [(2, 2), (5, 5), (1, 5)] {
            assert_eq!(hashing.work(blocks, |memory| memory.len()).unwrap(), blocks);
            assert_eq!(hashing.memory()[0].len(), kept);
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_hashed_has_what_nobody_else_wants_and_a_small_share_where_that_is_nothing() {
        use thread_priority::{NormalThreadSchedulePolicy as Policy, ThreadSchedulePolicy, thread_schedule_policy};
        let of_thread = || {
            let niceness = rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
            (thread_schedule_policy().unwrap(), niceness)
        };
        let (before, hashing) = (of_thread(), Hashing::new());
        assert_eq!(hashing.run(1, move |_| of_thread()).await.unwrap().0, ThreadSchedulePolicy::Normal(Policy::Idle));

        hashing.run(1, |_| std::thread::sleep(CROWDED + Duration::from_millis(10))).await.unwrap();
        let normal = ThreadSchedulePolicy::Normal(Policy::Other);
        assert_eq!(hashing.run(1, move |_| of_thread()).await.unwrap(), (normal, before.1.max(NICENESS)));

        *hashing.crowded_until.lock().unwrap() = Some(Instant::now());
        assert_eq!(hashing.share(), Share::Idle);
        assert_eq!(of_thread(), before);
    }
}

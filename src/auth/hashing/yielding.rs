//! Has a thread offer its processor to whoever is ready, many times within a tick of the kernel.
//!
//! A thread that runs when nobody else wants the processor gives way to one that wakes up, but not to one that has been ready
//! since before: Linux (6.6 and later) may find that such a one has had more than its share already, and lets it wait until the
//! next tick, which takes up to 4 ms. A timer's signal has the thread yield in between.

use std::sync::LazyLock;
use std::time::Duration;

use nix::libc::{c_int, c_void, siginfo_t};
use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use vmm_sys_util::signal::register_signal_handler;

/// From one offer to the next. Half of it would make the thread's work a fifth longer.
const SPELL: Duration = Duration::from_micros(200);
/// What the timer sends. Ignored where nobody handles it, and used by nothing else here: Go's runtime chose it for the same.
const SIGNAL: Signal = Signal::SIGURG;

/// Whether the signal is handled from now on, in the whole process.
static HANDLED: LazyLock<bool> = LazyLock::new(|| register_signal_handler(SIGNAL as c_int, give_way).is_ok());

/// While it lives, the thread that began it offers its processor.
pub struct Yielding(#[expect(dead_code, reason = "it lives as long as this does")] Timer);

impl Yielding {
    /// Of this thread. None where it cannot be had.
    pub fn begin() -> Option<Self> {
        if !*HANDLED {
            return None;
        }
        let thread_id = rustix::thread::gettid().as_raw_nonzero().get();
        let told = SigEvent::new(SigevNotify::SigevThreadId { signal: SIGNAL, thread_id, si_value: 0 });
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, told).ok()?;
        timer.set(Expiration::Interval(SPELL.into()), TimerSetTimeFlags::empty()).ok()?;
        Some(Self(timer))
    }
}

/// Runs in the midst of anything, so it may do next to nothing: one system call.
extern "C" fn give_way(_: c_int, _: *mut siginfo_t, _: *mut c_void) {
    rustix::thread::sched_yield();
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Instant;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    /// How long this thread has kept a processor at a time, in the mean, while it ran for `time`.
    fn mean_spell(time: Duration) -> Duration {
        let read = || {
            let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            let [ran, _, times] = text.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<u64>>()[..] else {
                panic!()
            };
            (ran, times)
        };
        let (before, began) = (read(), Instant::now());
        while began.elapsed() < time {}
        let after = read();
        Duration::from_nanos((after.0 - before.0) / (after.1 - before.1).max(1))
    }

    #[test]
    fn of_two_that_want_one_processor_who_yields_gives_it_away_within_a_tick() {
        let all = sched_getaffinity(None).unwrap();
        let first = (0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap();
        let pin = || {
            let mut one = CpuSet::new();
            one.set(first);
            sched_setaffinity(None, &one).unwrap();
        };
        let done = AtomicBool::new(false);
        let spell = thread::scope(|scope| {
            scope.spawn(|| {
                pin();
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let yielding = scope.spawn(|| {
                pin();
                let _yielding = Yielding::begin().unwrap();
                mean_spell(Duration::from_millis(200))
            });
            let spell = yielding.join();
            done.store(true, Ordering::Relaxed);
            spell.unwrap()
        });
        assert!(spell < Duration::from_millis(1), "{spell:?}");
    }
}

//! Has a thread offer its processor to whoever is ready, many times within a tick of the kernel.
//!
//! A thread that runs when nobody else wants the processor gives way to one that wakes up, but not to one that has been ready
//! since before: Linux (6.6 and later) may find that such a one has had more than its share already, and lets it wait until the
//! next tick, which takes up to 4 ms. A timer's signal has the thread yield in between.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use nix::libc::{c_int, c_void, siginfo_t};
use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use vmm_sys_util::signal::register_signal_handler;

/// From one offer to the next: nobody waits for longer. Each offer takes some microseconds, so less would cost the work.
const SPELL: Duration = Duration::from_micros(100);
/// Who was away for longer than this, since the offer was taken, makes no other: nobody leaves the processor idle, and each
/// offer would cost a second or more.
const AWAY: Duration = Duration::from_millis(20);
/// What the timer sends. Ignored where nobody handles it, and used by nothing else here: Go's runtime chose it for the same.
const SIGNAL: Signal = Signal::SIGURG;

/// Whether the signal is handled from now on, in the whole process.
static HANDLED: LazyLock<bool> = LazyLock::new(|| register_signal_handler(SIGNAL as c_int, give_way).is_ok());

thread_local! {
    static OFFERS: Cell<Offers> = const { Cell::new(Offers::Next(None)) };
}

/// What a thread has to offer.
#[derive(Clone, Copy)]
enum Offers {
    /// As soon as it has had the processor for a while: since then, if it made offers before.
    Next(Option<Instant>),
    /// Nothing any more.
    Ended,
}

impl Offers {
    /// The timer goes on while others have the processor: its next signal is there when the thread comes back, before it has done
    /// anything. That one is not due.
    fn is_due(self, now: Instant) -> bool {
        match self {
            Self::Next(since) => since.is_none_or(|since| now - since >= SPELL / 2),
            Self::Ended => false,
        }
    }

    /// Of who made one and came back.
    fn after(made: Instant, back: Instant) -> Self {
        if back - made > AWAY { Self::Ended } else { Self::Next(Some(back)) }
    }
}

/// While it lives, the thread that began it offers its processor.
pub struct Yielding(#[expect(dead_code, reason = "it lives as long as this does")] Timer);

impl Yielding {
    /// Of this thread. None where it cannot be had.
    pub fn begin() -> Option<Self> {
        if !*HANDLED {
            return None;
        }
        OFFERS.set(Offers::Next(None));
        let thread_id = rustix::thread::gettid().as_raw_nonzero().get();
        let told = SigEvent::new(SigevNotify::SigevThreadId { signal: SIGNAL, thread_id, si_value: 0 });
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, told).ok()?;
        timer.set(Expiration::Interval(SPELL.into()), TimerSetTimeFlags::empty()).ok()?;
        Some(Self(timer))
    }
}

/// Runs in the midst of anything, so it may do next to nothing: what it does allocates nothing, locks nothing, and leaves `errno`
/// as it was. Who registers it is trusted with that.
extern "C" fn give_way(_: c_int, _: *mut siginfo_t, _: *mut c_void) {
    let now = Instant::now();
    if OFFERS.get().is_due(now) {
        rustix::thread::sched_yield();
        OFFERS.set(Offers::after(now, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Instant;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    /// How long this thread has run, and in how many turns.
    fn ran() -> (Duration, u32) {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let [ran, _, turns] = text.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<u64>>()[..] else {
            panic!()
        };
        (Duration::from_nanos(ran), u32::try_from(turns).unwrap())
    }

    #[test]
    fn who_comes_back_keeps_the_processor_for_a_while_and_for_good_if_it_was_away_for_long() {
        let (made, soon) = (Instant::now(), Duration::from_micros(10));
        assert!(Offers::Next(None).is_due(made));
        let back = made + soon;
        let offers = Offers::after(made, back);
        assert!(!offers.is_due(back + soon));
        assert!(offers.is_due(back + SPELL));
        let late = made + AWAY + soon;
        assert!(!Offers::after(made, late).is_due(late + Duration::from_secs(9)));
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
        let (ran, turns) = thread::scope(|scope| {
            scope.spawn(|| {
                pin();
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let yielding = scope.spawn(|| {
                pin();
                let _yielding = Yielding::begin().unwrap();
                let began = Instant::now();
                while began.elapsed() < Duration::from_millis(300) {}
                ran()
            });
            let yielding = yielding.join();
            done.store(true, Ordering::Relaxed);
            yielding.unwrap()
        });
        assert!(ran / turns < Duration::from_millis(1), "{ran:?} in {turns} turns");
    }
}

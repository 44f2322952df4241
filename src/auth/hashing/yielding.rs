//! Has a thread offer its processor to whoever is ready, many times within a tick of the kernel.
//!
//! A thread that runs when nobody else wants the processor gives way to one that wakes up, but not to one that has been ready
//! since before: Linux (6.6 and later) may find that such a one has had more than its share already, and lets it wait until the
//! next tick, which takes up to 4 ms. A timer's signal has the thread yield in between.
//!
//! Nor does its processor take over what waits on another: Linux looks for that at once when a processor becomes idle, and
//! otherwise at ticks. So it is left idle now and then, for a moment.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use nix::libc::{c_int, c_void, siginfo_t};
use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use rustix::thread::Timespec;
use vmm_sys_util::signal::register_signal_handler;

/// From one offer to the next: nobody waits for longer. Each offer takes some microseconds, so less would cost the work.
const SPELL: Duration = Duration::from_micros(100);
/// So many offers are made until one leaves the processor idle.
const TO_A_NAP: u32 = 10;
/// For how long it is idle then. The kernel makes twice of it, mostly, so that the work takes a tenth longer.
const NAP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000 };
/// Who was away for longer than this, since the offer was taken, makes no other: nobody leaves the processor idle, and each
/// offer would cost a second or more.
const AWAY: Duration = Duration::from_millis(20);
/// What the timer sends. Ignored where nobody handles it, and used by nothing else here: Go's runtime chose it for the same.
const SIGNAL: Signal = Signal::SIGURG;

/// Whether the signal is handled from now on, in the whole process.
static HANDLED: LazyLock<bool> = LazyLock::new(|| register_signal_handler(SIGNAL as c_int, give_way).is_ok());

thread_local! {
    static OFFERS: Cell<Offers> = const { Cell::new(Offers::FIRST) };
}

/// What a thread has to offer.
#[derive(Clone, Copy)]
enum Offers {
    /// As soon as it has had the processor for a while.
    Next {
        /// Since when it has it. None: it made no offer before.
        since: Option<Instant>,
        /// How many offers it made.
        made: u32,
    },
    /// Nothing any more.
    Ended,
}

/// How a processor is offered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Offer {
    /// To who is ready on it.
    Yield,
    /// To who is ready anywhere.
    Nap,
}

impl Offers {
    const FIRST: Self = Self::Next { since: None, made: 0 };

    /// The one that is due, if any. The timer goes on while others have the processor: its next signal is there when the thread
    /// comes back, before it has done anything. Then none is.
    fn due(self, now: Instant) -> Option<Offer> {
        match self {
            Self::Next { since: Some(since), .. } if now - since < SPELL / 2 => None,
            Self::Next { made, .. } if made % TO_A_NAP == TO_A_NAP - 1 => Some(Offer::Nap),
            Self::Next { .. } => Some(Offer::Yield),
            Self::Ended => None,
        }
    }

    /// Of who made one more and came back.
    fn after(self, offered: Instant, back: Instant) -> Self {
        match self {
            Self::Next { made, .. } if back - offered <= AWAY => {
                Self::Next { since: Some(back), made: made.wrapping_add(1) }
            }
            _ => Self::Ended,
        }
    }
}

impl Offer {
    fn make(self) {
        match self {
            Self::Yield => rustix::thread::sched_yield(),
            // Nothing hangs on its having slept.
            Self::Nap => drop(rustix::thread::nanosleep(&NAP)),
        }
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
        OFFERS.set(Offers::FIRST);
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
    let (offers, now) = (OFFERS.get(), Instant::now());
    if let Some(offer) = offers.due(now) {
        offer.make();
        OFFERS.set(offers.after(now, Instant::now()));
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
        let (offered, soon) = (Instant::now(), Duration::from_micros(10));
        assert_eq!(Offers::FIRST.due(offered), Some(Offer::Yield));
        let back = offered + soon;
        let offers = Offers::FIRST.after(offered, back);
        assert_eq!(offers.due(back + soon), None);
        assert_eq!(offers.due(back + SPELL), Some(Offer::Yield));
        let late = offered + AWAY + soon;
        assert_eq!(offers.after(offered, late).due(late + Duration::from_secs(9)), None);
    }

    #[test]
    fn every_tenth_offer_is_a_nap() {
        let (mut offers, mut now, mut naps) = (Offers::FIRST, Instant::now(), Vec::new());
        for number in 1..=30 {
            if offers.due(now).unwrap() == Offer::Nap {
                naps.push(number);
            }
            offers = offers.after(now, now);
            now += SPELL;
        }
        assert_eq!(naps, [10, 20, 30]);
    }

    #[test]
    fn who_is_alone_leaves_its_processor_idle_now_and_then() {
        fn naps() -> u32 {
            let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
            line.trim().parse().unwrap()
        }
        let taken = || {
            let _yielding = Yielding::begin().unwrap();
            let (before, began) = (naps(), Instant::now());
            while began.elapsed() < Duration::from_millis(300) {}
            naps() - before
        };
        // Where other tests take its processor for long, it has ended its offers.
        let taken = (0..10).map(|_| thread::spawn(taken).join().unwrap()).find(|&taken| taken > 10);
        assert!(taken.is_some());
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

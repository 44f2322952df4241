//! What time it is: passed to whoever asks, so that tests can turn it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

/// An instant, in UTC, to the millisecond: what the schema shows is what is stored and compared.
pub type Instant = DateTime<Utc>;

/// The instant that many microseconds after 1970, as the keys of lists write it. None beyond the year 9999: no row is there,
/// and PostgreSQL does not take all that would be read.
pub fn from_unix_micros(text: &str) -> Option<Instant> {
    const LAST: i64 = 253_402_300_799_999_999;
    let micros = text.parse().ok().filter(|micros| (0..=LAST).contains(micros))?;
    Instant::from_timestamp_micros(micros)
}

/// An instant as clients read it: as in RFC 3339, in UTC, with milliseconds.
pub fn text(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The clock of the server: the system's, moved by an offset that only tests set.
#[derive(Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The present instant, cut to milliseconds.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Instant {
        let offset = TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed));
        (Utc::now() + offset).trunc_subsecs(3)
    }

    /// Moves this clock, and every clone of it, by `delta`.
    pub fn advance(&self, delta: TimeDelta) {
        self.offset_ms.fetch_add(delta.num_milliseconds(), Ordering::Relaxed);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

//! The clock. It is passed as a parameter, so that tests can set it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

/// An instant in UTC, in milliseconds: the same value is shown, stored and compared.
pub type Instant = DateTime<Utc>;

/// Parses microseconds since 1970, as cursors contain them. `None` for times before 1970 and after the year 9999: no
/// row has one, and PostgreSQL does not accept all of them.
pub fn from_unix_micros(text: &str) -> Option<Instant> {
    const LAST: i64 = 253_402_300_799_999_999;
    let micros = text.parse().ok().filter(|micros| (0..=LAST).contains(micros))?;
    Instant::from_timestamp_micros(micros)
}

/// Returns an instant as clients read it: RFC 3339, in UTC, with milliseconds.
pub fn text(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The clock of the server: the system's clock plus an offset, which only tests set.
#[derive(Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the present instant, in whole milliseconds.
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

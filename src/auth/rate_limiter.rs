//! So much in a minute for each of many: people, addresses of the network, recipients of mails.
//!
//! Each process counts for itself, in memory. What has recovered is forgotten now and then, so that the memory is bounded by
//! what was taken in the last minute.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// After how many takings what has recovered is forgotten.
const SWEEP: u32 = 1024;

/// What each key may take in a minute: all at once, or little by little.
pub struct KeyedRateLimiter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    most: NonZeroU32,
    takings: AtomicU32,
}

impl<K: Hash + Eq + Clone> KeyedRateLimiter<K> {
    /// One of which nothing is taken yet.
    pub fn per_minute(most: NonZeroU32) -> Self {
        Self { limiter: RateLimiter::keyed(Quota::per_minute(most)), most, takings: AtomicU32::new(0) }
    }

    /// Takes so much, or all that there may be if that is less; else tells how long until there will be enough.
    pub fn take(&self, key: &K, amount: NonZeroU32) -> Result<(), Duration> {
        if self.takings.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.sweep();
        }
        match self.limiter.check_key_n(key, amount.min(self.most)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(DefaultClock::default().now()) + Duration::from_millis(1)),
            Err(_) => Err(Duration::from_secs(60)),
        }
    }

    /// Forgets what has recovered.
    pub(super) fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// How many keys have taken something and not been forgotten.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.limiter.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    #[test]
    fn what_is_taken_at_once_and_what_little_by_little_is_the_same() {
        let allowance = KeyedRateLimiter::per_minute(number(100));
        assert!(allowance.take(&"a", number(60)).is_ok());
        let wait = allowance.take(&"a", number(60)).unwrap_err();
        assert!(wait > Duration::from_secs(10) && wait < Duration::from_secs(13), "20 of 100 a minute: {wait:?}");
        assert!((0..40).all(|_| allowance.take(&"a", number(1)).is_ok()));
        assert!(allowance.take(&"a", number(2)).is_err());
        assert!(allowance.take(&"b", number(1000)).is_ok(), "another one; more than there can be is all there is");
        assert!(allowance.take(&"b", number(1)).is_err());
    }

    #[test]
    fn who_has_recovered_is_forgotten() {
        let allowance = KeyedRateLimiter::per_minute(number(u32::MAX));
        (0..100_000u32).for_each(|key| assert!(allowance.take(&key, number(1)).is_ok()));
        assert!(allowance.remembered() <= 2 * SWEEP as usize, "{}", allowance.remembered());
    }
}

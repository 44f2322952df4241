//! A rate limiter per key: users, client networks, senders of mails.
//!
//! Each process counts on its own, in memory. Keys whose quota is full again are removed from time to time, so that the
//! memory is bounded by the keys of the last minute.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Number of calls between two removals of unused keys.
const SWEEP_INTERVAL: u32 = 1024;

/// Limits how much each key may take per minute, with bursts up to the full quota.
pub struct KeyedRateLimiter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    quota: NonZeroU32,
    calls: AtomicU32,
}

impl<K: Hash + Eq + Clone> KeyedRateLimiter<K> {
    /// Creates a limiter with `quota` per key and minute.
    pub fn per_minute(quota: NonZeroU32) -> Self {
        Self { limiter: RateLimiter::keyed(Quota::per_minute(quota)), quota, calls: AtomicU32::new(0) }
    }

    /// Takes `amount`, at most the full quota, from the quota of `key`. Fails with the wait until enough is available.
    pub fn take(&self, key: &K, amount: NonZeroU32) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP_INTERVAL == SWEEP_INTERVAL - 1 {
            self.sweep();
        }
        match self.limiter.check_key_n(key, amount.min(self.quota)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => Err(until.wait_time_from(DefaultClock::default().now()) + Duration::from_millis(1)),
            Err(_) => Err(Duration::from_secs(60)),
        }
    }

    /// Removes the keys whose quota is full again.
    pub(super) fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// Returns the number of keys in memory.
    #[cfg(test)]
    pub(super) fn key_count(&self) -> usize {
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
    fn take_counts_bursts_and_single_units_alike() {
        let limiter = KeyedRateLimiter::per_minute(number(100));
        assert!(limiter.take(&"a", number(60)).is_ok());
        let wait = limiter.take(&"a", number(60)).unwrap_err();
        assert!(wait > Duration::from_secs(10) && wait < Duration::from_secs(13), "20 of 100 a minute: {wait:?}");
        assert!((0..40).all(|_| limiter.take(&"a", number(1)).is_ok()));
        assert!(limiter.take(&"a", number(2)).is_err());
        assert!(
            limiter.take(&"b", number(1000)).is_ok(),
            "another key; an amount above the quota takes the full quota"
        );
        assert!(limiter.take(&"b", number(1)).is_err());
    }

    #[test]
    fn take_removes_recovered_keys() {
        let limiter = KeyedRateLimiter::per_minute(number(u32::MAX));
        (0..100_000u32).for_each(|key| assert!(limiter.take(&key, number(1)).is_ok()));
        assert!(limiter.key_count() <= 2 * SWEEP_INTERVAL as usize, "{}", limiter.key_count());
    }
}

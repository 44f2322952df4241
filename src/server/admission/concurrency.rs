//! A concurrency limiter that counts permits per key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Limits the number of permits per key. Cheap to clone; clones share the counts.
#[derive(Clone)]
pub struct ConcurrencyLimiter<K: Hash + Eq> {
    max: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// A permit, released when it is dropped.
pub struct Permit<K: Hash + Eq>(Option<PermitCount<K>>);

struct PermitCount<K: Hash + Eq> {
    key: K,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Hash + Eq + Clone> ConcurrencyLimiter<K> {
    /// Creates a limiter with at most `max` permits per key.
    pub fn new(max: usize) -> Self {
        Self { max, counts: Arc::default() }
    }

    /// Returns a permit for the key; `None` if the key has reached its limit. Without a key, nothing is counted.
    pub fn place(&self, key: Option<K>) -> Option<Permit<K>> {
        let Some(key) = key else { return Some(Permit::uncounted()) };
        let mut counts = self.counts.lock();
        let count = counts.entry(key.clone()).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Permit(Some(PermitCount { key, counts: self.counts.clone() })))
    }
}

impl<K: Hash + Eq> Permit<K> {
    /// Returns a permit that is not counted.
    pub fn uncounted() -> Self {
        Self(None)
    }
}

impl<K: Hash + Eq> Drop for PermitCount<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        let remaining = counts.get_mut(&self.key).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if remaining == 0 {
            counts.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_limits_permits_per_key_and_reuses_released_ones() {
        let limiter = ConcurrencyLimiter::new(2);
        let (first, _second) = (limiter.place(Some("a")).unwrap(), limiter.place(Some("a")).unwrap());
        assert!(limiter.place(Some("a")).is_none());
        assert!(limiter.place(Some("b")).is_some() && limiter.place(None).is_some());
        drop(first);
        assert!(limiter.place(Some("a")).is_some());
    }

    #[test]
    fn drop_removes_keys_without_permits() {
        let limiter = ConcurrencyLimiter::new(1);
        (0..1000).for_each(|key| drop(limiter.place(Some(key)).unwrap()));
        assert!(limiter.counts.lock().is_empty());
    }
}

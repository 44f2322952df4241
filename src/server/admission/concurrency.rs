//! A concurrency limiter that counts permits per key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Limits the number of permits per key. Cheap to clone; clones share the counts.
#[derive(Clone)]
pub struct ConcurrencyLimiter<K: Hash + Eq> {
    most: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// A permit, released when it is dropped.
pub struct Permit<K: Hash + Eq>(Option<PermitCount<K>>);

struct PermitCount<K: Hash + Eq> {
    key: K,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Hash + Eq + Clone> ConcurrencyLimiter<K> {
    /// Creates a limiter with at most `most` permits per key.
    pub fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// Returns a permit for the key; `None` if the key has reached its limit. Without a key, nothing is counted.
    pub fn place(&self, key: Option<K>) -> Option<Permit<K>> {
        let Some(key) = key else { return Some(Permit::uncounted()) };
        let mut counts = self.counts.lock();
        let count = counts.entry(key.clone()).or_default();
        if *count >= self.most {
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
        let left = counts.get_mut(&self.key).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            counts.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_so_many_places_and_gives_them_back() {
        let tally = ConcurrencyLimiter::new(2);
        let (first, _second) = (tally.place(Some("a")).unwrap(), tally.place(Some("a")).unwrap());
        assert!(tally.place(Some("a")).is_none());
        assert!(tally.place(Some("b")).is_some() && tally.place(None).is_some());
        drop(first);
        assert!(tally.place(Some("a")).is_some());
    }

    #[test]
    fn who_holds_nothing_is_forgotten() {
        let tally = ConcurrencyLimiter::new(1);
        (0..1000).for_each(|key| drop(tally.place(Some(key)).unwrap()));
        assert!(tally.counts.lock().is_empty());
    }
}

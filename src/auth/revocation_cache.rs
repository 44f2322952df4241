//! A cache of tokens without a session that were not revoked when the database was last queried. Writes query the
//! database each time; reads rely on the cache.

use chrono::TimeDelta;
use quick_cache::sync::Cache;

use crate::domain::clock::Instant;
use crate::domain::{Actor, UserId};

/// Lifetime of an entry. A revoked token may be used for reads for no longer than this.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// Maximum number of entries.
const CAPACITY: usize = 10_000;

/// The time at which the tokens of a user with a certain `issued_at` were last found not revoked.
pub struct RevocationCache(Cache<(UserId, Instant), Instant>);

impl Default for RevocationCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl RevocationCache {
    /// Returns whether the actor's token was found not revoked within the last 15 minutes.
    pub fn holds(&self, actor: &Actor, now: Instant) -> bool {
        self.0.get(&(actor.user_id, actor.issued_at)).is_some_and(|checked_at| now - checked_at < LIFETIME)
    }

    /// Stores that the actor's token was not revoked at `now`.
    pub fn note(&self, actor: &Actor, now: Instant) {
        self.0.insert((actor.user_id, actor.issued_at), now);
    }
}

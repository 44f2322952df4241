//! Tokens without a session that were not revoked when the database was last asked. Writes ask it each time; reads ask again
//! after a while.

use chrono::TimeDelta;
use quick_cache::sync::Cache;

use crate::domain::clock::Instant;
use crate::domain::{Actor, UserId};

/// How long a read relies on an answer of the database: a revoked token reads for no longer.
const KEPT: TimeDelta = TimeDelta::minutes(15);
/// Most answers that are remembered.
const CAPACITY: usize = 10_000;

/// When the tokens of an account that were issued at an instant were last found good.
pub struct RevocationCache(Cache<(UserId, Instant), Instant>);

impl Default for RevocationCache {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl RevocationCache {
    /// Whether the token of the actor was found good a short while before `now`.
    pub fn holds(&self, actor: &Actor, now: Instant) -> bool {
        self.0.get(&(actor.user_id, actor.issued_at)).is_some_and(|noted| now - noted < KEPT)
    }

    /// Notes that the token of the actor was found good at `now`.
    pub fn note(&self, actor: &Actor, now: Instant) {
        self.0.insert((actor.user_id, actor.issued_at), now);
    }
}

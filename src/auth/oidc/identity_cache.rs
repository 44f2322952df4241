//! A cache of the users of identities, so that a request does not need to load the user.

use std::collections::HashMap;

use chrono::TimeDelta;
use parking_lot::Mutex;

use crate::auth::oidc::Identity;
use crate::domain::UserId;
use crate::domain::clock::Instant;

/// Lifetime of an entry. For so long another process may not notice that a user was deleted.
const LIFETIME: TimeDelta = TimeDelta::seconds(60);
/// Maximum number of entries.
const CAPACITY: usize = 10_000;

/// Maps identities to user IDs. An identity with a changed claim is not found.
#[derive(Default)]
pub struct IdentityCache {
    /// Entries by subject.
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    identity: Identity,
    user: UserId,
    expires_at: Instant,
}

impl IdentityCache {
    /// Returns the user of an identity; `None` if it is not cached.
    pub fn get(&self, identity: &Identity, now: Instant) -> Option<UserId> {
        let entries = self.entries.lock();
        let entry = entries.get(&identity.subject)?;
        (entry.expires_at > now && entry.identity == *identity).then_some(entry.user)
    }

    /// Stores the user of an identity for 60 s.
    pub fn put(&self, identity: Identity, user: UserId, now: Instant) {
        let mut entries = self.entries.lock();
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.expires_at > now);
        }
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(identity.subject.clone(), Entry { identity, user, expires_at: now + LIFETIME });
    }

    /// Removes the entries of a user.
    pub fn forget(&self, user: UserId) {
        self.entries.lock().retain(|_, entry| entry.user != user);
    }
}

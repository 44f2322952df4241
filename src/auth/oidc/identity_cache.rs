//! Who has been here lately with which claims: they need not be looked up again with each request.

use std::collections::HashMap;

use chrono::TimeDelta;
use parking_lot::Mutex;

use crate::auth::oidc::Identity;
use crate::domain::UserId;
use crate::domain::clock::Instant;

/// How long somebody is known. For so long another process may not notice that an account was deleted.
const KEPT: TimeDelta = TimeDelta::seconds(60);
/// How many are known at most.
const MAX: usize = 10_000;

/// Accounts, with all that was claimed of them last: a claim that is new makes somebody unknown.
#[derive(Default)]
pub struct IdentityCache {
    /// By the issuer's names for them.
    accounts: Mutex<HashMap<String, Account>>,
}

struct Account {
    identity: Identity,
    user: UserId,
    until: Instant,
}

impl IdentityCache {
    /// The account, if it is known.
    pub fn get(&self, identity: &Identity, now: Instant) -> Option<UserId> {
        let accounts = self.accounts.lock();
        let account = accounts.get(&identity.subject)?;
        (account.until > now && account.identity == *identity).then_some(account.user)
    }

    /// From now on it is known, for a while.
    pub fn put(&self, identity: Identity, user: UserId, now: Instant) {
        let mut accounts = self.accounts.lock();
        if accounts.len() >= MAX {
            accounts.retain(|_, account| account.until > now);
        }
        if accounts.len() >= MAX {
            accounts.clear();
        }
        accounts.insert(identity.subject.clone(), Account { identity, user, until: now + KEPT });
    }

    /// Forgets an account.
    pub fn forget(&self, user: UserId) {
        self.accounts.lock().retain(|_, account| account.user != user);
    }
}

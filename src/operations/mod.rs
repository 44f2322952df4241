//! The operations: one verb, one file, one transaction. Each operation locks the rows that its decision depends on,
//! asks the policy, writes, and records the event. It takes effect as a whole or not at all.

pub mod access;
pub mod accounts;
pub mod cloud_storages;
pub mod idempotency;
pub mod invitations;
pub mod jobs;
pub mod maintenance;
pub mod memberships;
pub mod organizations;
pub mod ownership_offers;
pub mod plans;
pub mod projects;
pub mod resources;
pub mod sessions;
pub mod tasks;
pub mod transfers;
pub mod workspaces;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::task::TaskTracker;

use crate::auth::key_ring::KeyRing;
use crate::auth::oidc::OidcIssuer;
use crate::auth::passwords::Passwords;
use crate::auth::revocation_cache::RevocationCache;
use crate::auth::throttle::Throttle;
use crate::domain::Clock;
use crate::domain::plan_catalog::Plans;
use crate::events::hub::Hub;
use crate::mail::queue::Outbox;
use crate::store::Database;
pub use crate::store::outcome::Commits;

/// The services that operations use. Cheap to clone.
#[derive(Clone)]
pub struct AppContext {
    /// The database.
    pub store: Database,
    /// The clock.
    pub clock: Clock,
    /// Signs and verifies tokens.
    pub keys: Arc<KeyRing>,
    /// The external OIDC issuer, which issues tokens and keeps the accounts; `None` if this server keeps the accounts.
    pub issuer: Option<Arc<OidcIssuer>>,
    /// Caches tokens without a session that were recently found not revoked.
    pub unrevoked: Arc<RevocationCache>,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Limits the rate of attempts.
    pub throttle: Throttle,
    /// Dispatches events to subscribers.
    pub hub: Hub,
    /// Queues mails.
    pub outbox: Outbox,
    /// Settings of this installation.
    pub rules: Arc<InstallationSettings>,
    /// Background tasks that responses start; the shutdown waits for them.
    pub tasks: TaskTracker,
}

/// Settings that operations decide by.
#[derive(Clone, Debug)]
pub struct InstallationSettings {
    /// Which callers may sign up.
    pub sign_up: SignUp,
    /// How long an invitation can be accepted after it was last sent.
    pub invitation_expiry: TimeDelta,
    /// How long events are kept.
    pub event_retention: TimeDelta,
    /// How long a deleted organization can be restored. With zero, it is deleted permanently at once.
    pub deletion_grace: TimeDelta,
    /// Whether rate limits are enforced.
    pub rate_limits: bool,
    /// Whether owners may change the plans of their workspaces; if not, only site administrators may.
    pub owners_manage_plans: bool,
    /// Limits and prices of the plans.
    pub plans: Plans,
}

/// Which callers may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SignUp {
    /// Every caller.
    Open,
    /// Callers with an invitation.
    Invited,
    /// No caller.
    Closed,
}

//! What can be done: one verb, one file, one transaction. Each locks what it decides on, asks the policy, writes, and
//! records the event; it happens as a whole or not at all.

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

use crate::auth::oidc::OidcIssuer;
use crate::auth::passwords::Passwords;
use crate::auth::revocation_cache::RevocationCache;
use crate::auth::throttle::Throttle;
use crate::auth::tokens::TokenSigner;
use crate::domain::Clock;
use crate::domain::limit::Plans;
use crate::events::hub::Hub;
use crate::mail::queue::Outbox;
use crate::store::Database;
pub use crate::store::outcome::Commits;

/// What operations work with. Cheap to clone.
#[derive(Clone)]
pub struct AppContext {
    /// The database.
    pub store: Database,
    /// What time it is.
    pub clock: Clock,
    /// Makes and checks tokens.
    pub keys: Arc<TokenSigner>,
    /// Who else makes tokens, and keeps the accounts. None: accounts are kept here.
    pub issuer: Option<Arc<OidcIssuer>>,
    /// Tokens without a session that were not revoked a short while ago.
    pub unrevoked: Arc<RevocationCache>,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// How often somebody may try.
    pub throttle: Throttle,
    /// Tells subscribers what happens.
    pub hub: Hub,
    /// Queues mails.
    pub outbox: Outbox,
    /// How this installation is set.
    pub rules: Arc<InstallationSettings>,
    /// What answers leave to be done after them: the shutdown waits for it.
    pub tasks: TaskTracker,
}

/// Settings that operations decide by.
#[derive(Clone, Debug)]
pub struct InstallationSettings {
    /// Who may sign up.
    pub sign_up: SignUp,
    /// How long an invitation can be accepted after it was last sent.
    pub invitation_expiry: TimeDelta,
    /// How long events are kept.
    pub event_retention: TimeDelta,
    /// How long a deleted organization can be restored. Zero: it is gone at once.
    pub deletion_grace: TimeDelta,
    /// Whether throttles hold.
    pub rate_limits: bool,
    /// Whether owners change the plans of their workspaces themselves, rather than site administrators alone.
    pub owners_manage_plans: bool,
    /// What plans allow and cost.
    pub plans: Plans,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SignUp {
    /// Anybody.
    Open,
    /// Who has an invitation.
    Invited,
    /// Nobody.
    Closed,
}

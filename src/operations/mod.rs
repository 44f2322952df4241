//! What can be done: one verb, one file, one transaction. Each locks what it decides on, asks the policy, writes, and
//! records the event; it happens as a whole or not at all.

pub mod accept_invitation;
pub mod accept_ownership;
pub mod authenticate;
pub mod cancel_ownership_offer;
pub mod cancel_plan;
pub mod change_email;
pub mod change_member_role;
pub mod change_password;
pub mod change_plan;
pub mod create_cloud_storage;
pub mod create_organization;
pub mod create_project;
pub mod create_task;
pub mod decline_invitation;
pub mod decline_ownership;
pub mod delete_account;
pub mod delete_organization;
pub mod delete_resource;
pub mod end_plans;
pub mod expire_invitations;
pub mod expire_ownership_offers;
pub mod fill_text_keys;
pub mod floor;
pub mod ground;
pub mod hand_over;
pub mod held;
pub mod invite_members;
pub mod jobs;
pub mod join_by_invitation;
pub mod leave_organization;
pub mod limits;
pub mod note_activity;
pub mod offer_ownership;
pub mod open_session;
pub mod own_accounts;
pub mod ownership;
pub mod plan_terms;
pub mod plan_transfer;
pub mod purge_organizations;
pub mod recognize;
pub mod refresh_session;
pub mod remove_member;
pub mod request_password_reset;
pub mod resend_invitation;
pub mod resend_verification_email;
pub mod reset_password;
pub mod resource_events;
pub mod restore_organization;
pub mod retries;
pub mod revoke_invitation;
pub mod select_workspace;
pub mod send_link;
pub mod sign_in;
pub mod sign_out;
pub mod sign_up;
pub mod transfer_resources;
pub mod update_cloud_storage;
pub mod update_job;
pub mod update_organization;
pub mod update_profile;
pub mod update_project;
pub mod update_task;
pub mod verify_email;
pub mod wishes;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::task::TaskTracker;

use crate::auth::issuer::Issuer;
use crate::auth::keys::Keys;
use crate::auth::passwords::Passwords;
use crate::auth::throttle::Throttle;
use crate::auth::unrevoked::Unrevoked;
use crate::domain::Clock;
use crate::domain::limit::Plans;
use crate::events::hub::Hub;
use crate::mail::queue::Outbox;
use crate::store::Store;
pub use crate::store::outcome::Commits;

/// What operations work with. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// The database.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Makes and checks tokens.
    pub keys: Arc<Keys>,
    /// Who else makes tokens, and keeps the accounts. None: accounts are kept here.
    pub issuer: Option<Arc<Issuer>>,
    /// Tokens without a session that were not revoked a short while ago.
    pub unrevoked: Arc<Unrevoked>,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// How often somebody may try.
    pub throttle: Throttle,
    /// Tells subscribers what happens.
    pub hub: Hub,
    /// Queues mails.
    pub outbox: Outbox,
    /// How this installation is set.
    pub rules: Arc<Rules>,
    /// What answers leave to be done after them: the shutdown waits for it.
    pub tasks: TaskTracker,
}

/// Settings that operations decide by.
#[derive(Clone, Debug)]
pub struct Rules {
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

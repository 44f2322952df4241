//! Periodic jobs: expiry, deletion of old rows, and their schedule.

pub mod expire_invitations;
pub mod expire_ownership_offers;
pub mod expire_plans;
pub mod fill_text_keys;
pub mod purge_organizations;
pub mod schedule;
pub mod signing_keys;

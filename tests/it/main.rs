//! All integration tests in one executable: real router, real PostgreSQL, one database for each test.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests say what went wrong by failing")]

mod accounts;
mod events;
mod import;
mod invitations;
mod mails;
mod memberships;
mod onboarding_e2e;
mod organizations;
mod ownership_offers;
mod plans;
mod platform;
mod policy;
mod protocol;
mod resources;
mod seed;
mod subscriptions;
mod support;
mod transfers;
mod workspaces;

//! All integration tests in one executable: real router, real PostgreSQL, a database for each test.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests say what went wrong by failing")]

mod accounts;
mod architecture;
mod bad_input;
mod commands;
mod cursors;
mod delete_account;
mod deletion;
mod disconnect;
mod errors;
mod event_lists;
mod event_streams;
mod events;

mod handing_over;
mod http;
mod imports;
mod invitations;
mod issuer;
mod issuer_attacks;
mod mails;
mod members;
mod migrations;
mod organizations;
mod outcome;
mod ownership;
mod pipelining;
mod plans;
mod policy_matrix;
mod processes;
mod properties;
mod query_batching;
mod query_count;
mod races;
mod read_plans;
mod resources;
mod resources_visibility;
mod retries;
mod root_fields;
mod round_trips;
mod rows;
mod schema;
mod search;
mod sessions;
mod story;
mod strings;
mod support;

mod transfer;
mod transports;
mod validation;
mod ways_in;
mod worker_delay;
mod workspaces;
mod worlds;

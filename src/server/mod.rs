//! HTTP: what comes in over the wire, and how answers go out. Reads from `router.rs`, which lists all that there is.

pub mod admission;
pub mod answer;
pub mod body;
pub mod brevity;
pub mod connections;
pub mod credentials;
pub mod defence;
pub mod events;
pub mod execute;
pub mod graphql;
pub mod health;
pub mod ledger;
pub mod media;
pub mod observe;
pub mod outgoing;
pub mod playground;
pub mod prepare;
pub mod problem;
pub mod query_string;
pub mod router;
pub mod shutdown;
pub mod socket;
pub mod unread;
pub mod variables;

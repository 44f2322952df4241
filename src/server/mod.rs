//! HTTP: what comes in over the wire, and how answers go out. Reads from `router.rs`, which lists all that there is.

pub mod answer;
pub mod body;
pub mod credentials;
pub mod events;
pub mod execute;
pub mod graphql;
pub mod health;
pub mod media;
pub mod observe;
pub mod playground;
pub mod prepare;
pub mod problem;
pub mod router;
pub mod shutdown;
pub mod socket;

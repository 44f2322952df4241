//! Mails: queued by the transaction that causes them, sent by a worker after the commit.
//!
//! [`queue`] writes them to the database with their link sealed; [`worker`] takes on ([`claim`]) those that are due,
//! [`compose`] turns one into a message, [`transports`] hands it over, and [`record_outcome`] records the result.

pub mod backoff;
pub mod claim;
pub mod compose;
pub mod delivery_error;
pub mod folder;
pub mod links;
pub mod queue;
pub mod record_outcome;
pub mod template;
pub mod transports;
pub mod worker;

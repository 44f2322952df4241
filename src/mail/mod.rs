//! Mails: queued by the transaction that causes them, sent by a worker after the commit.
//!
//! [`queue`] inserts mails into the database, with the link encrypted. [`worker`] claims the due mails ([`claim`]),
//! composes each message ([`compose`]), sends it ([`transports`]), and records the result ([`record_outcome`]).

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

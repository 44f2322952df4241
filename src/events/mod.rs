//! The event log, which each change appends to in its own transaction, and the delivery of events to subscribers.
//!
//! ```text
//!  transaction ─▶ log ─▶ commit ─▶ dispatcher ─▶ hub ─▶ streams
//!  of a change    rows   wakes     reads the     fans    replay the missed events
//!                        it        new rows      out     from the log, then go live
//! ```

pub mod dispatcher;
pub mod hub;
pub mod record;
mod stalled_log;
pub mod stream;

//! What has happened: the log that every change is written to by its own transaction, and how subscribers are told.
//!
//! ```text
//!  transaction ─▶ log ─▶ commit ─▶ pump ─▶ hub ─▶ feeds
//!  of a change    rows   wakes     reads   fans    replay what a subscriber
//!                                  on      out     missed, then go on live
//! ```

pub mod dispatcher;
pub mod hub;
pub mod record;
pub mod stream;

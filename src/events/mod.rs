//! What has happened: the log that every change is written to by its own transaction.

pub mod log;

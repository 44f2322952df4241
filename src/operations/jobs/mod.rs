//! Jobs: update.

pub mod update;

//! Operations on jobs.

pub mod update;

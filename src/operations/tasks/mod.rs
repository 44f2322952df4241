//! Operations on tasks: create and update.

pub mod create;
pub mod update;

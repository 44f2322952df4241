//! Operations on projects: create and update.

pub mod create;
pub mod update;

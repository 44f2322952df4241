//! Projects: create and update.

pub mod create;
pub mod update;

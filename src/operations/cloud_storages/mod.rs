//! Operations on cloud storages: create and update.

pub mod create;
pub mod update;

//! Cloud storages: create and update.

pub mod create;
pub mod update;

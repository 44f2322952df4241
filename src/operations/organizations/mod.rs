//! Operations on organizations: create, update, delete, restore.

pub mod create;
pub mod delete;
pub mod restore;
pub mod update;

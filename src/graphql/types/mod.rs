//! The object types of the schema, one file for each.

pub mod cloud_storage;
pub mod enums;
pub mod event;
pub mod invitation;
pub mod job;
pub mod membership;
pub mod node;
pub mod organization;
pub mod ownership_offer;
pub mod personal_workspace;
pub mod plan;
pub mod project;
pub mod resource;
pub mod role;
pub mod slug_availability;
pub mod task;
pub mod transfer;
pub mod user;
pub mod user_error;
pub mod viewer;
pub mod workspace;

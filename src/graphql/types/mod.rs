//! The object types, interfaces and enums of the schema.

pub mod cloud_storage;
pub mod event;
pub mod invitation;
pub mod invitation_connection;
pub mod invitation_preview;
pub mod job;
pub mod membership;
pub mod node;
pub mod order_direction;
pub mod organization;
pub mod organization_connection;
pub mod organization_contact;
pub mod ownership_offer;
pub mod permission;
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

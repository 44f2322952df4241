//! Domain types: values that are always valid, and the errors of invalid ones.
//!
//! The module is pure: it has no I/O, nothing asynchronous, and uses no other module. All other modules use it.

pub mod actor;
pub mod clock;
pub mod cloud_storage;
pub mod email;
pub mod encryption;
pub mod error;
pub mod event;
pub mod event_epoch;
pub mod ids;
pub mod invitation;
pub mod job;
pub mod limit;
pub mod name_suggestions;
mod named_enum;
pub mod organization;
pub mod ownership_offer;
pub mod page;
pub mod permission;
pub mod plan;
pub mod plan_catalog;
pub mod resource;
pub mod role;
pub mod secret;
pub mod session;
pub mod slug;
pub mod task;
pub mod text;
pub mod text_keys;
pub mod unicode;
pub mod username;
pub mod validation;
pub mod workspace;

pub use actor::Actor;
pub use clock::Clock;
pub use email::{Email, EmailTokenPurpose};
pub use error::{Code, Error, InternalError, Refusal, Result};
pub use ids::{
    CloudStorageId, EventId, InvitationId, JobId, MailId, MembershipId, OrganizationId, OwnershipOfferId,
    PersonalWorkspaceId, ProjectId, SessionId, TaskId, UserId,
};
pub use permission::Permission;
pub use role::Role;
pub use slug::Slug;
pub use username::Username;
pub use workspace::WorkspaceId;

//! The objects of the schema, one file a noun.

pub mod enums;
pub mod invitation;
pub mod membership;
pub mod node;
pub mod organization;
pub mod ownership_offer;
pub mod plan;
pub mod role;
pub mod slug;
pub mod user;
pub mod user_error;
pub mod viewer;

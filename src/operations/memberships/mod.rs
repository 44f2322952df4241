//! Operations on memberships: change of role, removal, leaving.

pub mod change_role;
pub mod leave;
pub mod reassign_resources;
pub mod remove;

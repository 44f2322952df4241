//! Who may do what: decided here and nowhere else. Pure: facts in, decision out.
//!
//! Callers name an [`Action`] and describe a [`AccessContext`] and a [`Target`]; [`table::RULES`] holds one line for each
//! action; [`decide()`] reads it. The README's table, `Query.roles` and the golden matrix are made from the same lines.
//! [`public`] lists the root fields that need no identity.

pub mod action;
pub mod decide;
pub mod event_visibility;
pub mod matrix;
pub mod public;
pub mod table;
pub mod visibility;

pub use action::Action;
pub use decide::{AccessContext, Decision, Member, Target, WorkspaceState, assignable_roles, decide, permissions};
pub use visibility::{roles_that_see, visible, visible_within};

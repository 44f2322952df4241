//! The authorization policy, as pure functions: every decision on what a caller may do is made here. Callers name an
//! [`Action`] and describe an [`AccessContext`] and a [`Target`]; [`table::RULES`] has a row for each action;
//! [`decide()`] reads it. The README's table, `Query.roles` and the golden matrix are made from the same rows.
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

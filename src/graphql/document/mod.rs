//! Documents, before they are executed: [`limits`] on their [`measure`], [`arguments`] and [`cost`], what the executor would do otherwise than
//! its clients expect ([`mutations`], [`subscriptions`]), and the [`store`] of those that passed, each as a [`plan`]
//! that knows, too, whether it [`repeats`] fields and needs no identity ([`public_fields`]).

pub mod arguments;
mod cache;
pub mod cost;
pub mod fields;
pub mod limits;
pub mod measure;
pub mod mutations;
pub mod persisted;
pub mod plan;
pub mod public_fields;
pub mod repeats;
pub mod store;
pub mod subscriptions;
pub mod syntax;
pub mod trusted;

pub use cost::{HASHING, PAGED};
pub use limits::{Excess, Limit};
pub use plan::{Operation, Plan, Rejection};
pub use store::{DocumentRules, Documents};
pub use trusted::Trusted;

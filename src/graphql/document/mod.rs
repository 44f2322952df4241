//! Documents, before they are executed: [`limits`] on their [`measure`] and [`cost`], what the executor would do otherwise than
//! its clients expect ([`mutations`], [`subscriptions`]), and the [`cache`] of those that passed, each as a [`plan`]
//! that knows, too, whether it [`repeats`] fields.

pub mod cache;
pub mod cost;
pub mod limits;
pub mod measure;
pub mod mutations;
pub mod plan;
pub mod repeats;
pub mod subscriptions;
pub mod syntax;

pub use cache::Documents;
pub use cost::PAGED;
pub use limits::{Excess, Limit};
pub use plan::{Operation, Plan};

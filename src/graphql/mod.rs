//! The schema as clients see it: resolvers of a few lines that ask the policy, load by loaders, and call operations.
//!
//! Objects hold a row of the store and how the viewer stands to it, so a guard costs nothing. Nullable fields that can
//! fail return `Option<Result<…>>`: their error then leaves the rest of the answer alone, also through interfaces.

pub mod audience;
pub mod context;
pub mod document;
pub mod error;
pub mod guard;
pub mod introspection;
pub mod json;
pub mod listing;
pub mod loaders;
pub mod mutation;
pub mod page;
pub mod query;
pub mod rows;
pub mod scalars;
pub mod schema;
pub mod sight;
pub mod subscription;
pub mod types;
pub mod validation;

pub use error::{ApiError, Result};

//! The GraphQL schema. Its short resolvers check the policy, load by loaders, and call operations.
//!
//! Objects hold a row of the store and the viewer's access to it, so a guard needs no statement. Nullable fields that
//! can fail return `Option<Result<…>>`: their error then leaves the rest of the response intact, also through
//! interfaces.

pub mod connection;
pub mod context;
pub mod documents;
pub mod error;
pub mod event_visibility;
pub mod fast_list;
pub mod guard;
pub mod introspection;
pub mod json_writer;
pub mod loaders;
pub mod mutation;
pub mod query;
pub mod resource_list;
pub mod scalars;
pub mod schema;
pub mod shared_loader;
pub mod subscription;
pub mod types;
pub mod validation;

pub use error::{ApiError, Result};

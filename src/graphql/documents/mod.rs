//! Prepares GraphQL documents for execution.
//!
//! A document is parsed ([`parser`]), checked against the [`limits`] of [`size`], [`arguments`] and [`cost`], and
//! against rules that the executor does not enforce ([`duplicate_mutation_fields`], [`single_root_field`]). The
//! [`registry`] caches accepted documents. A [`prepared`] document also says whether fields are merged
//! ([`merged_fields`]) and whether an operation is public ([`public_fields`]).

pub mod arguments;
mod cache;
pub mod cost;
pub mod duplicate_mutation_fields;
pub mod fields;
pub mod limits;
pub mod merged_fields;
pub mod parser;
pub mod persisted;
pub mod prepared;
pub mod public_fields;
pub mod registry;
pub mod single_root_field;
pub mod size;
pub mod trusted;

pub use cost::{HASHING, PAGED};
pub use limits::{Limit, LimitExceeded};
pub use prepared::{DocumentError, Operation, PreparedDocument};
pub use registry::{DocumentRules, Documents};
pub use trusted::TrustedDocuments;

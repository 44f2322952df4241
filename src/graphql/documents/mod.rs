//! GraphQL documents before they are executed: the [`parser`], the [`limits`] on their [`size`], [`arguments`] and [`cost`], rules
//! that the executor lacks ([`duplicate_mutation_fields`], [`single_root_field`]), and the [`registry`] of documents that passed.
//! Each is kept [`prepared`]: it says whether fields are merged ([`merged_fields`]) and whether the operation needs no identity
//! ([`public_fields`]).

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

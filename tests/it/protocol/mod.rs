//! GraphQL and HTTP: documents, answers, errors, limits, and what any input may be.

mod answers;
mod cursors;
mod errors;
mod fuzz_inputs;
mod hostile_strings;
mod http;
mod idempotency;
mod input_validation;
mod introspection;
mod properties;
mod schema;
mod search;
mod validation;

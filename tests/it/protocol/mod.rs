//! GraphQL and HTTP: documents, responses, errors, limits, and input validation.

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

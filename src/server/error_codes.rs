//! GraphQL errors with a code in their extensions, for requests that were not executed.

use async_graphql::{ErrorExtensionValues, ServerError};

use crate::domain::error::Outcome;

/// Creates an error with a code, for a request that was not executed.
pub fn error(code: &str, message: impl Into<String>) -> ServerError {
    error_with_outcome(code, message, Outcome::NotDone)
}

/// Creates an error with a code, and with the outcome if errors of this code include it.
pub fn error_with_outcome(code: &str, message: impl Into<String>, outcome: Outcome) -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    if Outcome::is_reported_for(code) {
        extensions.set("outcome", outcome.name());
    }
    ServerError { extensions: Some(extensions), ..ServerError::new(message, None) }
}

/// Returns the code of an error; `None` if it has no code.
pub fn code(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code),
        async_graphql::Value::Enum(code) => Some(code),
        _ => None,
    }
}

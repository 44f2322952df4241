//! Limits the number and length of errors in a response: a document with a thousand unknown fields must not cause a
//! response of a megabyte.

use async_graphql::ServerError;

use crate::server::error_codes::{code, error};

/// Maximum number of errors in one response, including the error that reports how many were left out.
pub const MAX_ERRORS: usize = 20;
/// Maximum length of a message, in characters. Messages may repeat text of the client.
pub const MAX_MESSAGE: usize = 300;
/// Maximum number of locations in one error.
const MAX_LOCATIONS: usize = 10;

/// Cuts the list of errors, their messages and their locations to the limits above.
pub fn truncate_errors(errors: &mut Vec<ServerError>) {
    if errors.len() > MAX_ERRORS {
        let left_out = errors.split_off(MAX_ERRORS - 1);
        let message = format!("At least {} more errors were left out.", left_out.len());
        errors.push(error(left_out.first().and_then(code).unwrap_or("BAD_REQUEST"), message));
    }
    for error in errors {
        if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE) {
            error.message.truncate(end);
            error.message.push('…');
        }
        error.locations.truncate(MAX_LOCATIONS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncate_errors_reports_how_many_were_left_out() {
        let errors =
            |count: usize| -> Vec<ServerError> { (0..count).map(|n| error("FORBIDDEN", format!("no {n}"))).collect() };
        for (count, last) in [
            (20, "no 19"),
            (21, "At least 2 more errors were left out."),
            (1000, "At least 981 more errors were left out."),
        ] {
            let mut errors = errors(count);
            truncate_errors(&mut errors);
            assert_eq!((errors.len(), errors[19].message.as_str()), (MAX_ERRORS, last));
            assert_eq!(code(&errors[19]), Some("FORBIDDEN"));
        }
    }

    #[test]
    fn truncate_errors_cuts_messages_between_characters() {
        let mut errors = vec![error("BAD_REQUEST", "ü".repeat(MAX_MESSAGE)), error("BAD_REQUEST", "ü".repeat(100_000))];
        truncate_errors(&mut errors);
        assert_eq!(errors[0].message, "ü".repeat(MAX_MESSAGE));
        assert_eq!(errors[1].message, "ü".repeat(MAX_MESSAGE) + "…");
    }
}

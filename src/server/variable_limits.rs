//! Size limits for the values of variables, also of variables that the document does not use. Operations have narrower
//! limits; these reject oversized input before any work is done for it.

use async_graphql::{Value, Variables};
use axum::http::StatusCode;

use crate::server::error::HttpError;

/// Maximum nesting depth of lists and objects.
pub const MAX_DEPTH: usize = 32;
/// Maximum length of one list.
pub const MAX_LIST: usize = 1_000;
/// Maximum number of values in total, including values inside lists and objects.
pub const MAX_VALUES: usize = 10_000;

/// Maximum number of values in a JSON request: those of the variables, and a few of the request itself.
const MAX_REQUEST_VALUES: usize = MAX_VALUES + 100;

/// Whether the JSON text of a request has more values than allowed; checked before the text is parsed. Counts brackets
/// and commas outside of strings, which are never more than the values.
pub fn has_too_many(json: &[u8]) -> bool {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count > MAX_REQUEST_VALUES
}

/// The error for a request that [`has_too_many`] values.
pub fn too_many() -> HttpError {
    let message = format!("The variables may have {MAX_VALUES} values in total.");
    HttpError::new(StatusCode::BAD_REQUEST, "TOO_COMPLEX", message)
}

/// Returns a `TOO_COMPLEX` error if the variables exceed a limit.
pub fn check(variables: &Variables) -> Result<(), HttpError> {
    let mut remaining = MAX_VALUES;
    let fits = variables.values().try_for_each(|value| measure(value, MAX_DEPTH, &mut remaining));
    fits.map_err(|message| HttpError::new(StatusCode::BAD_REQUEST, "TOO_COMPLEX", message))
}

fn measure(value: &Value, depth: usize, remaining: &mut usize) -> Result<(), String> {
    *remaining =
        remaining.checked_sub(1).ok_or_else(|| format!("The variables may have {MAX_VALUES} values in total."))?;
    let mut inner = |value: &Value| {
        let depth =
            depth.checked_sub(1).ok_or_else(|| format!("The variables may be nested {MAX_DEPTH} levels deep."))?;
        measure(value, depth, remaining)
    };
    match value {
        Value::List(list) if list.len() > MAX_LIST => Err(format!("A list may have {MAX_LIST} values.")),
        Value::List(list) => list.iter().try_for_each(inner),
        Value::Object(fields) => fields.values().try_for_each(&mut inner),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn refusal(value: Json) -> Option<String> {
        check(&Variables::from_json(json!({ "v": value }))).err().map(|problem| problem.errors[0].message.clone())
    }

    fn nested(levels: usize) -> Json {
        (0..levels).fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) })
    }

    #[test]
    fn has_too_many_counts_values_of_the_text() {
        let most = MAX_REQUEST_VALUES - 1;
        for (text, too_many) in [
            (format!("[{}0]", "0,".repeat(most)), false),
            (format!("[{}0]", "0,".repeat(most + 1)), true),
            ("[".repeat(most + 2), true),
            ("{\"a\":".repeat(most + 2), true),
            (format!(r#"["{}"]"#, r#"\\\",[{"#.repeat(most)), false),
            (format!(r#"["\\"{}]"#, ",0".repeat(most + 1)), true),
        ] {
            assert_eq!(has_too_many(text.as_bytes()), too_many, "{text:.20}");
        }
    }

    #[test]
    fn check_limits_depth_length_and_number() {
        assert_eq!(refusal(nested(MAX_DEPTH)), None);
        assert!(refusal(nested(MAX_DEPTH + 1)).unwrap().contains("nest"));
        assert_eq!(refusal(json!(vec![1; MAX_LIST])), None);
        assert!(refusal(json!(vec![1; MAX_LIST + 1])).unwrap().contains("list"));
        let lists = |count: usize| json!(vec![vec![1; MAX_LIST - 1]; count]);
        assert_eq!(refusal(lists(9)), None);
        assert!(refusal(lists(10)).unwrap().contains("in total"));
    }
}

//! Reads the query string of a GET: `query`, and optionally `operationName`, `variables` and `extensions`, the last two
//! as JSON.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::body::{self, GraphQLParams};
use crate::server::error::HttpError;

/// Parses the query string. Unknown parameters are ignored, like unknown members of a body; an empty value counts as
/// absent.
pub fn parse(text: &str) -> Result<GraphQLParams, HttpError> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        let value = match &*name {
            "query" | "operationName" => Value::String(value.into_owned()),
            "variables" | "extensions" => serde_json::from_str(&value).map_err(|cause| body::invalid_json(&cause))?,
            _ => continue,
        };
        if members.insert(name.to_string(), value).is_some() {
            return Err(HttpError::bad_request(format!("The parameter `{name}` is given twice.")));
        }
    }
    serde_json::from_value(Value::Object(members)).map_err(|cause| body::invalid_json(&cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_query_variables_and_name() {
        let params =
            parse("query=query%20Q(%24b:Int)%20%7B+a+%7D&variables=%7B%22b%22%3A1%7D&operationName=Q&other=1").unwrap();
        assert_eq!((params.query.as_str(), params.operation_name.as_deref()), ("query Q($b:Int) { a }", Some("Q")));
        assert_eq!(params.variables.len(), 1);
        let params = parse("query=%7Ba%7D&variables=&operationName=&extensions=null").unwrap();
        assert_eq!((params.operation_name, params.variables.len()), (None, 0));
    }

    #[test]
    fn parse_refuses_other_query_strings_and_says_why() {
        for (text, says) in [
            ("", "must have"),
            ("query=", "must have"),
            ("query=%7Ba%7D&variables=%5B%5D", "must have"),
            ("query=%7Ba%7D&extensions=1", "must have"),
            ("query=%7Ba%7D&variables=%7B", "not JSON"),
            ("query=%7Ba%7D&query=%7Bb%7D", "twice"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.errors[0].message.contains(says), "{text}: {}", problem.errors[0].message);
        }
        let deep = "%5B".repeat(1000);
        let problem = parse(&format!("query=%7Ba%7D&variables={deep}")).unwrap_err();
        assert!(problem.errors[0].message.contains("nest"), "{}", problem.errors[0].message);
    }
}

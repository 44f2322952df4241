//! Reads the query string of a GET: `query`, and optionally `operationName`, `variables` and `extensions`, the last two
//! as JSON.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::body::{self, GraphQLParams};
use crate::server::error::HttpError;

/// Parses the query string. Unknown parameters are ignored, like unknown members of a body; an empty value counts as
/// absent.
pub fn parse(text: &str) -> Result<GraphQLParams, HttpError> {
    let mut given = Map::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty()) {
        let value = match &*name {
            "query" | "operationName" => Value::String(value.into_owned()),
            "variables" | "extensions" => serde_json::from_str(&value).map_err(|cause| body::unreadable(&cause))?,
            _ => continue,
        };
        if given.insert(name.to_string(), value).is_some() {
            return Err(HttpError::bad_request(format!("The parameter `{name}` is given twice.")));
        }
    }
    serde_json::from_value(Value::Object(given)).map_err(|cause| body::unreadable(&cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_comes_with_its_variables() {
        let asked =
            parse("query=query%20Q(%24b:Int)%20%7B+a+%7D&variables=%7B%22b%22%3A1%7D&operationName=Q&other=1").unwrap();
        assert_eq!((asked.query.as_str(), asked.operation_name.as_deref()), ("query Q($b:Int) { a }", Some("Q")));
        assert_eq!(asked.variables.len(), 1);
        let asked = parse("query=%7Ba%7D&variables=&operationName=&extensions=null").unwrap();
        assert_eq!((asked.operation_name, asked.variables.len()), (None, 0));
    }

    #[test]
    fn what_is_no_query_says_why() {
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

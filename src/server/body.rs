//! Reads the body of a POST: one JSON object that names a document, of at most 1 MiB, within 30 seconds.

use std::time::Duration;

use async_graphql::Variables;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;

use crate::server::error::HttpError;
use crate::server::variable_limits;

/// Maximum length of a body, in bytes, with or without a `Content-Length`.
pub const MAX_BYTES: usize = 1024 * 1024;
/// How long a client may take to send the body.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The parameters of a GraphQL request. Unknown members are ignored, as the specification requires.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RequestMembers")]
pub struct GraphQLParams {
    /// The document; empty if the request gives only its [`id`](Self::id).
    pub query: String,
    /// The SHA-256 of the document, or its ID in a manifest.
    pub id: Option<String>,
    /// Name of the operation to run, needed if the document has several.
    pub operation_name: Option<String>,
    /// Values of the operation's variables.
    pub variables: Variables,
    /// Whether the client asks for the cost in the response (`extensions.cost`).
    pub wants_cost: bool,
}

/// The members of the body. Clients identify a document as Apollo does (`extensions.persistedQuery`), by `documentId`
/// (as in the draft of GraphQL over HTTP), or by `id` (as in Relay's documentation).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestMembers {
    query: Option<String>,
    #[serde(alias = "id")]
    document_id: Option<String>,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Variables,
    extensions: Option<Extensions>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    persisted_query: Option<PersistedQuery>,
    #[serde(default)]
    cost: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    version: u32,
    sha256_hash: String,
}

impl TryFrom<RequestMembers> for GraphQLParams {
    type Error = &'static str;

    fn try_from(
        RequestMembers { query, document_id, operation_name, variables, extensions }: RequestMembers,
    ) -> Result<Self, &'static str> {
        let Extensions { persisted_query, cost } = extensions.unwrap_or_default();
        if persisted_query.as_ref().is_some_and(|persisted| persisted.version != 1) {
            return Err("the version of persisted queries must be 1");
        }
        let id = persisted_query.map(|persisted| persisted.sha256_hash).or(document_id);
        if query.is_none() && id.is_none() {
            return Err("there is no document");
        }
        let wants_cost = cost == serde_json::Value::Bool(true);
        Ok(Self { query: query.unwrap_or_default(), id, operation_name, variables, wants_cost })
    }
}

/// Reads the whole body. Fails if the body is too large, too slow or incomplete.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, HttpError> {
    let too_large = || HttpError::too_large("A request may have 1 MB at most.");
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(MAX_TIME, Limited::new(body, MAX_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(cause)) if cause.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(_)) => Err(HttpError::bad_request("The request ended before its body was complete.")),
        Err(_) => {
            Err(HttpError::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", "The body took longer than 30 s to arrive."))
        }
    }
}

/// Parses the body. Batches are refused.
pub fn parse(bytes: &[u8]) -> Result<GraphQLParams, HttpError> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(HttpError::bad_request("Batches are not supported: send one operation per request."));
    }
    if variable_limits::has_too_many(bytes) {
        return Err(variable_limits::too_many());
    }
    serde_json::from_slice(bytes).map_err(|cause| invalid_json(&cause))
}

/// The error for a body that is not a valid request in JSON.
pub(super) fn invalid_json(cause: &serde_json::Error) -> HttpError {
    // serde_json reports exceeded recursion only through this message.
    if cause.to_string().starts_with("recursion limit exceeded") {
        return HttpError::new(
            StatusCode::BAD_REQUEST,
            "TOO_COMPLEX",
            "The JSON is nested too deeply: the maximum is 127 levels.",
        );
    }
    HttpError::bad_request(if cause.is_data() {
        "The request must have a string `query` and, if needed, an object `variables`, a string `operationName` and an \
         object `extensions`; in a POST, it is one JSON object."
    } else {
        "The request is not JSON."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_an_object_with_a_query() {
        let params =
            parse(br#" {"query": "{ a }", "variables": {"b": [1]}, "operationName": null, "other": 1} "#).unwrap();
        assert_eq!((params.query.as_str(), params.operation_name), ("{ a }", None));
        assert_eq!(params.variables.len(), 1);
        assert!(parse(br#"{"query": "{ a }", "variables": null, "extensions": null}"#).is_ok());
    }

    #[test]
    fn parse_accepts_an_id_instead_of_a_query() {
        for (body, id, query) in [
            (r#"{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}"#, "x", ""),
            (r#"{"query": "{a}", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}"#, "x", "{a}"),
            (r#"{"documentId": "sha256:x", "query": null}"#, "sha256:x", ""),
            (r#"{"id": "x"}"#, "x", ""),
        ] {
            let params = parse(body.as_bytes()).unwrap();
            assert_eq!(
                (params.id.as_deref(), params.query.as_str(), params.wants_cost),
                (Some(id), query, false),
                "{body}"
            );
        }
        assert!(parse(br#"{"query": "{a}", "extensions": {"cost": true}}"#).unwrap().wants_cost);
    }

    #[test]
    fn parse_refuses_other_bodies_and_says_why() {
        for (body, says) in [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("query { a }", "not JSON"),
            ("null", "must have"),
            ("{}", "must have"),
            (r#"{"query": 1}"#, "must have"),
            (r#"{"query": "{ a }", "variables": []}"#, "must have"),
            (r#"{"query": "{ a }", "variables": "{}"}"#, "must have"),
            (r#"{"query": "{ a }", "operationName": 1}"#, "must have"),
            (r#"{"query": "{ a }", "extensions": 1}"#, "must have"),
            (r#"{"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}}"#, "must have"),
            (r#"[{"query": "{ a }"}]"#, "Batches"),
        ] {
            let problem = parse(body.as_bytes()).unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{body}");
            assert!(problem.errors[0].message.contains(says), "{body}: {}", problem.errors[0].message);
        }
    }

    #[tokio::test]
    async fn read_limits_a_body_of_unknown_length() {
        let stream = |chunks: usize| {
            let chunk = Bytes::from(vec![b' '; 1024]);
            Body::from_stream(futures_util::stream::iter(
                (0..chunks).map(move |_| Ok::<_, std::io::Error>(chunk.clone())),
            ))
        };
        assert_eq!(read(&HeaderMap::new(), stream(1024)).await.unwrap().len(), MAX_BYTES);
        let refused = read(&HeaderMap::new(), stream(1025)).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test(start_paused = true)]
    async fn read_refuses_a_body_that_does_not_arrive_within_30_s() {
        let began = tokio::time::Instant::now();
        let begun = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
        let stalled = futures_util::StreamExt::chain(begun, futures_util::stream::pending());
        let refused = read(&HeaderMap::new(), Body::from_stream(stalled)).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(began.elapsed().as_secs(), 30);
    }
}

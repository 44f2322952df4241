//! Middleware for every request: a request ID, security headers, one log entry, and a response even if the handler
//! panics. The log entry contains no variables, texts, email addresses or tokens.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use async_graphql::parser::types::OperationType;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::Instrument;
use uuid::Uuid;

use crate::auth::Actor;
use crate::domain::UserId;
use crate::server::error::{Codes, HttpError};
use crate::server::prepare::Prepared;
use crate::server::security_headers;

/// Header with the request ID, in requests and responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Maximum length of an ID from a client.
const MAX_ID: usize = 64;
/// Maximum length of an operation name in the log.
const MAX_NAME: usize = 64;

/// Identifies a request in responses and in the log. An extension of every request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// Creates a random ID.
    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Returns the client's ID if it is short and has only safe characters, otherwise a random ID.
    fn of(headers: &HeaderMap) -> Self {
        let plain = |id: &&str| {
            (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(plain);
        id.map_or_else(Self::random, |id| Self(id.to_owned()))
    }
}

/// The executed operation, for the log. An extension of responses to operations.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Query, mutation or subscription.
    pub kind: OperationType,
    /// Name of the operation in the document, `None` if it is anonymous.
    pub name: Option<String>,
    /// Account of the caller, `None` if anonymous.
    pub actor: Option<UserId>,
}

impl Operation {
    /// Describes the prepared operation and its caller.
    pub fn new(prepared: &Prepared, actor: Option<&Actor>) -> Self {
        Self { kind: prepared.kind, name: prepared.name.clone(), actor: actor.map(|actor| actor.user_id) }
    }
}

/// Wraps the handling of every request.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let method = request.method().clone();
    // The route pattern; the raw path contains text of the client, which must not be logged.
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request_id = %id.0);
    let started = Instant::now();

    let answer = AssertUnwindSafe(next.run(request).instrument(span)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| {
        tracing::error!(request_id = %id.0, "request handler panicked");
        HttpError::internal(&id.0).into_response()
    });

    let headers = response.headers_mut();
    security_headers::apply(headers);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    log(&id, method.as_str(), path.as_deref().unwrap_or("-"), started, &response);
    response
}

fn log(id: &RequestId, method: &str, path: &str, started: Instant, response: &Response) {
    let ms = started.elapsed().as_micros() as f64 / 1000.0;
    let status = response.status().as_u16();
    let codes = response.extensions().get::<Codes>().map(distinct).filter(|codes| !codes.is_empty());
    let operation = response.extensions().get::<Operation>();
    if path.starts_with("/health/") && response.status().is_success() {
        return tracing::debug!(request_id = %id.0, method, path, status, ms, "request");
    }
    tracing::info!(
        request_id = %id.0,
        method,
        path,
        status,
        ms,
        kind = operation.map(|operation| tracing::field::display(operation.kind)),
        operation = operation.and_then(|operation| operation.name.as_deref()).map(sanitised),
        actor = operation.and_then(|operation| operation.actor).map(tracing::field::display),
        codes,
        "request",
    );
}

/// Returns the codes without duplicates, with commas between them.
pub(super) fn distinct(Codes(codes): &Codes) -> String {
    let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
    codes.into_iter().collect::<Vec<_>>().join(",")
}

/// Returns a name with only the characters and length that the log allows.
pub(super) fn sanitised(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_id_is_the_clients_if_it_is_short_and_plain() {
        let of = |id: &str| RequestId::of(&HeaderMap::from_iter([(REQUEST_ID, id.parse().unwrap())])).0;
        assert_eq!(of("abc-1.2:3_4"), "abc-1.2:3_4");
        for bad in ["", "a b", "a\"b", "a{b}", &"x".repeat(MAX_ID + 1)] {
            assert!(Uuid::parse_str(&of(bad)).is_ok(), "{bad}");
        }
    }

    #[test]
    fn sanitised_cuts_and_cleans_names() {
        assert_eq!(sanitised("Good_Name1"), "Good_Name1");
        assert_eq!(sanitised("a\nb c\u{1b}[31m"), "abc31m");
        assert_eq!(sanitised(&"x".repeat(100)).len(), MAX_NAME);
    }

    #[tokio::test]
    async fn observe_answers_a_panic_with_an_internal_error() {
        use tower::ServiceExt;

        async fn panics() -> Response {
            panic!("the password is hunter2")
        }
        let router =
            axum::Router::new().route("/", axum::routing::get(panics)).layer(axum::middleware::from_fn(observe));
        let request = Request::get("/").header(REQUEST_ID, "r-1").body(axum::body::Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()[REQUEST_ID]), (500, &"r-1".parse().unwrap()));
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let extensions = serde_json::json!({"code": "INTERNAL", "outcome": "UNKNOWN", "requestId": "r-1"});
        assert_eq!(body["errors"][0]["extensions"], extensions);
        assert!(!body.to_string().contains("hunter2"));
    }
}

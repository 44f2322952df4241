//! Errors for requests that were not executed. On every path, the body of an error is a GraphQL response with `errors`
//! and without `data`, so clients handle one format.

use std::time::Duration;

use async_graphql::{Pos, ServerError};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::domain::error::Outcome;
use crate::server::content_type::Media;
use crate::server::error_codes::{code, error, error_with_outcome};
use crate::server::error_limits;

/// An error that concerns a request as a whole.
#[derive(Clone, Debug)]
pub struct HttpError {
    /// HTTP status of the response.
    pub status: StatusCode,
    /// Media type of the response.
    pub media: Media,
    /// At least one error, each with a code in its extensions.
    pub errors: Vec<ServerError>,
    /// Time after which the client may retry; `None` if unknown.
    pub retry_after: Option<Duration>,
}

/// Error codes of a response, including those in mutation payloads, for the log. An extension of the response.
#[derive(Clone, Debug, Default)]
pub struct Codes(pub Vec<String>);

impl HttpError {
    /// Creates a response with one error.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::of(status, vec![error(code, message)])
    }

    /// Creates a response with several errors.
    pub fn of(status: StatusCode, errors: Vec<ServerError>) -> Self {
        Self { status, media: Media::Json, errors, retry_after: None }
    }

    /// Returns the error for a malformed request (400 `BAD_REQUEST`).
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// Returns the error for an unknown path (404 `BAD_REQUEST`).
    pub fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "BAD_REQUEST", "There is nothing at this path. GraphQL is served at /graphql.")
    }

    /// Returns the error for a malformed, invalid or expired token (401 `UNAUTHENTICATED`).
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
    }

    /// Returns the error for a request with too many bytes (413 `PAYLOAD_TOO_LARGE`).
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
    }

    /// Returns an internal error (500 `INTERNAL`); the log has the cause under this request ID.
    pub fn internal(request_id: &str) -> Self {
        let mut error = error_with_outcome("INTERNAL", INTERNAL, Outcome::Unknown);
        error.extensions.get_or_insert_default().set("requestId", request_id);
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, vec![error])
    }

    /// Returns this error with these locations in the document.
    pub fn at(mut self, places: Vec<Pos>) -> Self {
        self.errors.iter_mut().for_each(|error| error.locations.clone_from(&places));
        self
    }

    /// Returns this error with the media type that the client prefers.
    pub fn with_media_type(mut self, media: Media) -> Self {
        self.media = media;
        self
    }

    /// Returns the body of the response, in JSON.
    pub fn document(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            errors: &'a [ServerError],
        }
        serde_json::to_string(&Document { errors: &self.errors }).unwrap_or_default()
    }
}

/// Message for internal errors.
pub const INTERNAL: &str = "Something went wrong on our side. The request ID identifies the cause in the log.";

impl IntoResponse for HttpError {
    fn into_response(mut self) -> Response {
        error_limits::truncate_errors(&mut self.errors);
        let mut response = (self.status, self.document()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media.content_type()));
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        response.extensions_mut().insert(Codes(self.errors.iter().filter_map(code).map(str::to_owned).collect()));
        response
    }
}

//! Turns the result of the schema into an HTTP response: codes for errors of the library, request IDs for internal
//! errors, and the status and media type of the GraphQL-over-HTTP specification.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as Executed, ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::domain::InternalError;
use crate::domain::error::Outcome;
use crate::graphql::error::TOO_LARGE;
use crate::graphql::json_writer::JsonWriter;
use crate::graphql::validation::Exposure;
use crate::server::content_type::Media;
use crate::server::error::{Codes, HttpError, INTERNAL};
use crate::server::error_codes::{code, error};
use crate::server::error_limits;

/// Message while the database is unavailable. `extensions.outcome` says whether changes may have been made.
pub const UNAVAILABLE: &str = "The service is temporarily unavailable.";

/// Sets a code on every error, and logs each internal error once with the request ID and its cause, which clients never
/// see.
pub fn assign_error_codes(executed: &mut Executed, request_id: &str, exposure: Exposure) {
    let refused = is_refused(executed);
    let mut logged: Vec<*const ()> = Vec::new();
    for error in &mut executed.errors {
        let uncoded = code(error).is_none();
        if let Some(source) = error.source.clone() {
            let fault = source.downcast_ref::<InternalError>();
            if fault.is_none() && !uncoded {
                continue;
            }
            let identity = Arc::as_ptr(&source).cast::<()>();
            if !logged.contains(&identity) {
                logged.push(identity);
                report(fault, &error.message, request_id);
            }
            let transient = fault.is_some_and(|fault| fault.transient);
            let (code, shown) = if transient { ("SERVICE_UNAVAILABLE", UNAVAILABLE) } else { ("INTERNAL", INTERNAL) };
            shown.clone_into(&mut error.message);
            let extensions = error.extensions.get_or_insert_default();
            extensions.set("code", code);
            if extensions.get("outcome").is_none() {
                extensions.set("outcome", Outcome::Unknown.name());
            }
            extensions.set("requestId", request_id);
        } else if uncoded {
            let code = library_code(error, refused);
            if exposure == Exposure::Hidden {
                // Messages of the library contain type names.
                "A value has the wrong type.".clone_into(&mut error.message);
            }
            error.extensions.get_or_insert_default().set("code", code);
        }
    }
    error_limits::truncate_errors(&mut executed.errors);
}

/// Returns the result that replaces a response over the maximum size.
pub fn too_large() -> Executed {
    Executed::from_errors(vec![error("TOO_COMPLEX", TOO_LARGE)])
}

/// Returns the HTTP response for an executed operation, with media type and status.
pub fn respond(kind: OperationType, executed: Executed, media: Media) -> Response {
    if is_refused(&executed) {
        let has = |wanted: &str| executed.errors.iter().any(|error| code(error) == Some(wanted));
        let status = if has("SHUTTING_DOWN") || has("TIMEOUT") {
            StatusCode::SERVICE_UNAVAILABLE
        } else if media == Media::Json {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        };
        return HttpError::of(status, executed.errors).with_media_type(media).into_response();
    }
    let codes = Codes(executed.errors.iter().filter_map(code).map(str::to_owned).collect());
    let status = if executed.data == Value::Null { status_of_nothing(&codes) } else { StatusCode::OK };
    let mut response = match kind {
        // Parts of the data may already be JSON, which the library cannot serialize.
        OperationType::Query => match JsonWriter::of(&executed) {
            Some(json) => json.into_bytes().into_response(),
            None => return respond(kind, too_large(), media),
        },
        _ => GraphQLResponse::from(executed).into_response(),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.extensions_mut().insert(codes);
    response
}

/// Whether the schema refused to execute the request. The library has no flag for this: execution errors have a path.
pub fn is_refused(executed: &Executed) -> bool {
    executed.data == Value::Null
        && !executed.errors.is_empty()
        && executed.errors.iter().all(|error| error.path.is_empty())
}

/// Status of a response whose data is null.
fn status_of_nothing(codes: &Codes) -> StatusCode {
    let has = |wanted: &str| codes.0.iter().any(|code| code == wanted);
    if has("UNAUTHENTICATED") {
        StatusCode::UNAUTHORIZED
    } else if has("SERVICE_UNAVAILABLE") {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}

/// Code for an error of the library: invalid against the schema, over a limit, or an invalid scalar value.
fn library_code(error: &ServerError, refused: bool) -> &'static str {
    let limits = ["Query is too complex", "Query is nested too deep", "The recursion depth of the query"];
    if limits.iter().any(|limit| error.message.starts_with(limit)) {
        "TOO_COMPLEX"
    } else if refused {
        "GRAPHQL_VALIDATION_FAILED"
    } else {
        "BAD_USER_INPUT"
    }
}

fn report(fault: Option<&InternalError>, message: &str, request_id: &str) {
    let Some(fault) = fault else {
        return tracing::error!(request_id, cause = message, "error without a code");
    };
    let cause = chain(fault);
    if fault.transient {
        tracing::warn!(request_id, cause, "dependency unavailable");
    } else {
        tracing::error!(request_id, cause, "internal error");
    }
}

/// Returns the cause of an internal error with its chain of sources, in one line.
pub fn chain(fault: &InternalError) -> String {
    let mut text = fault.cause.to_string();
    let mut source = fault.cause.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use async_graphql::PathSegment;

    use super::super::error_codes::error;
    use super::*;

    fn failed(code: &str) -> ServerError {
        ServerError { path: vec![PathSegment::Field("a".into())], ..error(code, "no") }
    }

    fn status(errors: &[ServerError], data: &Value, media: Media) -> u16 {
        let mut executed = Executed::new(data.clone());
        executed.errors = errors.to_vec();
        respond(OperationType::Query, executed, media).status().as_u16()
    }

    #[test]
    fn respond_returns_the_status_of_the_specification() {
        let some = || Value::from_json(serde_json::json!({"a": 1})).unwrap();
        for (errors, data, graphql, json) in [
            (vec![], some(), 200, 200),
            (vec![failed("FORBIDDEN")], some(), 200, 200),
            (vec![failed("UNAUTHENTICATED")], some(), 200, 200),
            (vec![failed("FORBIDDEN")], Value::Null, 200, 200),
            (vec![failed("UNAUTHENTICATED")], Value::Null, 401, 401),
            (vec![failed("SERVICE_UNAVAILABLE")], Value::Null, 503, 503),
            (vec![error("GRAPHQL_VALIDATION_FAILED", "no")], Value::Null, 400, 200),
        ] {
            let seen = [Media::GraphqlResponse, Media::Json].map(|media| status(&errors, &data, media));
            assert_eq!(seen, [graphql, json], "{errors:?} {data}");
        }
    }

    #[test]
    fn assign_error_codes_hides_the_cause_of_internal_errors() {
        let fault = |transient| InternalError { transient, cause: "password of the database".into() };
        for (transient, expected) in [(false, "INTERNAL"), (true, "SERVICE_UNAVAILABLE")] {
            let mut raised = failed("ANY");
            raised.message = "password of the database".into();
            raised.source = Some(Arc::new(fault(transient)));
            let mut executed = Executed::from_errors(vec![raised]);
            assign_error_codes(&mut executed, "r-1", Exposure::Open);
            assert_eq!(code(&executed.errors[0]), Some(expected));
            let shown = serde_json::to_string(&executed).unwrap();
            assert!(shown.contains("\"requestId\":\"r-1\"") && !shown.contains("password"), "{shown}");
        }
    }

    #[test]
    fn assign_error_codes_sets_codes_of_library_errors() {
        let mut unknown = Executed::from_errors(vec![ServerError::new("Unknown field \"x\"", None)]);
        assign_error_codes(&mut unknown, "r", Exposure::Open);
        assert_eq!(code(&unknown.errors[0]), Some("GRAPHQL_VALIDATION_FAILED"));
        let mut deep = Executed::from_errors(vec![ServerError::new("Query is nested too deep.", None)]);
        assign_error_codes(&mut deep, "r", Exposure::Open);
        assert_eq!(code(&deep.errors[0]), Some("TOO_COMPLEX"));
        let scalar = ServerError { path: failed("").path, ..ServerError::new("Failed to parse \"DateTime\"", None) };
        let mut input = Executed::from_errors(vec![scalar]);
        assign_error_codes(&mut input, "r", Exposure::Open);
        assert_eq!(code(&input.errors[0]), Some("BAD_USER_INPUT"));
    }
}

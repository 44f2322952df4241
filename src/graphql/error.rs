//! GraphQL errors. Resolvers return [`ApiError`], which has no `Display`, so errors reach clients only by the
//! conversion in this file. The cause of an internal error is attached as `source`: the server logs it once and never
//! shows it to clients.

use std::sync::Arc;

use async_graphql::ErrorExtensionValues;

use super::scalars::DateTime;
use crate::domain::error::Outcome;
use crate::domain::{Code, Error, InternalError, Refusal};
use crate::events::stream::StreamEnd;
use crate::store::outcome;

/// The message for a response that is longer than allowed.
pub const TOO_LARGE: &str =
    "The response is longer than 8 MB. Request less data at a time. If this was a mutation, it was executed.";

/// The result of a resolver.
pub type Result<T> = std::result::Result<T, ApiError>;

/// Why a field has no value.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The rules refuse the request.
    Refused(Vec<Refusal>),
    /// The request is not authenticated.
    Unauthenticated,
    /// An argument does not match its description in the schema.
    BadUserInput(String),
    /// The cursor belongs to another list, or the server did not make it.
    InvalidCursor,
    /// The response is longer than allowed.
    TooLarge,
    /// Some of the events after the cursor are no longer kept.
    CursorExpired,
    /// The subscriber was too slow.
    Lagged,
    /// The server is shutting down.
    ShuttingDown,
    /// An internal error.
    Failed(Arc<InternalError>),
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusals) => ApiError::Refused(refusals),
            Error::Unauthenticated => ApiError::Unauthenticated,
            Error::Failed(fault) => ApiError::Failed(Arc::new(fault)),
        }
    }
}

impl From<Arc<InternalError>> for ApiError {
    fn from(fault: Arc<InternalError>) -> Self {
        ApiError::Failed(fault)
    }
}

impl From<StreamEnd> for ApiError {
    fn from(end: StreamEnd) -> Self {
        match end {
            StreamEnd::Lagged => ApiError::Lagged,
            StreamEnd::Expired => ApiError::CursorExpired,
            StreamEnd::Unknown => ApiError::InvalidCursor,
            StreamEnd::Closed => ApiError::ShuttingDown,
            StreamEnd::Failed(error) => error.into(),
        }
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        let (code, message, source) = match error {
            ApiError::Unauthenticated => ("UNAUTHENTICATED", "Sign in first.".to_owned(), None),
            ApiError::BadUserInput(message) => ("BAD_USER_INPUT", message, None),
            ApiError::InvalidCursor => {
                ("INVALID_CURSOR", "This cursor was not made for this list and order.".to_owned(), None)
            }
            ApiError::TooLarge => ("TOO_COMPLEX", TOO_LARGE.to_owned(), None),
            ApiError::CursorExpired => {
                let message =
                    "Events after this cursor are no longer stored. Read the current state and omit the cursor.";
                ("CURSOR_EXPIRED", message.to_owned(), None)
            }
            ApiError::Lagged => {
                let message = "Events came faster than the client read them. Continue after the last received cursor.";
                ("SUBSCRIPTION_LAGGED", message.to_owned(), None)
            }
            ApiError::ShuttingDown => ("SHUTTING_DOWN", "The server is shutting down.".to_owned(), None),
            ApiError::Failed(fault) if fault.transient => {
                ("SERVICE_UNAVAILABLE", "The service is not available now.".to_owned(), Some(fault))
            }
            ApiError::Failed(fault) => ("INTERNAL", "Something went wrong on our side.".to_owned(), Some(fault)),
            ApiError::Refused(refusals) => match refusals.into_iter().next() {
                Some(refusal) => {
                    if let Some(permission) = refusal.permission {
                        extensions.set("permission", permission.name());
                        extensions.set("requiredRole", refusal.required_role.map(|role| role.name()));
                    }
                    if let Some(limit) = refusal.limit {
                        let value =
                            async_graphql::value!({ "kind": limit.kind.name(), "used": limit.used, "max": limit.max });
                        extensions.set("limit", value);
                    }
                    if let Some(retry_at) = refusal.retry_at {
                        extensions.set("retryAt", DateTime(retry_at).text());
                    }
                    (top_level(refusal.code), refusal.message, None)
                }
                None => ("INTERNAL", "Something went wrong on our side.".to_owned(), None),
            },
        };
        extensions.set("code", code);
        if Outcome::is_reported_for(code) {
            extensions.set("outcome", outcome::field_outcome().name());
        }
        let source = source.map(|fault| fault as Arc<dyn std::any::Any + Send + Sync>);
        async_graphql::Error { message, source, extensions: Some(extensions) }
    }
}

/// Returns the code of a top-level error for a refusal. The codes of other refusals concern the input.
fn top_level(code: Code) -> &'static str {
    match code {
        Code::Forbidden | Code::RateLimited => code.name(),
        _ => "BAD_USER_INPUT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Permission, Role};

    fn shown(error: ApiError) -> (String, serde_json::Value) {
        let error = async_graphql::Error::from(error);
        (error.message, serde_json::to_value(error.extensions).expect("extensions"))
    }

    #[test]
    fn faults_show_fixed_text_and_keep_their_cause_to_themselves() {
        let fault = InternalError::new("relation \"users\" does not exist");
        let (message, extensions) = shown(Error::Failed(fault).into());
        assert_eq!(message, "Something went wrong on our side.");
        assert_eq!(extensions, serde_json::json!({"code": "INTERNAL", "outcome": "NOT_DONE"}));
        let (_, extensions) =
            shown(Error::Failed(InternalError { transient: true, ..InternalError::new("away") }).into());
        assert_eq!(extensions["code"], "SERVICE_UNAVAILABLE");
    }

    #[test]
    fn forbidden_says_permission_and_least_role() {
        let refusal = crate::policy::decide::forbidden(Permission::ViewInvitations, Some(Role::Maintainer));
        let (_, extensions) = shown(Error::from(refusal).into());
        let expected =
            serde_json::json!({"code": "FORBIDDEN", "permission": "VIEW_INVITATIONS", "requiredRole": "MAINTAINER"});
        assert_eq!(extensions, expected);
    }

    #[test]
    fn every_other_way_out_has_its_code() {
        for (error, code) in [
            (ApiError::Unauthenticated, "UNAUTHENTICATED"),
            (ApiError::BadUserInput("no".into()), "BAD_USER_INPUT"),
            (ApiError::InvalidCursor, "INVALID_CURSOR"),
            (ApiError::TooLarge, "TOO_COMPLEX"),
            (StreamEnd::Unknown.into(), "INVALID_CURSOR"),
            (StreamEnd::Expired.into(), "CURSOR_EXPIRED"),
            (StreamEnd::Lagged.into(), "SUBSCRIPTION_LAGGED"),
            (StreamEnd::Closed.into(), "SHUTTING_DOWN"),
            (StreamEnd::Failed(Error::Unauthenticated).into(), "UNAUTHENTICATED"),
            (ApiError::Refused(vec![Refusal::not_found("member")]), "BAD_USER_INPUT"),
        ] {
            assert_eq!(shown(error).1["code"], code);
        }
    }
}

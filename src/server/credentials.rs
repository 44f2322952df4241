//! Authenticates the caller by bearer token. Without a token the caller is anonymous; an invalid token is an error,
//! except for operations that need no identity.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use serde_json::{Map, Value};

use crate::auth::Actor;
use crate::auth::jwt::MAX_TOKEN;
use crate::domain::{Error, InternalError};
use crate::operations::AppContext;
use crate::operations::sessions::authenticate::authenticate;
use crate::server::error::HttpError;
use crate::server::response;
use crate::server::websocket::protocol::Close;

/// Message for an invalid or expired token.
pub const BAD_TOKEN: &str = "The token is invalid or has expired: refresh it or sign in.";

/// Message for a token longer than [`MAX_TOKEN`].
const TOO_LONG: &str = "The token is longer than the maximum of 65,536 bytes.";

/// Returns the actor of the request's bearer token, or `None` without a token.
pub async fn actor(headers: &HeaderMap, env: &AppContext) -> Result<Option<Actor>, HttpError> {
    let Some(token) = header_token(headers).map_err(HttpError::unauthenticated)? else { return Ok(None) };
    authenticate(env, token).await.map(Some).map_err(|error| match error {
        Error::Failed(fault) => unavailable(&fault),
        _ => HttpError::unauthenticated(BAD_TOKEN),
    })
}

/// Returns the actor of the token in a WebSocket's first message, or `None` without a token.
pub async fn actor_of_payload(payload: &Map<String, Value>, env: &AppContext) -> Result<Option<Actor>, Close> {
    let Some(token) = payload_token(payload).map_err(Close::unauthorized)? else { return Ok(None) };
    authenticate(env, token).await.map(Some).map_err(|error| match error {
        Error::Failed(fault) => {
            unavailable(&fault);
            Close::unavailable()
        }
        _ => Close::unauthorized(BAD_TOKEN),
    })
}

/// Returns the token in the header, if present, or an error message.
fn header_token(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("The request has several Authorization headers.");
    }
    let token = value.to_str().ok().and_then(bearer);
    bounded(token.ok_or("The Authorization header must be `Bearer`, followed by an access token.")?).map(Some)
}

/// Returns the token in the payload: `Authorization` as in the header, or a plain `token`. Fails with an error message.
fn payload_token(payload: &Map<String, Value>) -> Result<Option<&str>, &'static str> {
    let header = payload.iter().find(|(name, value)| name.eq_ignore_ascii_case("authorization") && !value.is_null());
    let token = match (header, payload.get("token")) {
        (Some((_, header)), _) => header.as_str().and_then(bearer),
        (None, Some(Value::String(token))) => Some(bearer(token).unwrap_or(token)),
        (None, None | Some(Value::Null)) => return Ok(None),
        (None, Some(_)) => None,
    };
    bounded(token.ok_or("`Authorization` must be `Bearer`, followed by an access token.")?).map(Some)
}

/// Returns the token if it is short enough to be parsed, else an error message.
fn bounded(token: &str) -> Result<&str, &'static str> {
    if token.len() > MAX_TOKEN { Err(TOO_LONG) } else { Ok(token) }
}

/// Returns 503: a token that could not be checked must not be reported as invalid.
fn unavailable(fault: &InternalError) -> HttpError {
    tracing::warn!(cause = response::chain(fault), "authentication failed with an internal error");
    HttpError::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", response::UNAVAILABLE)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bearer_needs_the_scheme_and_a_token() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for bad in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"] {
            assert_eq!(bearer(bad), None, "{bad}");
        }
    }

    #[test]
    fn payload_token_accepts_three_notations() {
        let read = |payload: Value| payload_token(payload.as_object().unwrap()).map(|token| token.map(str::to_owned));
        for (name, value) in [
            ("Authorization", "Bearer abc"),
            ("authorization", "bearer abc"),
            ("token", "abc"),
            ("token", "Bearer abc"),
        ] {
            assert_eq!(read(json!({ name: value })), Ok(Some("abc".to_owned())), "{name}: {value}");
        }
        for anonymous in [json!({}), json!({"token": null, "Authorization": null, "other": 1})] {
            assert_eq!(read(anonymous), Ok(None));
        }
        for (name, bad) in [("Authorization", json!("abc")), ("Authorization", json!("")), ("token", json!(1))] {
            assert!(read(json!({ name: bad })).is_err(), "{name}: {bad}");
        }
        assert!(read(json!({ "Authorization": {} })).is_err());
        assert!(read(json!({ "Authorization": "nonsense", "token": "abc" })).is_err());
    }
}

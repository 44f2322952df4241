//! Who asks: the bearer token of a request. No token is nobody; a bad one is refused, and never treated as nobody.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::auth::Actor;
use crate::auth::keys::Keys;
use crate::domain::clock::Instant;

/// What is told of a token that is not good.
pub const BAD_TOKEN: &str = "The token is not valid, or has run out: refresh it or sign in.";

/// Whose token the request carries.
pub fn actor(headers: &HeaderMap, keys: &Keys, now: Instant) -> Result<Option<Actor>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::unauthenticated("The request has several Authorization headers."));
    }
    let token = value.to_str().ok().and_then(bearer).ok_or_else(|| {
        Problem::unauthenticated("The Authorization header must read `Bearer` and a token from `signIn`.")
    })?;
    keys.verify(token, now).map(Some).map_err(|_| Problem::unauthenticated(BAD_TOKEN))
}

/// Whose token the first message of a WebSocket carries: in `Authorization`, as the header has it, or plainly in `token`.
/// Else what to tell.
pub fn actor_of_payload(
    payload: &Map<String, Value>,
    keys: &Keys,
    now: Instant,
) -> Result<Option<Actor>, &'static str> {
    let header = payload.iter().find(|(name, value)| name.eq_ignore_ascii_case("authorization") && !value.is_null());
    let token = match (header, payload.get("token")) {
        (Some((_, header)), _) => header.as_str().and_then(bearer),
        (None, Some(Value::String(token))) => Some(bearer(token).unwrap_or(token)),
        (None, None | Some(Value::Null)) => return Ok(None),
        (None, Some(_)) => None,
    };
    let token = token.ok_or("`Authorization` must read `Bearer` and a token from `signIn`.")?;
    keys.verify(token, now).map(Some).map_err(|_| BAD_TOKEN)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_and_a_token_is_read() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for bad in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"] {
            assert_eq!(bearer(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_first_message_carries_its_token_in_any_of_three_ways() {
        let keys = Keys::from_secret("a secret for tests that is long enough").unwrap();
        let now = crate::domain::Clock::default().now();
        let user = crate::domain::UserId::from(uuid::Uuid::from_u128(7));
        let token = keys.mint_access(user, None, now, chrono::TimeDelta::minutes(1)).unwrap().0;
        let read = |payload: Value| actor_of_payload(payload.as_object().unwrap(), &keys, now);
        for (name, value) in [
            ("Authorization", format!("Bearer {token}")),
            ("authorization", format!("bearer {token}")),
            ("token", token.clone()),
            ("token", format!("Bearer {token}")),
        ] {
            assert_eq!(read(serde_json::json!({ name: value })).unwrap().unwrap().user_id, user, "{name}");
        }
        for nobody in [serde_json::json!({}), serde_json::json!({"token": null, "Authorization": null, "other": 1})] {
            assert_eq!(read(nobody), Ok(None));
        }
        for (name, bad) in [("token", ""), ("token", "x"), ("Authorization", &token), ("Authorization", "")] {
            assert!(read(serde_json::json!({ name: bad })).is_err(), "{name}: {bad}");
        }
        assert!(read(serde_json::json!({ "token": 1 })).is_err());
        assert!(read(serde_json::json!({ "Authorization": {} })).is_err());
        assert!(read(serde_json::json!({ "Authorization": "nonsense", "token": token })).is_err());
    }
}

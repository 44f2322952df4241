//! Who asks: the bearer token of a request. No token is nobody; a bad one is refused, and never treated as nobody.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::problem::Problem;
use crate::auth::Actor;
use crate::auth::keys::Keys;
use crate::domain::clock::Instant;

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
    let good = keys.verify(token, now);
    good.map(Some)
        .map_err(|_| Problem::unauthenticated("The token is not valid, or has run out: refresh it or sign in."))
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
}

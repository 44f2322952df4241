//! Checks that apply to the access tokens of both issuers: length, header and time claims.

use chrono::TimeDelta;
use jsonwebtoken::{Header, decode_header};

use crate::domain::clock::Instant;

/// Maximum length of a token, in bytes: the limit for all headers of a request together.
pub const MAX_TOKEN: usize = 64 * 1024;
/// Tolerated difference between the clocks of two machines.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// Why a token is refused. Clients get no other details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// The token has expired.
    Expired,
    /// The token is malformed, has a wrong signature, is not valid yet, or is for another audience.
    Invalid,
}

/// Decodes the header of a token. Only the key ID is used; other references to keys (`jwk`, `jku`, `x5u`, `x5c`) are
/// ignored.
pub(super) fn header(token: &str) -> Result<Header, TokenError> {
    if token.len() > MAX_TOKEN {
        return Err(TokenError::Invalid);
    }
    let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
    // Critical extensions must be understood (RFC 7515, 4.1.11), and none is supported.
    if header.crit.is_some() { Err(TokenError::Invalid) } else { Ok(header) }
}

/// Validates `nbf` and `exp`, in seconds since 1970, with [`LEEWAY`]. Returns the first instant at which the token is
/// expired.
pub(super) fn validate_time_claims(nbf: Option<i64>, exp: i64, now: Instant) -> Result<Instant, TokenError> {
    if nbf.is_some_and(|nbf| nbf > (now + LEEWAY).timestamp()) {
        return Err(TokenError::Invalid);
    }
    let end =
        Instant::from_timestamp(exp, 0).and_then(|exp| exp.checked_add_signed(LEEWAY)).ok_or(TokenError::Invalid)?;
    if end <= now { Err(TokenError::Expired) } else { Ok(end) }
}

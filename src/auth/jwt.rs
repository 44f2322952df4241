//! What holds for every access token, whoever made it: how long it may be, what its header may say, and its time.

use chrono::TimeDelta;
use jsonwebtoken::{Header, decode_header};

use crate::domain::clock::Instant;

/// Longest token that is looked at, in bytes: as long as all headers of a request together may be.
pub const MAX_TOKEN: usize = 64 * 1024;
/// By how much the clocks of two machines may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// Why a token is refused. Clients learn no more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It was good once.
    Expired,
    /// It never was, or not yet, or not here.
    Invalid,
}

/// The header of a token. It names a key; whatever else it says of keys (`jwk`, `jku`, `x5u`, `x5c`) is never looked at.
pub(super) fn header(token: &str) -> Result<Header, TokenError> {
    if token.len() > MAX_TOKEN {
        return Err(TokenError::Invalid);
    }
    let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
    // What a token wants to be understood has to be (RFC 7515, 4.1.11), and no extension is.
    if header.crit.is_some() { Err(TokenError::Invalid) } else { Ok(header) }
}

/// Whether a token with those `nbf` and `exp`, in seconds since 1970, is in its time; and the first instant at which it is
/// not any more.
pub(super) fn in_time(nbf: Option<i64>, exp: i64, now: Instant) -> Result<Instant, TokenError> {
    if nbf.is_some_and(|nbf| nbf > (now + LEEWAY).timestamp()) {
        return Err(TokenError::Invalid);
    }
    let end =
        Instant::from_timestamp(exp, 0).and_then(|exp| exp.checked_add_signed(LEEWAY)).ok_or(TokenError::Invalid)?;
    if end <= now { Err(TokenError::Expired) } else { Ok(end) }
}

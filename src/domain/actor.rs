//! The account in whose name a request is made.

use super::clock::Instant;
use super::{SessionId, UserId};

/// The account of an access token, and the token's own claims. Only a transaction can tell whether the token is still
/// valid: its session may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub user_id: UserId,
    /// The session in which the access token was issued; `None` for a token without a session.
    pub session: Option<SessionId>,
    /// When the access token was issued.
    pub issued_at: Instant,
    /// When the caller signed in, for a token without a session; `None` if the token does not say.
    pub authenticated_at: Option<Instant>,
    /// When the access token expires; `None` right after a sign-in.
    pub expires_at: Option<Instant>,
}

impl Actor {
    /// Returns when the access token was issued, if it has no session.
    pub fn issued_without_session(&self) -> Option<Instant> {
        if self.session.is_none() { Some(self.issued_at) } else { None }
    }
}

//! The account in whose name a request is made.

use super::clock::Instant;
use super::{SessionId, UserId};

/// The account that an access token names, and what the token says of itself. Only a transaction tells whether it is still
/// good: its session may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub user_id: UserId,
    /// The session that the access token was made in. None: it was made without one.
    pub session: Option<SessionId>,
    /// When the access token was issued.
    pub issued_at: Instant,
    /// When its bearer signed in, of a token without a session. None: the token does not tell.
    pub authenticated_at: Option<Instant>,
    /// From when on the access token is refused. None: the account has just signed in.
    pub expires_at: Option<Instant>,
}

impl Actor {
    /// When the access token was issued, if it was made without a session.
    pub fn issued_without_session(&self) -> Option<Instant> {
        if self.session.is_none() { Some(self.issued_at) } else { None }
    }
}

//! Who is asking: credentials in, an [`Actor`] out.
//!
//! [`keys`] makes and verifies the server's own tokens, [`issuer`] verifies those of an issuer elsewhere, and [`token`] says
//! what holds for both, while `proven` remembers the tokens whose signature was good; [`passwords`] hashes and checks passwords,
//! [`throttle`] bounds how often they may be tried.

pub mod allowance;
pub mod issuer;
pub mod keys;
mod password_pool;
pub mod passwords;
mod proven;
pub mod throttle;
pub mod token;

use crate::domain::clock::Instant;
use crate::domain::{SessionId, UserId};

/// Who makes a request, as its access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub user_id: UserId,
    /// The session that the access token was made in. None: it was made without one.
    pub session: Option<SessionId>,
    /// From when on the access token is refused. None: somebody who has only now signed in.
    pub expires_at: Option<Instant>,
}

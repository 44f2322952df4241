//! The step that signing up, signing in and refreshing share: tokens for a session.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::auth::keys::ACCESS_LIFETIME;
use crate::domain::clock::Instant;
use crate::domain::{Code, Refusal, Result, SessionId, UserId};
use crate::store::sessions::{self, Session};
use crate::store::{Connection, users};

use super::Env;

/// How long a refresh token is good; each exchange begins it anew.
pub const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// Tokens of a signed-in user. They have no `Debug`: they must not get into logs.
#[derive(Clone)]
pub struct Tokens {
    /// The access token, a JWT.
    pub access: String,
    /// When it runs out.
    pub access_expires_at: Instant,
    /// The refresh token, for one use.
    pub refresh: String,
    /// When it runs out.
    pub refresh_expires_at: Instant,
}

/// An account that has just signed in.
pub struct SignedIn {
    /// The account.
    pub user: users::User,
    /// Its tokens.
    pub tokens: Tokens,
}

/// Begins a session of the user.
pub(super) async fn open(tx: &mut Connection, env: &Env, user: UserId, now: Instant) -> Result<Tokens> {
    let session = Session {
        // Random throughout: unlike other IDs, it says nothing of when it was made.
        id: SessionId::from(Uuid::new_v4()),
        user_id: user,
        generation: 0,
        rotated_at: now,
        expires_at: now + REFRESH_LIFETIME,
    };
    sessions::insert(tx, &session).await?;
    tokens(env, &session, now)
}

/// A fresh access token, and the newest refresh token of the session.
pub(super) fn tokens(env: &Env, session: &Session, now: Instant) -> Result<Tokens> {
    let (access, access_expires_at) = env.keys.mint_access(session.user_id, Some(session.id), now, ACCESS_LIFETIME)?;
    Ok(Tokens {
        access,
        access_expires_at,
        refresh: env.keys.refresh_token(session.id, session.generation),
        refresh_expires_at: session.expires_at,
    })
}

/// The one refusal of whatever does not open an account.
pub(super) fn invalid_credentials(message: &str) -> Refusal {
    Refusal::new(Code::InvalidCredentials, message)
}

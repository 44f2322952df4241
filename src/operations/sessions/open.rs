//! Code that sign-up, sign-in and refresh share: issues the tokens of a session.

use std::net::IpAddr;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::auth::throttle::network;
use crate::auth::tokens::ACCESS_LIFETIME;
use crate::domain::clock::Instant;
use crate::domain::{Actor, Code, Refusal, Result, SessionId};
use crate::store::sessions::{self, Session};
use crate::store::sign_in_networks;
use crate::store::{Connection, users};

use crate::operations::AppContext;

/// Lifetime of a refresh token; each exchange starts it again.
pub const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// Tokens of a signed-in user. They have no `Debug`, so that they cannot get into logs.
#[derive(Clone)]
pub struct Tokens {
    /// The access token, a JWT.
    pub access: String,
    /// When the access token expires.
    pub access_expires_at: Instant,
    /// The refresh token, for one use.
    pub refresh: String,
    /// When the refresh token expires.
    pub refresh_expires_at: Instant,
}

/// An account that has just signed in.
pub struct SignedIn {
    /// The account.
    pub user: users::User,
    /// The account's tokens.
    pub tokens: Tokens,
    /// The actor of the new session, for the rest of the request.
    pub actor: Actor,
}

/// Starts a session of the user, and stores the network of `address` as known.
pub(crate) async fn open(
    tx: &mut Connection,
    env: &AppContext,
    user: users::User,
    address: Option<IpAddr>,
    now: Instant,
) -> Result<SignedIn> {
    let session = Session {
        // A random UUIDv4: unlike other IDs, it does not contain the time of its creation.
        id: SessionId::from(Uuid::new_v4()),
        user_id: user.id,
        generation: 0,
        rotated_at: now,
        expires_at: now + REFRESH_LIFETIME,
        began_at: now,
        first_uses: Vec::new(),
    };
    sessions::insert(tx, &session).await?;
    if let Some(address) = address {
        sign_in_networks::put(tx, user.id, &network(address).to_string(), now).await?;
    }
    let actor =
        Actor { user_id: user.id, session: Some(session.id), issued_at: now, authenticated_at: None, expires_at: None };
    Ok(SignedIn { user, tokens: tokens(env, &session, now)?, actor })
}

/// Returns a new access token, and the newest refresh token of the session.
pub(crate) fn tokens(env: &AppContext, session: &Session, now: Instant) -> Result<Tokens> {
    let (access, access_expires_at) =
        env.keys.issue_access_token(session.user_id, Some(session.id), now, ACCESS_LIFETIME)?;
    Ok(Tokens {
        access,
        access_expires_at,
        refresh: env.keys.refresh_token(session.id, session.generation),
        refresh_expires_at: session.expires_at,
    })
}

/// Returns the refusal for all invalid credentials: INVALID_CREDENTIALS.
pub(crate) fn invalid_credentials(message: &str) -> Refusal {
    Refusal::new(Code::InvalidCredentials, message)
}

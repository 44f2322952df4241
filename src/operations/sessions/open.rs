//! The step that signing up, signing in and refreshing share: tokens for a session.

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
    /// The session that has begun, for the rest of the request.
    pub actor: Actor,
}

/// Begins a session of the user, and remembers the network that it is begun from.
pub(crate) async fn open(
    tx: &mut Connection,
    env: &AppContext,
    user: users::User,
    address: Option<IpAddr>,
    now: Instant,
) -> Result<SignedIn> {
    let session = Session {
        // Random throughout: unlike other IDs, it says nothing of when it was made.
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

/// A fresh access token, and the newest refresh token of the session.
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

/// The one refusal of whatever does not open an account.
pub(crate) fn invalid_credentials(message: &str) -> Refusal {
    Refusal::new(Code::InvalidCredentials, message)
}

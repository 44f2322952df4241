//! Exchanges a refresh token for new tokens.
//!
//! A token that is used again within ten seconds gets the same successor, so that two tabs do not log each other out. After
//! that, whoever uses it has stolen it, or was stolen from: the session ends.

use chrono::TimeDelta;

use crate::domain::Result;
use crate::domain::clock::Instant;
use crate::store::sessions::{self, Session};

use super::Env;
use super::open_session::{REFRESH_LIFETIME, Tokens, invalid_credentials, tokens};
use super::own_accounts::require_own_accounts;

/// How long the predecessor of the newest token is answered.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// What to exchange.
pub struct Input {
    /// The newest refresh token of the session.
    pub refresh_token: String,
}

/// Exchanges it.
pub async fn refresh_session(env: &Env, input: Input) -> Result<Tokens> {
    require_own_accounts(env)?;
    let wrong = || invalid_credentials("The session has ended. Sign in again.").at("refreshToken");
    let (id, generation) = env.keys.read_refresh_token(&input.refresh_token).ok_or_else(wrong)?;
    let now = env.clock.now();
    let mut connection = env.store.writer().await?;
    if let Some(session) = sessions::rotate(&mut connection, id, generation, now, now + REFRESH_LIFETIME).await? {
        return tokens(env, &session, now);
    }
    let Some(session) = sessions::find(&mut connection, id).await? else { return Err(wrong().into()) };
    let is_predecessor = session.generation - 1 == generation && now - session.rotated_at <= OVERLAP;
    if is_predecessor && is_live(&session, now) {
        return tokens(env, &session, now);
    }
    sessions::delete(&mut connection, id).await?;
    Err(wrong().into())
}

fn is_live(session: &Session, now: Instant) -> bool {
    session.expires_at > now
}

//! Exchanges a refresh token for new tokens.
//!
//! [`RefreshTokens`] decides which tokens are valid.

use crate::domain::session::{RefreshTokens, Refreshed};
use crate::domain::{Error, Result};
use crate::store::sessions::{self, Session};

use crate::operations::AppContext;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::{REFRESH_LIFETIME, Tokens, invalid_credentials, tokens};

/// The token to exchange.
pub struct Input {
    /// The newest refresh token of the session.
    pub refresh_token: String,
}

/// Exchanges the token. INVALID_CREDENTIALS if the session has ended; a late reuse of an old token ends it.
pub async fn refresh_session(env: &AppContext, input: Input) -> Result<Tokens> {
    require_own_accounts(env)?;
    let wrong = || invalid_credentials("The session has ended. Sign in again.").at("refreshToken");
    let (id, generation) = env.keys.read_refresh_token(&input.refresh_token).ok_or_else(wrong)?;
    let now = env.clock.now();
    let session = env
        .transaction(None, async |tx| {
            let Some(session) = sessions::lock(tx, id).await? else { return Ok(None) };
            let used = session.refresh_tokens().refresh(generation, now);
            match used {
                _ if session.expires_at <= now => tx.queue(sessions::delete(id)),
                Refreshed::Reused => tx.queue(sessions::delete(id)),
                Refreshed::Repeated => return Ok(Some(session)),
                Refreshed::Rotated(RefreshTokens { newest: generation, rotated_at, first_uses }) => {
                    let expires_at = now + REFRESH_LIFETIME;
                    let session = Session { generation, rotated_at, first_uses, expires_at, ..session };
                    tx.queue(sessions::rotate(&session));
                    return Ok(Some(session));
                }
            }
            Ok::<_, Error>(None)
        })
        .await?;
    tokens(env, &session.ok_or_else(wrong)?, now)
}

//! Ends the session of a refresh token.

use crate::domain::Result;
use crate::store::sessions;

use crate::operations::AppContext;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::invalid_credentials;

/// The session to end.
pub struct Input {
    /// A refresh token of the session.
    pub refresh_token: String,
}

/// Ends the session, if it has not ended yet. Any token of the session is accepted: the reuse of an old token would end
/// the session anyway.
pub async fn sign_out(env: &AppContext, input: Input) -> Result<()> {
    require_own_accounts(env)?;
    let Some((id, _)) = env.keys.read_refresh_token(&input.refresh_token) else {
        return Err(invalid_credentials("This is not a refresh token.").at("refreshToken").into());
    };
    env.transaction(None, async |tx| {
        tx.queue(sessions::delete(id));
        Ok(())
    })
    .await
}

//! Ends the session of a refresh token.

use crate::domain::Result;
use crate::store::sessions;

use crate::operations::AppContext;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::invalid_credentials;

/// Which session.
pub struct Input {
    /// A refresh token of it.
    pub refresh_token: String,
}

/// Ends it, if it has not ended. Whichever token of the session is given: an old one would end it in any case.
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

//! Proves an address by the token from a mail: the one that the account claims, or the one that is to take its place.

use crate::domain::{Email, EmailTokenPurpose, Result, secret};
use crate::store::email_tokens;
use crate::store::users::{self, User};

use super::Env;
use super::own_accounts::require_own_accounts;
use super::send_link::{dead_token, redeem};

/// What the mail said.
pub struct Input {
    /// The token.
    pub token: String,
}

/// Proves it. Returns the account as it is now, whoever asks: the token is the credential.
pub async fn verify_email(env: &Env, input: Input) -> Result<User> {
    require_own_accounts(env)?;
    let hash = secret::hash(&input.token);
    let now = env.clock.now();
    env.transaction(None, async |tx| {
        let purposes = [EmailTokenPurpose::Verify, EmailTokenPurpose::Change];
        let token = email_tokens::find(tx, &hash, &purposes, now).await?.ok_or_else(dead_token)?;
        let email = Email::parse(&token.email).map_err(|_| dead_token())?;
        let user = redeem(tx, &token, &email).await?;
        users::prove_email(tx, user.id, &email, now).await
    })
    .await
}

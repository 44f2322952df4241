//! Verifies an address by the token from a mail: the address that the account claims, or the one that replaces it. The
//! token alone proves nothing: a stranger who claims the address of the mail's reader may have caused the mail.

use crate::auth::Actor;
use crate::domain::{Code, EmailTokenPurpose, Error, Refusal, Result, secret};
use crate::store::email_tokens;
use crate::store::users::{self, User};

use crate::operations::AppContext;
use crate::operations::accounts::email_links::{dead_token, redeem};
use crate::operations::accounts::local_accounts::require_own_accounts;

/// The token from the mail.
pub struct Input {
    /// The token.
    pub token: String,
}

/// Verifies the address for the account of the token, which must be the actor's account: FORBIDDEN if not. An address
/// that is already verified stays verified, with the same response.
pub async fn verify_email(env: &AppContext, actor: Option<&Actor>, input: Input) -> Result<User> {
    require_own_accounts(env)?;
    let sign_in = "Sign in to the account that the mail names, then open the link again: it proves the address for that account only.";
    let actor = actor.ok_or_else(|| Refusal::new(Code::Forbidden, sign_in).at("token"))?;
    let hash = secret::hash(&input.token);
    let now = env.clock.now();
    env.transaction(Some(actor), async |tx| {
        let account = users::find_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?;
        let purposes = [EmailTokenPurpose::Verify, EmailTokenPurpose::Change];
        let token = email_tokens::find(tx, &hash, &purposes, now).await?.ok_or_else(dead_token)?;
        if token.user_id != Some(account.id) {
            let message =
                "This link is for another account than the one that you are signed in to. Nothing was changed.";
            return Err(Refusal::new(Code::Forbidden, message).at("token").into());
        }
        let email = token.address();
        users::lock_to_prove(tx, account.id, &email).await?;
        // The session may have ended while this waited for the locks.
        let user = users::find_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?;
        if user.verified_email() == Some(email.as_str()) {
            return Ok(user);
        }
        redeem(tx, &token, &user, now).await?;
        users::prove_email(tx, user.id, &email, now).await
    })
    .await
}

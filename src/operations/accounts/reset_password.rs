//! Sets a new password by the token from a mail, which also verifies the address, and ends every session of the
//! account. If the address was not verified before, a stranger who claimed it may have made the account, so every other
//! way to sign in is removed too.

use crate::auth::passwords::check_length;
use crate::domain::validation::Validator;
use crate::domain::{Email, EmailTokenPurpose, Result, secret};
use crate::store::users::{self, User};
use crate::store::{Connection, sessions};
use crate::store::{email_tokens, external_identities, sign_in_networks};

use crate::operations::AppContext;
use crate::operations::accounts::email_links::{dead_token, forget_resets, redeem};
use crate::operations::accounts::local_accounts::require_own_accounts;

/// The token from the mail, and the new password.
pub struct Input {
    /// The token.
    pub token: String,
    /// The new password.
    pub new_password: String,
}

/// Sets the new password. INVALID_CREDENTIALS if the token is not valid any more.
pub async fn reset_password(env: &AppContext, input: Input) -> Result<()> {
    require_own_accounts(env)?;
    let mut check = Validator::default();
    check.field("newPassword", check_length(&input.new_password));
    check.finish()?;
    let hash = secret::hash(&input.token);
    let now = env.clock.now();
    let purposes = [EmailTokenPurpose::Reset];

    // The token is checked first, because judging and hashing a password are expensive.
    let mut connection = env.store.read().await?;
    let token = email_tokens::find(&mut connection, &hash, &purposes, now).await?;
    let token = token.filter(|token| token.used_at.is_none()).ok_or_else(dead_token)?;
    let email = token.address();
    let user = account(&mut connection, &email).await?;
    drop(connection);
    let mut check = Validator::default();
    let known = [user.username.as_str(), user.display_name(), &token.email];
    check.field("newPassword", env.passwords.judge(&input.new_password, &known).await?);
    check.finish()?;
    let password_hash = env.passwords.hash(&input.new_password).await?;

    env.transaction(None, async |tx| {
        users::lock_address(tx, &email).await?;
        let id = account(tx, &email).await?.id;
        users::lock_to_prove(tx, id, &email).await?;
        let user = users::find(tx, id).await?.ok_or_else(dead_token)?;
        redeem(tx, &token, &user, now).await?;
        if user.verified_email() != Some(email.as_str()) {
            sign_in_networks::forget(tx, user.id).await?;
            external_identities::end(tx, user.id, now).await?;
        }
        users::prove_email(tx, user.id, &email, now).await?;
        users::set_password(tx, user.id, &password_hash, now).await?;
        sessions::delete_of_user(tx, user.id, None).await?;
        // A change of the address may have been requested with the old password.
        email_tokens::forget(tx, user.id, EmailTokenPurpose::Change).await?;
        forget_resets(tx, &email, now).await
    })
    .await
}

/// Returns the account whose password is reset through an address.
async fn account(connection: &mut Connection, email: &Email) -> Result<User> {
    let claimants = users::claimants(connection, email).await?;
    Ok(claimants.into_iter().next().ok_or_else(dead_token)?.user)
}

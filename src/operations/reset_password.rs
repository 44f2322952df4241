//! Sets a new password by the token from a mail, which proves the address as well, and ends every session of the account.

use crate::auth::passwords::check_length;
use crate::domain::input::Check;
use crate::domain::{Email, EmailTokenPurpose, Result, secret};
use crate::store::{email_tokens, sessions, users};

use super::Env;
use super::own_accounts::require_own_accounts;
use super::send_link::{dead_token, redeem};

/// What the mail said, and what is to be.
pub struct Input {
    /// The token.
    pub token: String,
    /// The new password.
    pub new_password: String,
}

/// Sets it.
pub async fn reset_password(env: &Env, input: Input) -> Result<()> {
    require_own_accounts(env)?;
    let mut check = Check::default();
    check.field("newPassword", check_length(&input.new_password));
    check.finish()?;
    let hash = secret::hash(&input.token);
    let now = env.clock.now();
    let purposes = [EmailTokenPurpose::Reset];

    // Judging and hashing are costly: the token comes first.
    let mut connection = env.store.read().await?;
    let token = email_tokens::find(&mut connection, &hash, &purposes, now).await?.ok_or_else(dead_token)?;
    let user = users::find(&connection, token.user_id).await?.ok_or_else(dead_token)?;
    drop(connection);
    let mut check = Check::default();
    let known = [user.username.as_str(), user.display_name(), &token.email];
    check.field("newPassword", env.passwords.judge(&input.new_password, &known).await?);
    check.finish()?;
    let password_hash = env.passwords.hash(&input.new_password).await?;

    let email = Email::parse(&token.email).map_err(|_| dead_token())?;
    env.transaction(None, async |tx| {
        let user = redeem(tx, &token, &email).await?;
        users::prove_email(tx, user.id, &email, now).await?;
        users::set_password(tx, user.id, &password_hash, now).await?;
        sessions::delete_of_user(tx, user.id, None).await?;
        // Whoever knew the old password may have asked for another address.
        email_tokens::forget(tx, user.id, &[EmailTokenPurpose::Change, EmailTokenPurpose::Reset]).await
    })
    .await
}

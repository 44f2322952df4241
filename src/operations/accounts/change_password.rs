//! Sets a new password for a caller who knows the present one. Ends every other session of the account, and revokes all
//! its tokens without a session.

use crate::auth::Actor;
use crate::auth::passwords::check_length;
use crate::domain::validation::Validator;
use crate::domain::{EmailTokenPurpose, Error, Result};
use crate::store::email_tokens;
use crate::store::sessions;
use crate::store::users::{self, User};

use crate::operations::AppContext;
use crate::operations::accounts::email_links::forget_resets;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::invalid_credentials;

/// The present and the new password.
pub struct Input {
    /// The present password.
    pub current_password: String,
    /// The new password.
    pub new_password: String,
}

/// Sets the new password. INVALID_CREDENTIALS if the present password is wrong.
pub async fn change_password(env: &AppContext, actor: &Actor, input: Input) -> Result<User> {
    require_own_accounts(env)?;
    let now = env.clock.now();
    let mut check = Validator::default();
    check.field("newPassword", check_length(&input.new_password));
    check.finish()?;
    env.throttle.sign_in(&actor.user_id.to_string(), None, now)?;
    let found = users::find_actor_with_password(&*env.store.read().await?, actor).await?;
    let found = found.ok_or(Error::Unauthenticated)?;

    let wrong = || invalid_credentials("This is not the present password.").at("currentPassword");
    if !env.passwords.verify(found.password_hash.as_deref(), &input.current_password).await? {
        return Err(wrong().into());
    }
    let known =
        [found.user.username.as_str(), found.user.display_name(), found.user.email.as_deref().unwrap_or_default()];
    let mut check = Validator::default();
    check.field("newPassword", env.passwords.judge(&input.new_password, &known).await?);
    check.finish()?;
    let password_hash = env.passwords.hash(&input.new_password).await?;
    env.transaction(Some(actor), async |tx| {
        let login = users::lock_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?;
        if login.password_hash != found.password_hash {
            return Err(wrong().into());
        }
        users::set_password(tx, actor.user_id, &password_hash, now).await?;
        sessions::delete_of_user(tx, actor.user_id, actor.session).await?;
        // A change of the address may have been requested with the old password.
        email_tokens::forget(tx, actor.user_id, EmailTokenPurpose::Change).await?;
        if let Some(email) = login.user.address().filter(|_| login.user.email_verified_at.is_some()) {
            forget_resets(tx, &email, now).await?;
        }
        Ok(login.user)
    })
    .await
}

//! Sends a link to a new address. The new address replaces the present one once the link is used.

use std::net::IpAddr;

use crate::auth::Actor;
use crate::domain::validation::Validator;
use crate::domain::{Email, EmailTokenPurpose, Error, Result};
use crate::store::users::{self, User};

use crate::operations::AppContext;
use crate::operations::accounts::email_links;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::invalid_credentials;

/// The new address and its confirmation.
pub struct Input {
    /// The new address.
    pub email: String,
    /// The present password.
    pub password: String,
    /// The client's IP address, if known.
    pub address: Option<IpAddr>,
}

/// Sends the link, and returns the account, still with the present address. No mail is sent to an address that an
/// account has verified, or above the daily limit of the address; the result is the same in these cases.
pub async fn change_email(env: &AppContext, actor: &Actor, input: Input) -> Result<User> {
    require_own_accounts(env)?;
    let mut check = Validator::default();
    let Some(email) = check.field("email", Email::parse(&input.email)) else { return Err(check.refuse()) };
    let now = env.clock.now();
    env.throttle.sign_in(&actor.user_id.to_string(), None, now)?;
    let found = users::find_actor_with_password(&*env.store.read().await?, actor).await?;
    let found = found.ok_or(Error::Unauthenticated)?;
    let wrong = || invalid_credentials("This is not the password of the account.").at("password");
    if !env.passwords.verify(found.password_hash.as_deref(), &input.password).await? {
        return Err(wrong().into());
    }
    env.throttle.mail_of(actor.user_id, now)?;
    let user = env
        .transaction(Some(actor), async |tx| {
            users::lock_address(tx, &email).await?;
            let login = users::lock_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?;
            if login.password_hash != found.password_hash {
                return Err(wrong().into());
            }
            email_links::require_may_send_from(tx, env, input.address, now).await?;
            if !users::is_proven(tx, &email).await?
                && email_links::may_send_to(tx, env, EmailTokenPurpose::Change, &email, now).await?
            {
                email_links::send(tx, env, &login.user, EmailTokenPurpose::Change, &email, now).await?;
            }
            Ok::<_, Error>(login.user)
        })
        .await?;
    env.outbox.wake();
    Ok(user)
}

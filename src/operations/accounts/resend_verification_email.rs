//! Sends the mail that verifies the actor's address again.

use std::net::IpAddr;

use crate::auth::Actor;
use crate::domain::{Code, EmailTokenPurpose, Error, Refusal, Result};
use crate::store::users::{self, User};

use crate::operations::AppContext;
use crate::operations::accounts::email_links;
use crate::operations::accounts::local_accounts::require_own_accounts;

/// Sends the mail, unless the address is already verified. REQUIRED if the account has no address.
pub async fn resend_verification_email(env: &AppContext, actor: &Actor, address: Option<IpAddr>) -> Result<User> {
    require_own_accounts(env)?;
    let now = env.clock.now();
    let user = env
        .transaction(Some(actor), async |tx| {
            let user = users::lock_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?.user;
            if user.email_verified_at.is_some() {
                return Ok(user);
            }
            let Some(email) = user.address() else {
                let message = "The account has no address. Give it one with changeEmail.";
                return Err(Refusal::new(Code::Required, message).into());
            };
            env.throttle.mail_of(user.id, now)?;
            email_links::require_may_send_from(tx, env, address, now).await?;
            if email_links::may_send_to(tx, env, EmailTokenPurpose::Verify, &email, now).await? {
                email_links::send(tx, env, &user, EmailTokenPurpose::Verify, &email, now).await?;
            }
            Ok::<_, Error>(user)
        })
        .await?;
    env.outbox.wake();
    Ok(user)
}

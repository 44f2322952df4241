//! Sends the mail that proves the actor's address again.

use crate::auth::Actor;
use crate::domain::{Code, Email, EmailTokenPurpose, Error, Refusal, Result};
use crate::store::users::{self, User};

use super::own_accounts::require_own_accounts;
use super::{Env, send_link};

/// Sends it, if there is anything to prove: an account whose address is proven has what it wants.
pub async fn resend_verification_email(env: &Env, actor: &Actor) -> Result<User> {
    require_own_accounts(env)?;
    let now = env.clock.now();
    let user = env
        .transaction(Some(actor), async |tx| {
            let user = users::lock_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?.user;
            if user.email_verified_at.is_some() {
                return Ok(user);
            }
            let Some(email) = &user.email else {
                let message = "The account has no address. Give it one with changeEmail.";
                return Err(Refusal::new(Code::Required, message).into());
            };
            let email = Email::parse(email).map_err(|problem| problem.at(Vec::new()))?;
            env.throttle.mail_of(user.id, now)?;
            if env.throttle.lets_mail_to(&email) {
                send_link::send(tx, env, &user, EmailTokenPurpose::Verify, &email, now).await?;
            }
            Ok::<_, Error>(user)
        })
        .await?;
    env.outbox.wake();
    Ok(user)
}

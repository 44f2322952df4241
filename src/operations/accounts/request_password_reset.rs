//! Sends a link that resets a password. The answer is the same, and takes about the same time, whether or not there is an
//! account.

use std::net::IpAddr;
use std::time::Duration;

use crate::domain::validation::Validator;
use crate::domain::{Email, EmailTokenPurpose, Result};
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::accounts::email_links;
use crate::operations::accounts::local_accounts::require_own_accounts;

/// How long an answer takes at least: more than it takes to queue a mail, so that the time does not tell whether one was.
const FLOOR: Duration = Duration::from_millis(100);

/// Whose password.
pub struct Input {
    /// Address of the account.
    pub email: String,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

/// Sends the link to the account that has proven the address. Where nobody has, to one that claims it: to follow the link is a
/// proof as good as any, and it gives the account a password that nobody else knows. Accounts that have no password yet,
/// since they were imported, come first, then the oldest.
pub async fn request_password_reset(env: &AppContext, input: Input) -> Result<()> {
    require_own_accounts(env)?;
    let answer_at = tokio::time::Instant::now() + FLOOR;
    let mut check = Validator::default();
    let Some(email) = check.field("email", Email::parse(&input.email)) else { return Err(check.refuse()) };
    let done = send(env, &email, input.address).await;
    tokio::time::sleep_until(answer_at).await;
    done
}

async fn send(env: &AppContext, email: &Email, address: Option<IpAddr>) -> Result<()> {
    let now = env.clock.now();
    env.transaction(None, async |tx| {
        users::lock_address(tx, email).await?;
        let claimants = users::claimants(tx, email).await?;
        // Counted whether or not there is an account, so that the answer is the same.
        email_links::require_may_send_from(tx, env, address, now).await?;
        // Counted with an account only: what was asked for before there was one must not keep its user from a link.
        if let Some(claimant) = claimants.first()
            && email_links::may_send_to(tx, env, EmailTokenPurpose::Reset, email, now).await?
        {
            email_links::send(tx, env, &claimant.user, EmailTokenPurpose::Reset, email, now).await?;
        }
        Ok(())
    })
    .await?;
    env.outbox.wake();
    Ok(())
}

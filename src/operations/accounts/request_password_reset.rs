//! Sends a link that resets a password. The response is the same, and takes about the same time, whether or not there
//! is an account.

use std::net::IpAddr;
use std::time::Duration;

use crate::domain::validation::Validator;
use crate::domain::{Email, EmailTokenPurpose, Result};
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::accounts::email_links;
use crate::operations::accounts::local_accounts::require_own_accounts;

/// Minimum duration of a response: longer than the queueing of a mail, so that the duration does not reveal whether a
/// mail was queued.
const FLOOR: Duration = Duration::from_millis(100);

/// The account whose password is reset.
pub struct Input {
    /// Address of the account.
    pub email: String,
    /// The client's IP address, if known.
    pub address: Option<IpAddr>,
}

/// Sends the link to the account that has verified the address. If no account has, sends it to an account that claims
/// the address: the use of the link verifies the address, and sets a password that only its user knows. Accounts
/// without a password, which were imported, come first, then the oldest.
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
        // This mail is counted whether or not there is an account, so that the response is the same.
        email_links::require_may_send_from(tx, env, address, now).await?;
        // This mail is counted only if there is an account: requests from before the account existed must not keep its
        // user from a link.
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

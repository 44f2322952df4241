//! Code that the operations on accounts share: stores a token as a hash, and queues the mail with its link. The mail
//! contains no text that the person who caused it could choose freely.

use std::net::IpAddr;

use chrono::{NaiveTime, SecondsFormat, TimeDelta};
use serde_json::json;

use crate::auth::throttle::network;

use crate::domain::clock::Instant;
use crate::domain::secret::SecretToken;
use crate::domain::{Email, EmailTokenPurpose, Refusal, Result};
use crate::mail::queue::{NewMail, Template};
use crate::store::Connection;
use crate::store::email_tokens;
use crate::store::email_tokens::EmailToken;
use crate::store::mail_counts::{self, Subject};
use crate::store::users::User;

use crate::operations::AppContext;
use crate::operations::sessions::open::invalid_credentials;

/// Lifetime of a link that verifies an address.
const PROOF_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// Lifetime of a link that resets a password.
const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Mails per day and address that are sent without delay: this many for verification, and this many for resets.
const FREE_A_DAY: i32 = 3;
/// Minimum time between further mails to the address: equal to the lifetime of a reset link, so that the mailbox always
/// has a valid link.
const PAUSE: TimeDelta = RESET_LIFETIME;
/// Maximum number of mails per day that are caused from one network, whatever their recipients.
const A_DAY_PER_NETWORK: i32 = 200;

/// Counts a mail to an address, and returns whether it may be sent. The caller does not learn the result: a refusal
/// would reveal the requests of other callers.
pub(crate) async fn may_send_to(
    tx: &mut Connection,
    env: &AppContext,
    purpose: EmailTokenPurpose,
    email: &Email,
    now: Instant,
) -> Result<bool> {
    let subject = match purpose {
        EmailTokenPurpose::Verify | EmailTokenPurpose::Change => Subject::Proof(email),
        EmailTokenPurpose::Reset => Subject::Reset(email),
    };
    Ok(!env.rules.rate_limits || mail_counts::count(tx, subject, now, FREE_A_DAY, Some(PAUSE)).await?)
}

/// Counts a mail that is caused from the network of `address`, and returns whether it may be sent.
pub(crate) async fn may_send_from(
    tx: &mut Connection,
    env: &AppContext,
    address: Option<IpAddr>,
    now: Instant,
) -> Result<bool> {
    let Some(address) = address.filter(|_| env.rules.rate_limits) else { return Ok(true) };
    let network = network(address).to_string();
    mail_counts::count(tx, Subject::Network(&network), now, A_DAY_PER_NETWORK, None).await
}

/// As [`may_send_from`], but returns RATE_LIMITED until the next day (UTC) if the mail may not be sent.
pub(crate) async fn require_may_send_from(
    tx: &mut Connection,
    env: &AppContext,
    address: Option<IpAddr>,
    now: Instant,
) -> Result<()> {
    if may_send_from(tx, env, address, now).await? {
        return Ok(());
    }
    let tomorrow = (now.date_naive() + TimeDelta::days(1)).and_time(NaiveTime::MIN).and_utc();
    Err(Refusal::rate_limited("Too many mails were asked for from your network today.", tomorrow).into())
}

/// Sends a link for a purpose. A new link that verifies or changes an account's address invalidates the previous one;
/// the account must be locked for these purposes. The caller wakes the outbox after the commit.
pub(crate) async fn send(
    tx: &mut Connection,
    env: &AppContext,
    user: &User,
    purpose: EmailTokenPurpose,
    email: &Email,
    now: Instant,
) -> Result<()> {
    let (template, lifetime) = match purpose {
        EmailTokenPurpose::Verify => (Template::VerifyEmail, PROOF_LIFETIME),
        EmailTokenPurpose::Change => (Template::ChangeEmail, PROOF_LIFETIME),
        EmailTokenPurpose::Reset => (Template::ResetPassword, RESET_LIFETIME),
    };
    let token = SecretToken::random();
    let expires_at = now + lifetime;
    let row = EmailToken {
        token_hash: token.hash(),
        user_id: (purpose != EmailTokenPurpose::Reset).then_some(user.id),
        purpose,
        email: email.as_str().to_owned(),
        email_written: email.written().map(str::to_owned),
        created_at: now,
        expires_at,
        used_at: None,
    };
    email_tokens::put(tx, &row).await?;
    let mail = NewMail {
        template,
        recipient: email.as_str().to_owned(),
        variables: json!({
            "username": user.username,
            "expires_at": expires_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        }),
        token: Some(token.expose().to_owned()),
        invitation: None,
        organization: None,
        // A reset mail belongs to the address: the deletion of an account that only claims the address must not delete
        // the mail.
        sender: (purpose != EmailTokenPurpose::Reset).then_some(user.id),
        is_resend: false,
    };
    env.outbox.queue(tx, now, mail).await?;
    Ok(())
}

/// Redeems a token of an account, which must be locked for the verification of the token's address. INVALID_CREDENTIALS
/// if the token is not valid any more.
pub(crate) async fn redeem(tx: &mut Connection, token: &EmailToken, user: &User, now: Instant) -> Result<()> {
    // The account's address may have changed since the link was sent, or another account may have verified the address.
    let claimed = token.purpose == EmailTokenPurpose::Change || user.email.as_deref() == Some(token.email.as_str());
    if !email_tokens::use_up(tx, &token.token_hash, now).await? || !claimed {
        return Err(dead_token().into());
    }
    Ok(())
}

/// Invalidates the reset links of an address after its account has a new password, and resets the count of reset mails:
/// only a reader of the address, or the account that has verified it, gets here.
pub(crate) async fn forget_resets(tx: &mut Connection, email: &Email, now: Instant) -> Result<()> {
    email_tokens::forget_resets(tx, email.as_str()).await?;
    mail_counts::forget(tx, Subject::Reset(email), now).await
}

/// Returns the refusal of a token that is unknown, used or expired.
pub(crate) fn dead_token() -> Refusal {
    invalid_credentials("This link does not work any more. Ask for a new one.").at("token")
}

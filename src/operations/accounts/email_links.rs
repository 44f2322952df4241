//! The step that accounts share with the mail: a token, kept as a hash, and the link with it on its way to an address. The mail
//! has no text that the person who caused it could choose freely.

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

/// How long a link that proves an address is good.
const PROOF_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How long a link that resets a password is good.
const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Mails a day to one address that go out freely: as many of proof, and as many of reset.
const FREE_A_DAY: i32 = 3;
/// How long each further mail to the address waits after the last one: as long as a link that resets a password is good, so that
/// a live one is always in the mailbox.
const PAUSE: TimeDelta = RESET_LIFETIME;
/// Mails a day that are caused from one network, whatever addresses they go to.
const A_DAY_PER_NETWORK: i32 = 200;

/// Counts a mail to that address, and returns whether it may be sent. The caller is not told if not: the refusal would show what
/// others have asked for.
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

/// Counts a mail that is caused from the network of that address, and returns whether it may be sent.
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

/// As [`may_send_from`]; RATE_LIMITED until tomorrow if not.
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

/// Sends a link for that purpose. Of the links that prove an account's address, or change it, the last one no longer works; the
/// account must be locked for these. Wake the outbox after the commit.
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
        // A mail of reset is the address's: it does not go with an account that merely claims the address.
        sender: (purpose != EmailTokenPurpose::Reset).then_some(user.id),
        is_resend: false,
    };
    env.outbox.queue(tx, now, mail).await?;
    Ok(())
}

/// Uses up a token of that account, which must be locked for the proof of the token's address.
pub(crate) async fn redeem(tx: &mut Connection, token: &EmailToken, user: &User, now: Instant) -> Result<()> {
    // Another address took the place of the one that the link went to, or another account has proven it.
    let claimed = token.purpose == EmailTokenPurpose::Change || user.email.as_deref() == Some(token.email.as_str());
    if !email_tokens::use_up(tx, &token.token_hash, now).await? || !claimed {
        return Err(dead_token().into());
    }
    Ok(())
}

/// Makes the links worthless that reset a password through that address, now that it has another one, and lets new ones go out
/// freely: only a reader of the address, or the account that has proven it, gets here.
pub(crate) async fn forget_resets(tx: &mut Connection, email: &Email, now: Instant) -> Result<()> {
    email_tokens::forget_resets(tx, email.as_str()).await?;
    mail_counts::forget(tx, Subject::Reset(email), now).await
}

/// The refusal of a token that is unknown, used, or run out.
pub(crate) fn dead_token() -> Refusal {
    invalid_credentials("This link does not work any more. Ask for a new one.").at("token")
}

//! The step that accounts share with the mail: a token, kept as a hash, and the link with it on its way to an address.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::json;

use crate::domain::clock::Instant;
use crate::domain::secret::Token;
use crate::domain::{Email, EmailTokenPurpose, Refusal, Result};
use crate::mail::queue::{NewMail, Template};
use crate::store::email_tokens::{self, EmailToken};
use crate::store::users::User;
use crate::store::{Connection, users};

use super::Env;
use super::open_session::invalid_credentials;

/// How long a link that proves an address is good.
const PROOF_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How long a link that resets a password is good.
const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Sends a link for that purpose; the last one for it no longer works. Wake the outbox after the commit.
pub(super) async fn send(
    tx: &mut Connection,
    env: &Env,
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
    let token = Token::random();
    let expires_at = now + lifetime;
    let row = EmailToken {
        token_hash: token.hash(),
        user_id: user.id,
        purpose,
        email: email.as_str().to_owned(),
        created_at: now,
        expires_at,
    };
    email_tokens::put(tx, &row).await?;
    let mail = NewMail {
        template,
        recipient: email.as_str().to_owned(),
        variables: json!({
            "name": user.display_name(),
            "expires_at": expires_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        }),
        token: Some(token.expose().to_owned()),
        invitation: None,
        organization: None,
        sender: Some(user.id),
        is_resend: false,
    };
    env.outbox.queue(tx, now, mail).await?;
    Ok(())
}

/// Uses up a token that proves `token.email`, and returns its account, locked for the proof.
pub(super) async fn redeem(tx: &mut Connection, token: &EmailToken, email: &Email) -> Result<User> {
    users::lock_to_prove(tx, token.user_id, email).await?;
    let user = users::find(tx, token.user_id).await?.ok_or_else(dead_token)?;
    // Another address took the place of that to which the link went, or somebody else has proven it.
    let claimed = token.purpose == EmailTokenPurpose::Change || user.email.as_deref() == Some(email.as_str());
    if !email_tokens::take(tx, &token.token_hash).await? || !claimed {
        return Err(dead_token().into());
    }
    Ok(user)
}

/// The refusal of a token that is unknown, used, or run out.
pub(super) fn dead_token() -> Refusal {
    invalid_credentials("This link does not work any more. Ask for a new one.").at("token")
}

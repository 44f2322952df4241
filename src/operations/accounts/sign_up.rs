//! Creates an account. With the token of an invitation, the address is verified and the account joins the organization,
//! all in one transaction. Without a token, the address is unverified until the link in a mail is used.

use std::net::IpAddr;

use crate::auth::passwords::check_length;
use crate::domain::clock::Instant;
use crate::domain::error::FieldError;
use crate::domain::validation::Validator;
use crate::domain::{Code, Email, EmailTokenPurpose, Refusal, Result, UserId, Username, ids, secret, text};
use crate::policy::Action;
use crate::store::Connection;
use crate::store::users::{self, NewUser, User};

use crate::operations::accounts::email_links;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::invitations::join::{Entered, InvitationRef, enter, join, require_pending};
use crate::operations::sessions::open::{SignedIn, open};
use crate::operations::{AppContext, SignUp};

/// Maximum length of a display name, in characters.
pub(crate) const MAX_DISPLAY_NAME: usize = 64;

/// The account to create.
pub struct Input {
    /// The account's address. Not needed with an invitation.
    pub email: Option<String>,
    /// The account's unique name.
    pub username: String,
    /// The account's password.
    pub password: String,
    /// The account's display name; `None` means the username is shown.
    pub display_name: Option<String>,
    /// The token from the mail of an invitation.
    pub invitation_token: Option<String>,
    /// The client's IP address, for the rate limits.
    pub address: Option<IpAddr>,
}

/// An input of valid form.
struct Checked {
    email: Option<Email>,
    username: Username,
    display_name: Option<String>,
    token_hash: Option<Vec<u8>>,
}

/// Creates the account, and starts its first session.
pub async fn sign_up(env: &AppContext, input: Input) -> Result<SignedIn> {
    require_own_accounts(env)?;
    let (password, address) = (input.password.clone(), input.address);
    let known = [Some(input.username.clone()), input.email.clone(), input.display_name.clone()];
    let wanted = checked(input)?;
    let closed = |message: &str| Refusal::new(Code::Forbidden, message);
    match (env.rules.sign_up, &wanted.token_hash) {
        (SignUp::Closed, _) => return Err(closed("This server does not take new accounts.").into()),
        (SignUp::Invited, None) => return Err(closed("This server takes new accounts by invitation only.").into()),
        _ => {}
    }
    let now = env.clock.now();
    // Judging and hashing the password are expensive, so the rate limit is checked first.
    env.throttle.sign_up(wanted.username.as_str(), address, now)?;
    let known: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
    let mut check = Validator::default();
    check.field("password", env.passwords.judge(&password, &known).await?);
    check.finish()?;
    let password_hash = env.passwords.hash(&password).await?;
    let signed_in = env
        .transaction(None, async |tx| {
            let user = match &wanted.token_hash {
                Some(token_hash) => invited(env, tx, &wanted, token_hash, &password_hash, now).await?,
                None => claiming(tx, env, &wanted, &password_hash, address, now).await?,
            };
            open(tx, env, user, address, now).await
        })
        .await?;
    env.outbox.wake();
    Ok(signed_in)
}

fn checked(input: Input) -> Result<Checked> {
    let mut check = Validator::default();
    let username = check.field("username", Username::parse(&input.username));
    let email = check.field("email", Email::optional(input.email.as_deref()));
    let display_name = text::optional(input.display_name.as_deref(), MAX_DISPLAY_NAME);
    let display_name = display_name.and_then(|name| name.as_deref().map_or(Ok(()), text::without_link).map(|()| name));
    let display_name = check.field("displayName", display_name);
    let token = input.invitation_token.filter(|token| !token.trim().is_empty());
    if matches!(email, Some(None)) && token.is_none() {
        check.note("email", FieldError::new(Code::Required, "An e-mail address is needed."));
    }
    check.field("password", check_length(&input.password));
    let (Some(username), Some(email), Some(display_name)) = (username, email, display_name) else {
        return Err(check.refuse());
    };
    check.finish()?;
    Ok(Checked { email, username, display_name, token_hash: token.map(|token| secret::hash(&token)) })
}

/// Creates an account that joins by an invitation, which verifies its address.
async fn invited(
    env: &AppContext,
    tx: &mut Connection,
    wanted: &Checked,
    token_hash: &[u8],
    password_hash: &str,
    now: Instant,
) -> Result<User> {
    let named = InvitationRef::Token(token_hash.to_vec());
    let entered = enter(tx, None, &named, Action::InvitationAccept, now).await;
    let Entered { invitation, access, .. } = entered.map_err(|error| error.not_found_at("invitationToken"))?;
    require_pending(&invitation, now)?;
    let email = invitation.address();
    if wanted.email.as_ref().is_some_and(|given| *given != email) {
        let message = "The invitation was sent to another address. Leave the address out, or give that one.";
        return Err(Refusal::new(Code::InvitationForAnother, message).at("email").into());
    }
    users::lock_address(tx, &email).await?;
    if users::is_proven(tx, &email).await? {
        return Err(taken().at("invitationToken").into());
    }
    let user = insert(tx, wanted, None, password_hash, now).await?;
    let user = users::prove_email(tx, user.id, &email, now).await?;
    join(env, tx, now, (access.organization(), &invitation), &user).await?;
    Ok(user)
}

/// Creates an account that claims an address, and sends a link to verify it.
async fn claiming(
    tx: &mut Connection,
    env: &AppContext,
    wanted: &Checked,
    password_hash: &str,
    address: Option<IpAddr>,
    now: Instant,
) -> Result<User> {
    let required = || Refusal::new(Code::Required, "An e-mail address is needed.").at("email");
    let email = wanted.email.as_ref().ok_or_else(required)?;
    // A verification of the address clears it from all accounts that claim it. The lock prevents a new claim during the
    // verification.
    users::lock_address(tx, email).await?;
    if users::is_proven(tx, email).await? {
        return Err(taken().at("email").into());
    }
    let user = insert(tx, wanted, Some(email), password_hash, now).await?;
    // If the mail limit is reached, the account is created nevertheless; its user can request the mail later.
    let may_send = email_links::may_send_from(tx, env, address, now).await?;
    if may_send && email_links::may_send_to(tx, env, EmailTokenPurpose::Verify, email, now).await? {
        email_links::send(tx, env, &user, EmailTokenPurpose::Verify, email, now).await?;
    }
    Ok(user)
}

async fn insert(
    tx: &mut Connection,
    wanted: &Checked,
    email: Option<&Email>,
    password_hash: &str,
    now: Instant,
) -> Result<User> {
    let new = NewUser {
        id: ids::new_id::<UserId>(now),
        username: wanted.username.as_str(),
        display_name: wanted.display_name.as_deref(),
        email: email.map(Email::as_str),
        email_written: email.and_then(Email::written),
        password_hash: Some(password_hash),
        created_at: now,
    };
    users::insert(tx, &new).await
}

fn taken() -> Refusal {
    Refusal::new(Code::EmailTaken, "An account with this address exists already. Sign in, or reset its password.")
}

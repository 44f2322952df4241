//! Finds the account of a user of an external issuer. Creates it at the first request, and updates it to the issuer's
//! present claims. Accounts are never linked by address.

use sha2::{Digest, Sha256};

use crate::auth::oidc::{EmailClaim, Identity, VerifiedToken};
use crate::domain::clock::Instant;
use crate::domain::{Code, Email, Error, InternalError, Result, UserId, Username, ids, text};
use crate::store::external_identities;
use crate::store::external_identities::ExternalIdentity;
use crate::store::users::{self, NewUser, User};
use crate::store::{Connection, Transactional, memberships};

use crate::operations::AppContext;
use crate::operations::accounts::sign_up::MAX_DISPLAY_NAME;

/// Number of attempts if a concurrent sign-up takes a name that was free before.
const ATTEMPTS: usize = 5;

/// Returns the ID of the account of a user of `issuer`. UNAUTHENTICATED if the account was deleted after the token was
/// issued.
pub async fn recognize(env: &AppContext, issuer: &str, vouched: &VerifiedToken, now: Instant) -> Result<UserId> {
    for _ in 0..ATTEMPTS {
        let mut connection = env.store.writer().await?;
        let done = connection.transaction(async |tx| settle(tx, issuer, vouched, now).await).await;
        match done {
            Err(Error::Refused(refusals)) if refusals.iter().all(|refusal| refusal.code == Code::UsernameTaken) => {}
            done => return done,
        }
    }
    Err(InternalError::transient("others took every name that was free").into())
}

/// The lock order is: identity, username, memberships, address, accounts.
async fn settle(tx: &mut Connection, issuer: &str, vouched: &VerifiedToken, now: Instant) -> Result<UserId> {
    let VerifiedToken { identity, issued_at, .. } = vouched;
    external_identities::lock(tx, issuer, &identity.subject).await?;
    let (user, username_before) = match external_identities::find(tx, issuer, &identity.subject).await? {
        // The stored claims are newer than this token.
        Some(ExternalIdentity { user_id: Some(id), claimed_at, .. }) if *issued_at < claimed_at => return Ok(id),
        Some(ExternalIdentity { user_id: Some(id), preferred_username, .. }) => {
            (Some(users::find(tx, id).await?.ok_or(Error::Unauthenticated)?), preferred_username)
        }
        Some(ExternalIdentity { user_id: None, claimed_at, .. }) if *issued_at <= claimed_at => {
            return Err(Error::Unauthenticated);
        }
        _ => (None, None),
    };
    let is_named_anew = identity.username.is_some() && identity.username != username_before;
    let user = match user {
        Some(user) if is_named_anew => {
            let username = free_username(tx, issuer, identity, Some(&user.username)).await?.to_string();
            User { username, ..user }
        }
        Some(user) => user,
        None => make(tx, issuer, identity, now).await?,
    };
    memberships::lock_of_user(tx, user.id).await?;
    update_email(tx, &user, &identity.email, now).await?;
    let display_name = text::truncated(identity.name.as_deref(), MAX_DISPLAY_NAME).or(user.display_name);
    users::set_names(tx, user.id, &user.username, display_name.as_deref()).await?;
    if let Some(is_admin) = identity.is_admin {
        users::set_admin_by_id(tx, user.id, is_admin).await?;
    }
    let row = ExternalIdentity {
        issuer: issuer.to_owned(),
        subject: identity.subject.clone(),
        user_id: Some(user.id),
        preferred_username: identity.username.clone().or(username_before),
        claimed_at: *issued_at,
    };
    external_identities::put(tx, &row).await?;
    Ok(user.id)
}

async fn make(tx: &mut Connection, issuer: &str, identity: &Identity, now: Instant) -> Result<User> {
    let username = free_username(tx, issuer, identity, None).await?;
    let new = NewUser {
        id: ids::new_id::<UserId>(now),
        username: username.as_str(),
        display_name: None,
        email: None,
        email_written: None,
        password_hash: None,
        created_at: now,
    };
    users::insert(tx, &new).await
}

/// Updates the address from the claim. An address that the issuer has verified counts as verified, as if the user had
/// used a link, unless another account has verified it.
async fn update_email(tx: &mut Connection, user: &User, claim: &EmailClaim, now: Instant) -> Result<()> {
    let holds = |email: &Email| user.verified_email() == Some(email.as_str());
    match claim {
        EmailClaim::Absent => Ok(()),
        EmailClaim::Verified(email) if holds(email) => Ok(()),
        EmailClaim::Verified(email) => {
            users::lock_address(tx, email).await?;
            if !users::is_proven(tx, email).await? {
                users::prove_email(tx, user.id, email, now).await?;
                return Ok(());
            }
            clear_email(tx, user).await
        }
        EmailClaim::Unverified => clear_email(tx, user).await,
    }
}

async fn clear_email(tx: &mut Connection, user: &User) -> Result<()> {
    if user.email.is_some() { users::clear_email(tx, user.id).await } else { Ok(()) }
}

/// Returns the best username for the identity that is free, or that the account already has.
async fn free_username(tx: &mut Connection, issuer: &str, identity: &Identity, own: Option<&str>) -> Result<Username> {
    let digest = Sha256::digest(format!("{issuer} {}", identity.subject));
    let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let wanted = Username::resembling(identity.username.as_deref().unwrap_or_default(), &mark);
    if let Some(best) = wanted.first() {
        users::lock_username(tx, best).await?;
    }
    let names: Vec<&str> = wanted.iter().map(Username::as_str).collect();
    let taken = users::taken(tx, &names).await?;
    let is_free = |name: &Username| own == Some(name.as_str()) || !taken.iter().any(|taken| taken == name.as_str());
    wanted.into_iter().find(is_free).ok_or_else(|| InternalError::new("no username is free").into())
}

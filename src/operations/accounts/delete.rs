//! Deletes the actor's account and personal workspace, and ends its memberships. Organizations of which the account is
//! the only member can be restored by an administrator during the grace period; until their deletion, a row without
//! name, login or address owns them. The account's resources in other organizations go to the owners of those.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::auth::Actor;
use crate::domain::clock::{self, Instant};
use crate::domain::error::FieldError;
use crate::domain::event::EventType;
use crate::domain::validation::Validator;
use crate::domain::{Code, Error, InternalError, OrganizationId, Refusal, Result, UserId, Username};
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::external_identities;
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, Organization};
use crate::store::{Connection, invitations, mails, sessions, users};

use crate::operations::AppContext;
use crate::operations::memberships::reassign_resources::hand_over;
use crate::operations::memberships::remove::end_membership;
use crate::operations::organizations::delete::schedule_deletion;
use crate::operations::sessions::open::invalid_credentials;

/// How long after a sign-in the password is not needed.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// The confirmation of the deletion.
pub struct Input {
    /// The actor's username, typed as a confirmation.
    pub confirm_username: String,
    /// The password. Not needed if the actor signed in within the last 10 minutes.
    pub password: Option<String>,
}

/// Deletes the account, and returns its former ID. INVALID_CREDENTIALS if the password is wrong, or is missing and the
/// sign-in was over 10 minutes ago.
pub async fn delete_account(env: &AppContext, actor: &Actor, input: Input) -> Result<UserId> {
    let now = env.clock.now();
    let password_hash = match &input.password {
        Some(password) => Some(verified(env, actor, password, now).await?),
        None => None,
    };
    env.transaction(Some(actor), async |tx| {
        let mut held = Vec::new();
        for id in concerned(tx, actor.user_id).await? {
            held.extend(organizations::lock(tx, id).await?);
        }
        invitations::forget_inviter(tx, actor.user_id).await?;
        // The memberships are locked before the account, as in every change of names: memberships have copies of the
        // names.
        memberships::lock_of_user(tx, actor.user_id).await?;
        let login = users::lock_actor_for_deletion(tx, actor).await?.ok_or(Error::Unauthenticated)?;
        match &password_hash {
            Some(hash) if *hash != login.password_hash => return Err(wrong_password().into()),
            Some(_) => {}
            None => require_recent_sign_in(tx, actor, now).await?,
        }
        let user = login.user;
        if Username::lowercase(&input.confirm_username) != user.username {
            let mut check = Validator::default();
            let message = "This is not the username of the account.";
            check.note("confirmUsername", FieldError::new(Code::ConfirmationMismatch, message));
            return Err(check.refuse());
        }
        if !concerned(tx, user.id).await?.into_iter().eq(held.iter().map(|organization| organization.id)) {
            let cause = "the account joined or left an organization while it was being deleted";
            return Err(InternalError::transient(cause).into());
        }
        let mut owns_still = false;
        for organization in &held {
            match memberships::of(tx, organization.id, user.id).await? {
                Some(membership) => owns_still |= leave(env, tx, organization, &membership, now).await?,
                // A site administrator, or former one, created something there without a membership.
                None => hand_over(tx, organization, user.id, user.id, now).await?,
            }
        }
        mails::forget_account(tx, user.id, user.verified_email()).await?;
        external_identities::end(tx, user.id, now).await?;
        if owns_still { users::delete_but_row(tx, user.id, now).await } else { users::delete(tx, user.id).await }
    })
    .await?;
    if let Some(issuer) = &env.issuer {
        issuer.known.forget(actor.user_id);
    }
    Ok(actor.user_id)
}

/// Verifies the password, and returns the stored hash that it matched.
async fn verified(env: &AppContext, actor: &Actor, password: &str, now: Instant) -> Result<Option<String>> {
    env.throttle.sign_in(&actor.user_id.to_string(), None, now)?;
    let found = users::find_actor_with_password(&*env.store.read().await?, actor).await?;
    let hash = found.ok_or(Error::Unauthenticated)?.password_hash;
    if env.passwords.verify(hash.as_deref(), password).await? { Ok(hash) } else { Err(wrong_password().into()) }
}

fn wrong_password() -> Refusal {
    invalid_credentials("This is not the password of the account.").at("password")
}

/// INVALID_CREDENTIALS unless the actor has signed in within [`RECENT`].
async fn require_recent_sign_in(tx: &mut Connection, actor: &Actor, now: Instant) -> Result<()> {
    let signed_in = match actor.session {
        Some(session) => Some(sessions::find(tx, session).await?.ok_or(Error::Unauthenticated)?.began_at),
        None => actor.authenticated_at,
    };
    if signed_in.is_some_and(|at| now - at <= RECENT) {
        return Ok(());
    }
    Err(invalid_credentials("Give the password of the account, or sign in again.").at("password").into())
}

/// Returns the organizations in which the user is a member or owns something, in their lock order.
async fn concerned(tx: &mut Connection, user: UserId) -> Result<BTreeSet<OrganizationId>> {
    let joined = memberships::of_user(tx, user).await?.into_iter().map(|membership| membership.organization_id);
    let owning = organizations::where_owning(tx, user).await?;
    Ok(joined.chain(owning).collect())
}

/// Ends a membership of the account. If it is the last membership, the organization's grace period starts, and the
/// account still owns the organization until its end. Returns whether the account still owns the organization.
async fn leave(
    env: &AppContext,
    tx: &mut Connection,
    organization: &Organization,
    membership: &Membership,
    now: Instant,
) -> Result<bool> {
    let user = membership.user_id;
    // The rule for an active organization applies: a pending deletion does not keep members from deleting their
    // accounts.
    let viewer_access = AccessContext { signed_in: true, role: Some(membership.role), ..AccessContext::default() };
    match decide(&viewer_access, Action::OrganizationLeave, &Target::default()) {
        Decision::Allow => {
            end_membership(tx, organization, membership, EventType::MemberLeft, user, now).await?;
            return Ok(false);
        }
        refused if organization.member_count > 1 => {
            return match organization.deletion_scheduled_for {
                // The organization must stay restorable, and it cannot be restored without its owner.
                Some(at) => Err(still_restorable(at).into()),
                None => refused.require("organization").map(|()| false),
            };
        }
        // An owner who is the only member deletes the organization together with the account.
        _ => {}
    }
    if organization.deletion_scheduled_for.is_none() {
        schedule_deletion(env, tx, organization, user, now).await?;
    }
    Ok(!env.rules.deletion_grace.is_zero())
}

fn still_restorable(until: Instant) -> Refusal {
    let message = format!(
        "An organization of yours that has other members can be restored until {}. Delete the account after that.",
        clock::text(until)
    );
    Refusal::new(Code::OwnerCannotLeave, message)
}

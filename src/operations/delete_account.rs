//! Deletes the actor's account: it leaves its organizations, and those of which it is the only member go with it, whether or not
//! they are about to be deleted anyway. What it owns in others stays with their owners; its personal workspace goes.

use std::collections::BTreeSet;

use crate::auth::Actor;
use crate::domain::clock::{self, Instant};
use crate::domain::error::Problem;
use crate::domain::event::EventType;
use crate::domain::input::Check;
use crate::domain::{Code, Error, Fault, OrganizationId, Refusal, Result, UserId, Username};
use crate::policy::{Action, Decision, Standing, Target, decide};
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, Organization};
use crate::store::{Connection, Transactional, external_identities, invitations, sessions, users};

use super::Env;
use super::delete_organization::delete_for_good;
use super::hand_over::hand_over;
use super::remove_member::end_membership;

/// What is typed to confirm it.
pub struct Input {
    /// The actor's username.
    pub confirm_username: String,
}

/// Deletes it, and returns the ID that it had.
pub async fn delete_account(env: &Env, actor: &Actor, input: Input) -> Result<UserId> {
    let now = env.clock.now();
    let mut connection = env.store.writer().await?;
    connection
        .transaction(async |tx| {
            // What was ended, by a new password or by signing out, must not end the account.
            if let Some(session) = actor.session {
                sessions::find(tx, session).await?.ok_or(Error::Unauthenticated)?;
            }
            let mut held = Vec::new();
            for id in concerned(tx, actor.user_id).await? {
                held.extend(organizations::lock(tx, id).await?);
            }
            invitations::forget_inviter(tx, actor.user_id).await?;
            let user = users::lock_for_deletion(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?;
            if Username::lowercase(&input.confirm_username) != user.username {
                let mut check = Check::default();
                let message = "This is not the username of the account.";
                check.note("confirmUsername", Problem::new(Code::ConfirmationMismatch, message));
                return Err(check.refuse());
            }
            if !concerned(tx, user.id).await?.into_iter().eq(held.iter().map(|organization| organization.id)) {
                let cause = "the account joined or left an organization while it was being deleted";
                return Err(Fault::passing(cause).into());
            }
            for organization in &held {
                match memberships::of(tx, organization.id, user.id).await? {
                    Some(membership) => leave(tx, organization, &membership, now).await?,
                    // A site administrator has made something there, or was one then.
                    None => hand_over(tx, organization, user.id, user.id, now).await?,
                }
            }
            external_identities::end(tx, user.id, now).await?;
            users::delete(tx, user.id).await?;
            Ok::<_, Error>(())
        })
        .await?;
    if let Some(issuer) = &env.issuer {
        issuer.known.forget(actor.user_id);
    }
    Ok(actor.user_id)
}

/// The organizations that the user is a member of, or owns something in, in the order in which they are locked.
async fn concerned(tx: &mut Connection, user: UserId) -> Result<BTreeSet<OrganizationId>> {
    let joined = memberships::of_user(tx, user).await?.into_iter().map(|membership| membership.organization_id);
    let owning = organizations::where_owning(tx, user).await?;
    Ok(joined.chain(owning).collect())
}

/// Ends a membership of the account, and with the last one the organization.
async fn leave(tx: &mut Connection, organization: &Organization, membership: &Membership, now: Instant) -> Result<()> {
    let user = membership.user_id;
    // As in an organization in use: one that is about to be deleted does not hold back those who go for good.
    let standing = Standing { signed_in: true, role: Some(membership.role), ..Standing::default() };
    match decide(&standing, Action::OrganizationLeave, &Target::default()) {
        Decision::Allow => return end_membership(tx, organization, membership, EventType::MemberLeft, user, now).await,
        refused if organization.member_count > 1 => {
            return match organization.deletion_scheduled_for {
                // It has to be there to be restored, and it cannot be without its owner.
                Some(at) => Err(still_restorable(at).into()),
                None => refused.require("organization"),
            };
        }
        // Who cannot leave an organization takes it along if nobody else is in it.
        _ => {}
    }
    delete_for_good(tx, organization, Some(user), now).await
}

fn still_restorable(until: Instant) -> Refusal {
    let message = format!(
        "An organization of yours that has other members can be restored until {}. Delete the account after that.",
        clock::text(until)
    );
    Refusal::new(Code::OwnerCannotLeave, message)
}

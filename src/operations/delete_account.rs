//! Deletes the actor's account: it leaves its organizations, and those of which it is the only member go with it, whether or not
//! they are about to be deleted anyway.

use crate::auth::Actor;
use crate::domain::clock::{self, Instant};
use crate::domain::error::Problem;
use crate::domain::event::EventType;
use crate::domain::input::Check;
use crate::domain::{Code, Error, Fault, Refusal, Result, UserId, Username};
use crate::policy::{Action, Decision, Standing, Target, decide};
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, Organization};
use crate::store::{Connection, Transactional, invitations, sessions, users};

use super::Env;
use super::delete_organization::delete_for_good;
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
            let locked = memberships::of_user(tx, actor.user_id).await?;
            let mut left = Vec::new();
            for membership in &locked {
                left.extend(organizations::lock(tx, membership.organization_id).await?);
            }
            invitations::forget_inviter(tx, actor.user_id).await?;
            let user = users::lock_for_deletion(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?;
            if Username::lowercase(&input.confirm_username) != user.username {
                let mut check = Check::default();
                let message = "This is not the username of the account.";
                check.note("confirmUsername", Problem::new(Code::ConfirmationMismatch, message));
                return Err(check.refuse());
            }
            // Both in the order of organizations.
            let present = memberships::of_user(tx, actor.user_id).await?;
            if !present.iter().map(|membership| membership.organization_id).eq(left.iter().map(|left| left.id)) {
                let cause = "the account joined or left an organization while it was being deleted".into();
                return Err(Fault { passing: true, cause }.into());
            }
            for (organization, membership) in left.iter().zip(&present) {
                leave(tx, organization, membership, now).await?;
            }
            users::delete(tx, user.id).await?;
            Ok(user.id)
        })
        .await
}

/// Ends a membership of the account, and with the last one the organization.
async fn leave(tx: &mut Connection, organization: &Organization, membership: &Membership, now: Instant) -> Result<()> {
    let user = membership.user_id;
    // As in an organization in use: one that is about to be deleted does not hold back those who go for good.
    let standing = Standing { signed_in: true, role: Some(membership.role), ..Standing::default() };
    match decide(&standing, Action::OrganizationLeave, &Target::default()) {
        Decision::Allow => return end_membership(tx, membership, EventType::MemberLeft, user, now).await,
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

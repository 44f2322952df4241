//! The step that acceptance and sign-up share: a pending invitation becomes a membership.

use futures_util::future::try_join;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::invitation::InvitationStatus;
use crate::domain::organization::OrganizationStatus;
use crate::domain::{Code, InvitationId, MembershipId, Refusal, Result, ids};
use crate::events::log::{self, Event};
use crate::policy::{Action, Decision, Standing, Target, decide};
use crate::store::entrances::Of;
use crate::store::invitations::{self, Invitation};
use crate::store::memberships::{self, Membership};
use crate::store::users::User;
use crate::store::{Connection, organizations};

use super::floor::Floor;

/// The invitation with that token, locked together with its organization. None if there is none, a resend replaced the token,
/// or the organization is about to be deleted.
pub async fn lock_by_token(tx: &mut Connection, token_hash: &[u8]) -> Result<Option<Invitation>> {
    let Some(found) = invitations::find_by_token(tx, token_hash).await? else { return Ok(None) };
    let organization = organizations::lock(tx, found.organization_id).await?;
    if !organization.is_some_and(|organization| invitee_sees(organization.status)) {
        return Ok(None);
    }
    invitations::lock(tx, found.id).await?;
    invitations::find_by_token(tx, token_hash).await
}

/// Whether invitations to an organization in this status are there for those who hold them, or their tokens.
pub fn invitee_sees(status: OrganizationStatus) -> bool {
    let standing = Standing { signed_in: true, place: status.into(), ..Standing::default() };
    decide(&standing, Action::InvitationView, &Target { is_invitee: true, ..Target::default() }) == Decision::Allow
}

/// Enters the organization of an invitation, and locks that.
pub async fn enter_by_id(
    tx: &Connection,
    actor: &Actor,
    id: InvitationId,
    now: Instant,
) -> Result<(Floor, Invitation)> {
    let entering = Floor::enter_by(tx, actor, Of::Invitation(id), "invitation", now);
    let entered = try_join(entering, invitations::lock(tx, id)).await;
    let (floor, invitation) = entered.map_err(|error| error.missing_at("invitationId"))?;
    Ok((floor, invitation.ok_or_else(|| Refusal::not_found("invitation").at("invitationId"))?))
}

/// Makes `user`, who is none yet, a member with the role that was offered, and the invitation an accepted one. The invitation
/// must be locked, the user the one invited, and their account [kept](crate::store::users::keep).
pub async fn join(
    tx: &mut Connection,
    now: Instant,
    invitation: &Invitation,
    user: &User,
) -> Result<(Membership, Invitation)> {
    let membership = Membership {
        id: ids::mint::<MembershipId>(now),
        organization_id: invitation.organization_id,
        user_id: user.id,
        username: user.username.clone(),
        shown_name: user.display_name().to_owned(),
        role: invitation.role,
        joined_at: now,
        last_active_on: Some(now.date_naive()),
        invited_by: invitation.inviter_id,
    };
    tx.queue(memberships::insert(membership.clone()));
    let accepted = invitation.resolved(InvitationStatus::Accepted, now);
    tx.queue(invitations::resolve(&accepted));
    let joined = Event {
        person: Some(user.id),
        changes: FieldChange::between("role", None, Some(membership.role.name())).into_iter().collect(),
        ..Event::new(invitation.organization_id, EventType::MemberJoined, Some(user.id), membership.id)
    };
    log::record(tx, now, vec![event(invitation, EventType::InvitationAccepted, Some(user)), joined]).await?;
    Ok((membership, accepted))
}

/// Goes on only for somebody who is no member.
pub fn require_stranger(membership: Option<&Membership>) -> Result<()> {
    match membership {
        None => Ok(()),
        Some(_) => Err(Refusal::new(Code::AlreadyMember, "You are a member of this organization already.").into()),
    }
}

/// Goes on only with an invitation that is pending at `now`; tells which end it came to otherwise.
pub fn require_pending(invitation: &Invitation, now: Instant) -> Result<()> {
    let ended = |how: &str| Refusal::new(Code::InvitationNotPending, format!("The invitation was {how} before."));
    Err(match invitation.status_at(now) {
        InvitationStatus::Pending => return Ok(()),
        InvitationStatus::Expired => {
            Refusal::new(Code::InvitationExpired, "The invitation has run out. Ask for it to be sent again.")
        }
        InvitationStatus::Accepted => ended("accepted"),
        InvitationStatus::Declined => ended("declined"),
        InvitationStatus::Revoked => ended("revoked"),
    }
    .into())
}

/// Something that happened to an invitation.
pub fn event(invitation: &Invitation, kind: EventType, actor: Option<&User>) -> Event {
    Event {
        email: Some(invitation.email.clone()),
        ..Event::new(invitation.organization_id, kind, actor.map(|actor| actor.id), invitation.id)
    }
}

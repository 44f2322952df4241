//! Code that acceptance, sign-up and declining share: locks an invitation by its ID or its token, asks the policy, and
//! turns a pending invitation into a membership.

use futures_util::future::try_join;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::invitation::InvitationStatus;
use crate::domain::{Code, Error, InvitationId, MembershipId, Refusal, Result, ids};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{AccessContext, Action, Decision, Target, decide};
use crate::store::Connection;
use crate::store::invitations::{self, Invitation};
use crate::store::memberships::{self, Membership};
use crate::store::organizations::access::OrganizationRef;
use crate::store::organizations::{self, Organization};
use crate::store::users::User;

use crate::operations::AppContext;
use crate::operations::access::organization::LockedOrganization;
use crate::operations::plans::quota;

/// The caller's reference to an invitation.
pub enum InvitationRef {
    /// By its ID.
    Id(InvitationId),
    /// By the hash of its token.
    Token(Vec<u8>),
}

impl InvitationRef {
    /// Returns the input field that names the invitation.
    pub fn field(&self) -> &'static str {
        match self {
            InvitationRef::Id(_) => "invitationId",
            InvitationRef::Token(_) => "token",
        }
    }
}

/// A locked invitation and organization, with the caller's access to the organization.
pub struct Entered {
    /// The invitation.
    pub invitation: Invitation,
    /// The caller's access to the organization.
    pub access: Access,
    /// Whether the caller named the invitation by its token.
    holds_token: bool,
}

/// A caller's access to a locked organization.
pub enum Access {
    /// A caller with an account.
    Account(Box<LockedOrganization>),
    /// A caller without an account.
    Nobody(Box<Organization>),
}

impl Access {
    /// Returns the organization.
    pub fn organization(&self) -> &Organization {
        match self {
            Access::Account(locked) => &locked.organization,
            Access::Nobody(organization) => organization,
        }
    }

    /// Returns the caller's account; `None` if the caller has no account.
    pub fn user(&self) -> Option<&User> {
        match self {
            Access::Account(locked) => Some(&locked.actor),
            Access::Nobody(_) => None,
        }
    }
}

/// Locks an invitation with its organization, and authorizes an action of the invitee. A caller who gives the ID needs
/// an account. NOT_FOUND for a caller who may not see the invitation.
pub async fn enter(
    tx: &Connection,
    actor: Option<&Actor>,
    named: &InvitationRef,
    action: Action,
    now: Instant,
) -> Result<Entered> {
    let entered = lock(tx, actor, named, now).await?;
    entered.require(action)?;
    Ok(entered)
}

/// Locks an invitation with its organization, and authorizes an action of members who administer invitations. NOT_FOUND
/// for a caller who sees neither the organization nor the invitation.
pub async fn enter_to_administer(
    tx: &Connection,
    actor: &Actor,
    id: InvitationId,
    action: Action,
    now: Instant,
) -> Result<(LockedOrganization, Invitation)> {
    let entered =
        lock(tx, Some(actor), &InvitationRef::Id(id), now).await.map_err(|error| error.not_found_at("invitationId"))?;
    let (viewer_access, target) = (entered.viewer_access(), entered.target());
    if viewer_access.rank().is_none() && !entered.allows(Action::InvitationView, &target) {
        return Err(Refusal::not_found("invitation").at("invitationId").into());
    }
    decide(&viewer_access, action, &target).require("invitation")?;
    match entered.access {
        Access::Account(locked) => Ok((*locked, entered.invitation)),
        Access::Nobody(_) => Err(Error::Unauthenticated),
    }
}

async fn lock(tx: &Connection, actor: Option<&Actor>, named: &InvitationRef, now: Instant) -> Result<Entered> {
    let not_found = || Refusal::not_found("invitation");
    let id = match named {
        InvitationRef::Id(id) => *id,
        InvitationRef::Token(hash) => invitations::find_by_token(tx, hash).await?.ok_or_else(not_found)?.id,
    };
    let (access, invitation) = match (actor, named) {
        (Some(actor), InvitationRef::Id(_)) => {
            let entering = LockedOrganization::enter_by(tx, actor, OrganizationRef::Invitation(id), "invitation", now);
            let (locked, invitation) = try_join(entering, invitations::lock_for(tx, id, actor.user_id)).await?;
            (Access::Account(Box::new(locked)), invitation)
        }
        (Some(actor), InvitationRef::Token(_)) => {
            let entering =
                LockedOrganization::enter_by(tx, actor, OrganizationRef::HeldInvitation(id), "invitation", now);
            let (locked, invitation) = try_join(entering, invitations::lock(tx, id)).await?;
            (Access::Account(Box::new(locked)), invitation)
        }
        (None, InvitationRef::Token(_)) => {
            let organization = organizations::lock_of_invitation(tx, id);
            let (organization, invitation) = try_join(organization, invitations::lock(tx, id)).await?;
            (Access::Nobody(Box::new(organization.ok_or_else(not_found)?)), invitation)
        }
        (None, InvitationRef::Id(_)) => return Err(Error::Unauthenticated),
    };
    let invitation = match named {
        InvitationRef::Id(_) => invitation,
        // A resend may have replaced the token while this waited for the lock.
        InvitationRef::Token(hash) => invitations::find_by_token(tx, hash).await?,
    };
    let invitation = invitation.ok_or_else(not_found)?;
    Ok(Entered { invitation, access, holds_token: matches!(named, InvitationRef::Token(_)) })
}

impl Entered {
    fn viewer_access(&self) -> AccessContext {
        match &self.access {
            Access::Account(locked) => locked.viewer_access(),
            Access::Nobody(organization) => {
                AccessContext { place: organization.status.into(), ..AccessContext::default() }
            }
        }
    }

    fn target(&self) -> Target {
        let is_invitee =
            self.claims_address() && self.access.user().is_some_and(|user| user.verified_email().is_some());
        Target { is_invitee, holds_token: self.holds_token, ..Target::default() }
    }

    /// Whether the caller's account has the invited address, verified or not.
    fn claims_address(&self) -> bool {
        let email = self.access.user().and_then(|user| user.email.as_deref());
        email == Some(self.invitation.email.as_str())
    }

    fn allows(&self, action: Action, target: &Target) -> bool {
        decide(&self.viewer_access(), action, target) == Decision::Allow
    }

    /// Returns an error unless the policy allows the action: NOT_FOUND for a caller who may not see the invitation, and
    /// EMAIL_NOT_VERIFIED for a caller whose account has the invited address unverified.
    fn require(&self, action: Action) -> Result<()> {
        let target = self.target();
        let not_found = || Refusal::not_found("invitation");
        if self.holds_token {
            // A caller with a token gets access or NOT_FOUND, and never learns which permission is missing.
            return if self.allows(action, &target) { Ok(()) } else { Err(not_found().into()) };
        }
        let proven = Target { is_invitee: true, ..target };
        if self.claims_address() && !target.is_invitee && self.allows(Action::InvitationView, &proven) {
            return Err(Refusal::new(Code::EmailNotVerified, "Verify the e-mail address of your account first.").into());
        }
        if !self.allows(Action::InvitationView, &target) {
            return Err(not_found().into());
        }
        decide(&self.viewer_access(), action, &target).require("invitation")
    }
}

/// Makes `user`, who is not a member, a member with the offered role, and marks the invitation as accepted.
/// LIMIT_EXCEEDED or SEATS_EXHAUSTED if the organization has as many members as its plan allows. The organization and
/// the invitation must be locked, `user` must be the invitee, and the user's account must be
/// [kept](crate::store::users::keep).
pub async fn join(
    env: &AppContext,
    tx: &mut Connection,
    now: Instant,
    (organization, invitation): (&Organization, &Invitation),
    user: &User,
) -> Result<(Membership, Invitation)> {
    quota::check_member_quota(env, tx, organization, now).await?;
    let membership = Membership {
        id: ids::new_id::<MembershipId>(now),
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
    let joined = NewEvent {
        person: Some(user.id),
        changes: FieldChange::between("role", None, Some(membership.role.name())).into_iter().collect(),
        ..NewEvent::new(invitation.organization_id, EventType::MemberJoined, Some(user.id), membership.id)
    };
    record::record(tx, now, vec![event(invitation, EventType::InvitationAccepted, Some(user)), joined]).await?;
    Ok((membership, accepted))
}

/// ALREADY_MEMBER if there is a membership.
pub fn require_non_member(membership: Option<&Membership>) -> Result<()> {
    match membership {
        None => Ok(()),
        Some(_) => Err(Refusal::new(Code::AlreadyMember, "You are a member of this organization already.").into()),
    }
}

/// Returns an error unless the invitation is pending at `now`: INVITATION_EXPIRED, or INVITATION_NOT_PENDING with the
/// way in which it ended.
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

/// Returns an event about an invitation.
pub fn event(invitation: &Invitation, kind: EventType, actor: Option<&User>) -> NewEvent {
    NewEvent {
        email: Some(invitation.email.clone()),
        ..NewEvent::new(invitation.organization_id, kind, actor.map(|actor| actor.id), invitation.id)
    }
}

//! The start of each write in an organization: locks its row, and reads the actor's access under that lock. Writes of
//! memberships and invitations begin here, so the facts behind a decision cannot change before the write.

use std::sync::Arc;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::Refusal;
use crate::domain::{Error, OrganizationId, Result};
use crate::policy::{AccessContext, Action, Target, decide};
use crate::store::Connection;
use crate::store::invitations::Invitation;
use crate::store::memberships::Membership;
use crate::store::organizations::access;
use crate::store::organizations::access::{LockMode, OrganizationAccess, OrganizationRef};
use crate::store::organizations::{Organization, OrganizationForViewer};
use crate::store::users::User;

/// A locked organization with the actor's access to it.
pub struct LockedOrganization {
    /// The organization, whose row is locked.
    pub organization: Organization,
    /// The actor's account.
    pub actor: User,
    /// The actor's membership; `None` if the actor is not a member.
    pub membership: Option<Membership>,
    invited: bool,
}

/// A written row together with the writer's access to the organization after the write.
pub struct WithAccess<R> {
    /// The written row.
    pub row: R,
    /// The organization after the write, with the writer's access to it.
    pub by: Arc<LockedOrganization>,
}

impl LockedOrganization {
    /// Locks the organization and reads the actor's access to it. `what` names the requested object in the NOT_FOUND
    /// error.
    pub async fn enter(
        tx: &Connection,
        actor: &Actor,
        organization: OrganizationId,
        what: &str,
        now: Instant,
    ) -> Result<Self> {
        Self::enter_by(tx, actor, OrganizationRef::Id(organization), what, now).await
    }

    /// Locks the organization that `of` refers to; see [`enter`](Self::enter).
    pub async fn enter_by(
        tx: &Connection,
        actor: &Actor,
        of: OrganizationRef,
        what: &str,
        now: Instant,
    ) -> Result<Self> {
        let entrance = access::enter(tx, LockMode::Exclusive, of, actor).await?;
        let OrganizationAccess { actor, organization, membership, invited_until } =
            entrance.ok_or(Error::Unauthenticated)?;
        let organization = organization.ok_or_else(|| Refusal::not_found(what))?;
        Ok(Self { organization, actor, membership, invited: invited_until.is_some_and(|end| end > now) })
    }

    /// Returns the actor's access to the organization.
    pub fn viewer_access(&self) -> AccessContext {
        AccessContext {
            signed_in: true,
            is_admin: self.actor.is_admin,
            role: self.membership.as_ref().map(|membership| membership.role),
            invited: self.invited,
            place: self.organization.status.into(),
        }
    }

    /// Returns an error unless the policy allows the action.
    pub fn require(&self, action: Action, target: &Target, what: &str) -> Result<()> {
        decide(&self.viewer_access(), action, target).require(what)
    }

    /// Whether the actor sees the organization, and not only its name as an invitee does.
    pub fn sees(&self) -> bool {
        self.viewer_access().rank().is_some()
    }

    /// Whether the invitation is to the actor's verified address.
    pub fn is_invitee(&self, invitation: &Invitation) -> bool {
        self.actor.verified_email() == Some(invitation.email.as_str())
    }

    /// Returns the organization as the actor sees it.
    pub fn seen(&self) -> OrganizationForViewer {
        OrganizationForViewer {
            organization: self.organization.clone(),
            membership: self.membership.clone(),
            invited: self.invited,
            viewer_is_admin: self.actor.is_admin,
        }
    }

    /// Returns the state after the actor has become a member.
    pub fn joined(self, membership: Membership) -> Self {
        let member_count = self.organization.member_count + 1;
        let organization = Organization { member_count, ..self.organization };
        Self { organization, membership: Some(membership), invited: false, ..self }
    }

    /// Returns the state after the invitation has ended.
    pub fn without(self, invitation: &Invitation) -> Self {
        Self { invited: self.invited && !self.is_invitee(invitation), ..self }
    }
}

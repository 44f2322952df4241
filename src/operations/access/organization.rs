//! Where a write in an organization begins: its row is locked, and who asks is read under that lock. Whoever writes
//! memberships or invitations has passed here, so nothing that is decided on can change before the write.

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

/// A locked organization, and who is about to do something in it.
pub struct LockedOrganization {
    /// The organization, locked.
    pub organization: Organization,
    /// Who asks.
    pub actor: User,
    /// Their membership.
    pub membership: Option<Membership>,
    invited: bool,
}

/// A row that was written in an organization, and how whoever wrote it stands to that by then.
pub struct WithAccess<R> {
    /// The row.
    pub row: R,
    /// Who wrote it.
    pub by: Arc<LockedOrganization>,
}

impl LockedOrganization {
    /// Locks the organization and reads how the actor stands to it. `what` names the thing that the caller asked for: it is
    /// what is not found.
    pub async fn enter(
        tx: &Connection,
        actor: &Actor,
        organization: OrganizationId,
        what: &str,
        now: Instant,
    ) -> Result<Self> {
        Self::enter_by(tx, actor, OrganizationRef::Id(organization), what, now).await
    }

    /// The same for the organization that something belongs to.
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

    /// How the actor stands to the organization.
    pub fn standing(&self) -> AccessContext {
        AccessContext {
            signed_in: true,
            is_admin: self.actor.is_admin,
            role: self.membership.as_ref().map(|membership| membership.role),
            invited: self.invited,
            place: self.organization.status.into(),
        }
    }

    /// Asks the policy, and goes on only if it allows.
    pub fn require(&self, action: Action, target: &Target, what: &str) -> Result<()> {
        decide(&self.standing(), action, target).require(what)
    }

    /// Whether the actor sees more of the organization than an invitee.
    pub fn sees(&self) -> bool {
        self.standing().rank().is_some()
    }

    /// Whether the proven address of the actor is the one invited.
    pub fn is_invitee(&self, invitation: &Invitation) -> bool {
        self.actor.verified_email() == Some(invitation.email.as_str())
    }

    /// The organization as the actor sees it.
    pub fn seen(&self) -> OrganizationForViewer {
        OrganizationForViewer {
            organization: self.organization.clone(),
            membership: self.membership.clone(),
            invited: self.invited,
            viewer_is_admin: self.actor.is_admin,
        }
    }

    /// How it is once the actor has become a member.
    pub fn joined(self, membership: Membership) -> Self {
        let member_count = self.organization.member_count + 1;
        let organization = Organization { member_count, ..self.organization };
        Self { organization, membership: Some(membership), invited: false, ..self }
    }

    /// How it is once that invitation has come to its end.
    pub fn without(self, invitation: &Invitation) -> Self {
        Self { invited: self.invited && !self.is_invitee(invitation), ..self }
    }
}

//! Where a write in an organization begins: its row is locked, and who asks is read under that lock. Whoever writes
//! memberships or invitations has passed here, so nothing that is decided on can change before the write.

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::error::Refusal;
use crate::domain::{Error, OrganizationId, Result};
use crate::policy::{Action, Standing, Target, decide};
use crate::store::memberships::{self, Membership};
use crate::store::organizations::{self, Organization};
use crate::store::users::{self, User};
use crate::store::{Connection, invitations};

/// A locked organization, and who is about to do something in it.
pub struct Floor {
    /// The organization, locked.
    pub organization: Organization,
    /// Who asks.
    pub actor: User,
    /// Their membership.
    pub membership: Option<Membership>,
    invited: bool,
}

impl Floor {
    /// Locks the organization and reads how the actor stands to it. `what` names the thing that the caller asked for: it is
    /// what is not found.
    pub async fn enter(
        tx: &mut Connection,
        actor: &Actor,
        organization: OrganizationId,
        what: &str,
        now: Instant,
    ) -> Result<Self> {
        let organization = organizations::lock(tx, organization).await?;
        let actor = users::find(tx, actor.user_id).await?.ok_or(Error::Unauthenticated)?;
        let organization = organization.ok_or_else(|| Refusal::not_found(what))?;
        let membership = memberships::of(tx, organization.id, actor.id).await?;
        let invited = match (&membership, actor.verified_email()) {
            (None, Some(email)) => {
                !invitations::pending_among(tx, organization.id, &[email.to_owned()], now).await?.is_empty()
            }
            _ => false,
        };
        Ok(Self { organization, actor, membership, invited })
    }

    /// How the actor stands to the organization.
    pub fn standing(&self) -> Standing {
        Standing {
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
}

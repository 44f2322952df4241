//! Ends the actor's own membership.

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::validation::parse_id;
use crate::domain::{MembershipId, OrganizationId, Refusal, Result};
use crate::policy::{Action, Target};

use crate::operations::AppContext;
use crate::operations::access::organization::LockedOrganization;
use crate::operations::idempotency::Idempotency;
use crate::operations::memberships::remove::end_membership;

/// The organization to leave.
pub struct Input {
    /// ID of the organization.
    pub organization_id: String,
}

/// Leaves the organization, and returns the ID of the ended membership.
pub async fn leave_organization(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<MembershipId> {
    let id: OrganizationId = parse_id("organizationId", &input.organization_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = LockedOrganization::enter(tx, actor, id, "organization", now).await?;
        locked.require(Action::OrganizationLeave, &Target::default(), "organization")?;
        let membership = locked.membership.ok_or_else(|| Refusal::not_found("organization"))?;
        end_membership(tx, &locked.organization, &membership, EventType::MemberLeft, locked.actor.id, now).await?;
        Ok(membership.id)
    })
    .await
    .map_err(|error| error.not_found_at("organizationId"))
}

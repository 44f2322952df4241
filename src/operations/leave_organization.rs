//! Ends one's own membership.

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::input::Check;
use crate::domain::{OrganizationId, Refusal, Result};
use crate::policy::{Action, Target};
use crate::store::Transactional;
use crate::store::memberships::Membership;

use super::Env;
use super::floor::Floor;
use super::remove_member::end_membership;

/// What to leave.
pub struct Input {
    /// The organization.
    pub organization_id: String,
}

/// Leaves it, and returns what the membership was.
pub async fn leave_organization(env: &Env, actor: &Actor, input: Input) -> Result<Membership> {
    let mut check = Check::default();
    let Some(id) = check.id::<OrganizationId>("organizationId", &input.organization_id) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    let mut connection = env.store.writer().await?;
    connection
        .transaction(async |tx| {
            let floor = Floor::enter(tx, actor, id, "organization", now).await?;
            floor.require(Action::OrganizationLeave, &Target::default(), "organization")?;
            let membership = floor.membership.ok_or_else(|| Refusal::not_found("organization"))?;
            end_membership(tx, &membership, EventType::MemberLeft, floor.actor.id, now).await?;
            Ok(membership)
        })
        .await
}

//! Changes the role of a member.

use std::sync::Arc;

use futures_util::future::try_join;

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::validation::parse_id;
use crate::domain::{MembershipId, Refusal, Result, Role};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{Action, Member, Target};
use crate::store::Connection;
use crate::store::memberships::{self, Membership};
use crate::store::organizations::access::OrganizationRef;

use crate::operations::AppContext;
use crate::operations::access::organization::{LockedOrganization, WithAccess};
use crate::operations::idempotency::{Idempotency, Written};

/// The member and the new role.
pub struct Input {
    /// ID of the membership.
    pub membership_id: String,
    /// The new role. The present role changes nothing.
    pub role: Role,
}

/// Changes the role. Concurrent changes wait for the lock of the organization: each is decided by the roles that the one
/// before it has committed, the last one wins, and each event has the role that it replaced.
pub async fn change_member_role(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<Written<MembershipId, WithAccess<Membership>>> {
    let id: MembershipId = parse_id("membershipId", &input.membership_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, member) = lock_member(tx, actor, id, now).await?;
        let target = Target { new_role: Some(input.role), ..member_target(&locked, &member) };
        locked.require(Action::MemberRoleChange, &target, "member")?;
        if member.role == input.role {
            return Ok(Written::new(id, WithAccess { row: member, by: Arc::new(locked) }));
        }
        let changed = Membership { role: input.role, ..member.clone() };
        tx.queue(memberships::update_role(&changed));
        let event = NewEvent {
            person: Some(member.user_id),
            changes: FieldChange::between("role", Some(member.role.name()), Some(changed.role.name()))
                .into_iter()
                .collect(),
            ..NewEvent::new(member.organization_id, EventType::MemberRoleChanged, Some(locked.actor.id), id)
        };
        record::record(tx, now, vec![event]).await?;
        Ok(Written::new(id, WithAccess { row: changed, by: Arc::new(locked) }))
    })
    .await
}

/// Locks the organization of a member, and the membership. NOT_FOUND if the actor does not see the organization.
pub(crate) async fn lock_member(
    tx: &Connection,
    actor: &Actor,
    id: MembershipId,
    now: Instant,
) -> Result<(LockedOrganization, Membership)> {
    let entering = LockedOrganization::enter_by(tx, actor, OrganizationRef::Membership(id), "member", now);
    let entered = try_join(entering, memberships::lock(tx, id, actor.user_id)).await;
    let (locked, member) = entered.map_err(|error| error.not_found_at("membershipId"))?;
    let member = member.filter(|_| locked.sees());
    Ok((locked, member.ok_or_else(|| Refusal::not_found("member").at("membershipId"))?))
}

/// Returns the policy target of a member.
pub(crate) fn member_target(locked: &LockedOrganization, member: &Membership) -> Target {
    let member = Member { role: member.role, is_self: member.user_id == locked.actor.id };
    Target { member: Some(member), ..Target::default() }
}

//! Gives a member another role.

use crate::auth::Actor;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::input::only_id;
use crate::domain::{MembershipId, Refusal, Result, Role};
use crate::events::log::{self, Event};
use crate::policy::{Action, Member, Target};
use crate::store::Connection;
use crate::store::memberships::{self, Membership};

use super::Env;
use super::floor::Floor;
use super::retries::Retry;

/// Whose role, and which.
pub struct Input {
    /// The membership.
    pub membership_id: String,
    /// The role it is to have. The present one changes nothing.
    pub role: Role,
}

/// Gives it.
pub async fn change_member_role(env: &Env, actor: &Actor, input: Input, retry: &Retry) -> Result<MembershipId> {
    let id: MembershipId = only_id("membershipId", &input.membership_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (floor, member) = enter_by_member(tx, actor, id, now).await?;
        let target = Target { new_role: Some(input.role), ..about(&floor, &member) };
        floor.require(Action::MemberRoleChange, &target, "member")?;
        if member.role == input.role {
            return Ok(id);
        }
        memberships::set_role(tx, id, input.role).await?;
        let event = Event {
            person: Some(member.user_id),
            changes: FieldChange::between("role", Some(member.role.name()), Some(input.role.name()))
                .into_iter()
                .collect(),
            ..Event::new(member.organization_id, EventType::MemberRoleChanged, Some(floor.actor.id), id)
        };
        log::record(tx, now, vec![event]).await?;
        Ok(id)
    })
    .await
}

/// Enters the organization of a member, and reads the membership as it is under the lock.
pub(super) async fn enter_by_member(
    tx: &mut Connection,
    actor: &Actor,
    id: MembershipId,
    now: crate::domain::clock::Instant,
) -> Result<(Floor, Membership)> {
    let not_found = || Refusal::not_found("member").at("membershipId");
    let organization = memberships::find(tx, id).await?.ok_or_else(not_found)?.organization_id;
    let floor = Floor::enter(tx, actor, organization, "member", now).await?;
    let member = memberships::find(tx, id).await?.filter(|_| floor.sees()).ok_or_else(not_found)?;
    Ok((floor, member))
}

/// The member as the policy looks at it.
pub(super) fn about(floor: &Floor, member: &Membership) -> Target {
    let member = Member { role: member.role, is_self: member.user_id == floor.actor.id };
    Target { member: Some(member), ..Target::default() }
}

//! Removes a member, whose access ends at once.

use serde::{Deserialize, Serialize};

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::validation::parse_id;
use crate::domain::{MembershipId, OrganizationId, Result, UserId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::Action;
use crate::store::Connection;
use crate::store::memberships::{self, Membership};
use crate::store::organizations::Organization;

use crate::operations::AppContext;
use crate::operations::idempotency::Idempotency;
use crate::operations::memberships::change_role::{lock_member, member_target};
use crate::operations::memberships::reassign_resources::hand_over;
use crate::operations::ownership_offers::shared::cancel_offer_of;

/// The member to remove.
pub struct Input {
    /// ID of the membership.
    pub membership_id: String,
}

/// The result of a removal.
#[derive(Serialize, Deserialize)]
pub struct Removed {
    /// ID of the ended membership.
    pub membership: MembershipId,
    /// ID of the organization.
    pub organization: OrganizationId,
}

/// Removes the member.
pub async fn remove_member(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<Removed> {
    let id: MembershipId = parse_id("membershipId", &input.membership_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, member) = lock_member(tx, actor, id, now).await?;
        locked.require(Action::MemberRemove, &member_target(&locked, &member), "member")?;
        end_membership(tx, &locked.organization, &member, EventType::MemberRemoved, locked.actor.id, now).await?;
        Ok(Removed { membership: id, organization: locked.organization.id })
    })
    .await
}

/// Ends a membership, by removal or leaving; also cancels an offer of ownership from or to the member, and reassigns
/// the member's resources. The organization's row must be locked.
pub(crate) async fn end_membership(
    tx: &mut Connection,
    organization: &Organization,
    member: &Membership,
    kind: EventType,
    actor: UserId,
    now: Instant,
) -> Result<()> {
    cancel_offer_of(tx, member.organization_id, member.user_id, actor, now).await?;
    hand_over(tx, organization, member.user_id, actor, now).await?;
    tx.queue(memberships::delete(member));
    let event = NewEvent {
        person: Some(member.user_id),
        ..NewEvent::new(member.organization_id, kind, Some(actor), member.id)
    };
    record::record(tx, now, vec![event]).await
}

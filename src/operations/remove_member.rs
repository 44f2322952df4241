//! Removes a member, whose access ends at once.

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::input::Check;
use crate::domain::{MembershipId, Result, UserId};
use crate::events::log::{self, Event};
use crate::policy::Action;
use crate::store::memberships::{self, Membership};
use crate::store::{Connection, Transactional};

use super::Env;
use super::change_member_role::{about, enter_by_member};
use super::ownership::cancel_offer_of;

/// Who is to go.
pub struct Input {
    /// The membership.
    pub membership_id: String,
}

/// Removes them, and returns what their membership was.
pub async fn remove_member(env: &Env, actor: &Actor, input: Input) -> Result<Membership> {
    let mut check = Check::default();
    let Some(id) = check.id::<MembershipId>("membershipId", &input.membership_id) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    let mut connection = env.store.writer().await?;
    connection
        .transaction(async |tx| {
            let (floor, member) = enter_by_member(tx, actor, id, now).await?;
            floor.require(Action::MemberRemove, &about(&floor, &member), "member")?;
            end_membership(tx, &member, EventType::MemberRemoved, floor.actor.id, now).await?;
            Ok(member)
        })
        .await
}

/// Ends a membership, whichever way, and with it an offer of ownership from or to the member. The organization's row must be locked.
pub(super) async fn end_membership(
    tx: &mut Connection,
    member: &Membership,
    kind: EventType,
    actor: UserId,
    now: Instant,
) -> Result<()> {
    cancel_offer_of(tx, member.organization_id, member.user_id, actor, now).await?;
    memberships::delete(tx, member).await?;
    let event =
        Event { person: Some(member.user_id), ..Event::new(member.organization_id, kind, Some(actor), member.id) };
    log::record(tx, now, vec![event]).await
}

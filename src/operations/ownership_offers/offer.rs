//! Offers the ownership to a member. The ownership changes when the member accepts.

use crate::auth::Actor;
use crate::domain::event::EventType;
use crate::domain::ownership_offer::OFFER_EXPIRY;
use crate::domain::validation::parse_id;
use crate::domain::{Code, MembershipId, OwnershipOfferId, Refusal, Result, ids};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::Action;
use crate::store::ownership_offers::{self, NewOwnershipOffer, OwnershipOffer};

use crate::operations::AppContext;
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::memberships::change_role::{lock_member, member_target};
use crate::operations::ownership_offers::shared::pending;

/// The member to whom the ownership is offered.
pub struct Input {
    /// ID of the membership.
    pub membership_id: String,
}

/// Offers the ownership in the name of the owner, even if a site administrator makes the offer.
pub async fn offer_ownership(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<Written<OwnershipOfferId, OwnershipOffer>> {
    let id: MembershipId = parse_id("membershipId", &input.membership_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, member) = lock_member(tx, actor, id, now).await?;
        locked.require(Action::OwnershipOffer, &member_target(&locked, &member), "member")?;
        if pending(tx, locked.organization.id, now).await?.is_some() {
            let message = "The organization has a pending offer of ownership: cancel it first.";
            return Err(Refusal::new(Code::OfferAlreadyPending, message).into());
        }
        let new = NewOwnershipOffer {
            id: ids::new_id::<OwnershipOfferId>(now),
            organization_id: locked.organization.id,
            from_id: locked.organization.owner_id,
            to_id: member.user_id,
            created_at: now,
            expires_at: now + OFFER_EXPIRY,
        };
        let offer = ownership_offers::insert(tx, &new).await?;
        let event = NewEvent {
            person: Some(offer.to_id),
            ..NewEvent::new(offer.organization_id, EventType::OwnershipOffered, Some(locked.actor.id), offer.id)
        };
        record::record(tx, now, vec![event]).await?;
        Ok(Written::new(offer.id, offer))
    })
    .await
}

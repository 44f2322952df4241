//! Code that the operations on offers of ownership share: finding, locking and ending an offer.

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::{Code, OrganizationId, OwnershipOfferId, Refusal, Result, UserId};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::policy::{Action, Target};
use crate::store::Connection;
use crate::store::organizations::access::OrganizationRef;
use crate::store::ownership_offers::{self, OwnershipOffer};

use crate::operations::access::organization::LockedOrganization;
use crate::operations::access::resources::look;

/// Locks the organization of an offer and the offer, and authorizes `action`. NOT_FOUND for an actor who may not see
/// the offer.
pub(crate) async fn enter_by_offer(
    tx: &mut Connection,
    actor: &Actor,
    id: OwnershipOfferId,
    action: Action,
    now: Instant,
) -> Result<(LockedOrganization, OwnershipOffer)> {
    let not_found = || Refusal::not_found("offer").at("ownershipOfferId");
    let of_organization = |offer: &OwnershipOffer| (offer.organization_id.into(), offer_target(offer, actor.user_id));
    let found = ownership_offers::find_many(tx, std::slice::from_ref(&id));
    let found =
        look(tx, actor, OrganizationRef::Offer(id), found, of_organization, (Action::OwnershipOfferView, "offer"))
            .await;
    let organization = found.map_err(|error| error.not_found_at("ownershipOfferId"))?.organization_id;
    let locked = LockedOrganization::enter(tx, actor, organization, "offer", now).await?;
    let offer = ownership_offers::lock(tx, id).await?.ok_or_else(not_found)?;
    let target = offer_target(&offer, locked.actor.id);
    if locked.require(Action::OwnershipOfferView, &target, "offer").is_err() {
        return Err(not_found().into());
    }
    locked.require(action, &target, "offer")?;
    Ok((locked, offer))
}

/// Returns the policy target of an offer.
pub fn offer_target(offer: &OwnershipOffer, viewer: UserId) -> Target {
    Target { is_offeree: offer.to_id == viewer, is_offerer: offer.from_id == viewer, ..Target::default() }
}

/// OFFER_NOT_PENDING unless the offer is pending at `now`; the message says how the offer ended.
pub(crate) fn require_pending(offer: &OwnershipOffer, now: Instant) -> Result<()> {
    let how = match offer.status_at(now) {
        OwnershipOfferStatus::Pending => return Ok(()),
        OwnershipOfferStatus::Accepted => "was accepted before",
        OwnershipOfferStatus::Declined => "was declined before",
        OwnershipOfferStatus::Cancelled => "was cancelled before",
        OwnershipOfferStatus::Expired => "has run out",
    };
    Err(Refusal::new(Code::OfferNotPending, format!("The offer {how}.")).into())
}

/// Ends a pending offer, and records the event. Its row must be locked.
pub(crate) async fn resolve(
    tx: &mut Connection,
    offer: &OwnershipOffer,
    status: OwnershipOfferStatus,
    actor: Option<UserId>,
    now: Instant,
) -> Result<OwnershipOffer> {
    let at = if status == OwnershipOfferStatus::Expired { offer.expires_at } else { now };
    let resolved = ownership_offers::resolve(tx, offer.id, status, at).await?;
    record::record(tx, now, vec![resolution(&resolved, actor)]).await?;
    Ok(resolved)
}

/// Returns the organization's offer that is pending at `now`, if any, and marks an expired offer as expired. The
/// organization's row must be locked.
pub(crate) async fn pending(
    tx: &mut Connection,
    organization: OrganizationId,
    now: Instant,
) -> Result<Option<OwnershipOffer>> {
    let Some(offer) = ownership_offers::lock_unresolved(tx, organization).await? else { return Ok(None) };
    if offer.status_at(now) == OwnershipOfferStatus::Pending {
        return Ok(Some(offer));
    }
    resolve(tx, &offer, OwnershipOfferStatus::Expired, None, now).await?;
    Ok(None)
}

/// Cancels the organization's pending offer if it is from or to `user`, whose membership is about to end. The
/// organization's row must be locked.
pub(crate) async fn cancel_offer_of(
    tx: &mut Connection,
    organization: OrganizationId,
    user: UserId,
    actor: UserId,
    now: Instant,
) -> Result<()> {
    let concerned = pending(tx, organization, now).await?.filter(|offer| [offer.from_id, offer.to_id].contains(&user));
    if let Some(offer) = concerned {
        resolve(tx, &offer, OwnershipOfferStatus::Cancelled, Some(actor), now).await?;
    }
    Ok(())
}

/// Returns the event of an offer that has ended.
pub(crate) fn resolution(offer: &OwnershipOffer, actor: Option<UserId>) -> NewEvent {
    let before = OwnershipOfferStatus::Pending.name();
    NewEvent {
        person: Some(offer.to_id),
        changes: FieldChange::between("status", Some(before), Some(offer.status.name())).into_iter().collect(),
        ..NewEvent::new(offer.organization_id, EventType::OwnershipOfferResolved, actor, offer.id)
    }
}

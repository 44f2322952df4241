//! Declines an offered ownership.

use crate::auth::Actor;
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::validation::parse_id;
use crate::domain::{OwnershipOfferId, Result};
use crate::policy::Action;
use crate::store::ownership_offers::OwnershipOffer;

use crate::operations::AppContext;
use crate::operations::idempotency::{Idempotency, Written};
use crate::operations::ownership_offers::shared::{enter_by_offer, require_pending, resolve};

/// The offer to decline.
pub struct Input {
    /// The offer's ID.
    pub ownership_offer_id: String,
}

/// Declines the offer.
pub async fn decline_ownership(
    env: &AppContext,
    actor: &Actor,
    input: Input,
    retry: &Idempotency,
) -> Result<Written<OwnershipOfferId, OwnershipOffer>> {
    let id: OwnershipOfferId = parse_id("ownershipOfferId", &input.ownership_offer_id)?;
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let (locked, offer) = enter_by_offer(tx, actor, id, Action::OwnershipDecline, now).await?;
        require_pending(&offer, now)?;
        let resolved = resolve(tx, &offer, OwnershipOfferStatus::Declined, Some(locked.actor.id), now).await?;
        Ok(Written::new(id, resolved))
    })
    .await
}

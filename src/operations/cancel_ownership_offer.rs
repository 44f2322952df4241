//! Takes an offer of ownership back.

use crate::auth::Actor;
use crate::domain::input::Check;
use crate::domain::ownership::OwnershipOfferStatus;
use crate::domain::{OwnershipOfferId, Result};
use crate::policy::Action;
use crate::store::Transactional;
use crate::store::ownership_offers::OwnershipOffer;

use super::Env;
use super::ownership::{enter_by_offer, require_pending, resolve};

/// Which offer.
pub struct Input {
    /// Its ID.
    pub ownership_offer_id: String,
}

/// Takes it back.
pub async fn cancel_ownership_offer(env: &Env, actor: &Actor, input: Input) -> Result<OwnershipOffer> {
    let mut check = Check::default();
    let Some(id) = check.id::<OwnershipOfferId>("ownershipOfferId", &input.ownership_offer_id) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    let mut connection = env.store.writer().await?;
    connection
        .transaction(async |tx| {
            let (floor, offer) = enter_by_offer(tx, actor, id, Action::OwnershipOffer, now).await?;
            require_pending(&offer, now)?;
            resolve(tx, &offer, OwnershipOfferStatus::Cancelled, Some(floor.actor.id), now).await
        })
        .await
}

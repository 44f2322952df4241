//! Offers of ownership by ID, and the pending one of an organization.

use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{DbLoader, Loaded, fault, load_by_id};
use crate::domain::{InternalError, OrganizationId, OwnershipOfferId};
use crate::store::ownership_offers::{self, OwnershipOffer};

load_by_id!(OwnershipOfferId, OwnershipOffer, ownership_offers::find_many, |offer: &OwnershipOffer| offer.id);

/// Key of the pending offer of an organization's ownership.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PendingOffer(pub OrganizationId);

impl Loader<PendingOffer> for DbLoader {
    type Value = OwnershipOffer;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[PendingOffer]) -> Loaded<PendingOffer, OwnershipOffer> {
        let ids: Vec<OrganizationId> = asked.iter().map(|asked| asked.0).collect();
        let connection = &mut *self.connection().await?;
        let found = ownership_offers::pending_of(connection, &ids, self.now).await.map_err(fault)?;
        Ok(found.into_iter().map(|offer| (PendingOffer(offer.organization_id), offer)).collect())
    }
}

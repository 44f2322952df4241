//! Offers of ownership. Whether one has lapsed is a matter of the hour: whoever asks for pending ones passes the present
//! instant.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::ownership_offers;
use crate::domain::clock::Instant;
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::{OrganizationId, OwnershipOfferId, Result, UserId};

/// An offer of ownership.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = ownership_offers, check_for_backend(Pg))]
pub struct OwnershipOffer {
    /// Its ID.
    pub id: OwnershipOfferId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The owner whose ownership is offered.
    pub from_id: UserId,
    /// The member to whom it is offered.
    pub to_id: UserId,
    /// Where it stands, but for the passing of time.
    pub status: OwnershipOfferStatus,
    /// When it was made.
    pub created_at: Instant,
    /// When it lapses.
    pub expires_at: Instant,
    /// When it was accepted, declined, cancelled, or marked as lapsed.
    pub resolved_at: Option<Instant>,
}

impl OwnershipOffer {
    /// Where it stands at `now`.
    pub fn status_at(&self, now: Instant) -> OwnershipOfferStatus {
        self.status.at(self.expires_at, now)
    }
}

/// An offer to be made.
#[derive(Insertable)]
#[diesel(table_name = ownership_offers)]
pub struct NewOwnershipOffer {
    /// Its ID.
    pub id: OwnershipOfferId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The owner whose ownership is offered.
    pub from_id: UserId,
    /// The member to whom it is offered.
    pub to_id: UserId,
    /// When it is made.
    pub created_at: Instant,
    /// When it lapses.
    pub expires_at: Instant,
}

/// The offers with those IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[OwnershipOfferId]) -> Result<Vec<OwnershipOffer>> {
    Ok(ownership_offers::table
        .filter(ownership_offers::id.eq_any(ids))
        .select(OwnershipOffer::as_select())
        .load(&mut connection)
        .await?)
}

/// The offer with that ID.
pub async fn find(connection: &mut Connection, id: OwnershipOfferId) -> Result<Option<OwnershipOffer>> {
    Ok(ownership_offers::table.find(id).select(OwnershipOffer::as_select()).first(connection).await.optional()?)
}

/// The offers of those organizations that are pending at `now`: at most one for each.
pub async fn pending_of(
    connection: &mut Connection,
    organizations: &[OrganizationId],
    now: Instant,
) -> Result<Vec<OwnershipOffer>> {
    Ok(ownership_offers::table
        .filter(ownership_offers::organization_id.eq_any(organizations))
        .filter(ownership_offers::status.eq(OwnershipOfferStatus::Pending).and(ownership_offers::expires_at.gt(now)))
        .select(OwnershipOffer::as_select())
        .load(connection)
        .await?)
}

/// The offers to a user that are pending at `now`, newest first.
pub async fn pending_to(connection: &mut Connection, user: UserId, now: Instant) -> Result<Vec<OwnershipOffer>> {
    Ok(ownership_offers::table
        .filter(ownership_offers::to_id.eq(user))
        .filter(ownership_offers::status.eq(OwnershipOfferStatus::Pending).and(ownership_offers::expires_at.gt(now)))
        .order_by((ownership_offers::created_at.desc(), ownership_offers::id.desc()))
        .select(OwnershipOffer::as_select())
        .load(connection)
        .await?)
}

/// Locks an offer's row, and returns it as it is then. The organization's row must be locked before.
pub async fn lock(tx: &mut Connection, id: OwnershipOfferId) -> Result<Option<OwnershipOffer>> {
    Ok(ownership_offers::table.find(id).select(OwnershipOffer::as_select()).for_update().first(tx).await.optional()?)
}

/// Locks the offer of an organization that nothing has ended yet but perhaps the time. The organization's row must be locked
/// before.
pub async fn lock_unresolved(tx: &mut Connection, organization: OrganizationId) -> Result<Option<OwnershipOffer>> {
    Ok(ownership_offers::table
        .filter(ownership_offers::organization_id.eq(organization))
        .filter(ownership_offers::status.eq(OwnershipOfferStatus::Pending))
        .select(OwnershipOffer::as_select())
        .for_update()
        .first(tx)
        .await
        .optional()?)
}

/// Makes an offer.
pub async fn insert(tx: &mut Connection, new: &NewOwnershipOffer) -> Result<OwnershipOffer> {
    Ok(diesel::insert_into(ownership_offers::table)
        .values(new)
        .returning(OwnershipOffer::as_returning())
        .get_result(tx)
        .await?)
}

/// Ends a pending offer. Its row must be locked.
pub async fn resolve(
    tx: &mut Connection,
    id: OwnershipOfferId,
    status: OwnershipOfferStatus,
    at: Instant,
) -> Result<OwnershipOffer> {
    Ok(diesel::update(ownership_offers::table.find(id))
        .set((ownership_offers::status.eq(status), ownership_offers::resolved_at.eq(at)))
        .returning(OwnershipOffer::as_returning())
        .get_result(tx)
        .await?)
}

/// Marks at most `limit` pending offers that had lapsed by `now` EXPIRED, resolved at the moment they lapsed; leaves alone
/// those that somebody else has locked. Needs a transaction.
pub async fn expire(tx: &mut Connection, now: Instant, limit: i64) -> Result<Vec<OwnershipOffer>> {
    let overdue: Vec<OwnershipOfferId> = ownership_offers::table
        .filter(ownership_offers::status.eq(OwnershipOfferStatus::Pending))
        .filter(ownership_offers::expires_at.le(now))
        .order_by(ownership_offers::expires_at)
        .limit(limit)
        .select(ownership_offers::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    if overdue.is_empty() {
        return Ok(Vec::new());
    }
    Ok(diesel::update(ownership_offers::table.filter(ownership_offers::id.eq_any(overdue)))
        .set((
            ownership_offers::status.eq(OwnershipOfferStatus::Expired),
            ownership_offers::resolved_at.eq(ownership_offers::expires_at.nullable()),
        ))
        .returning(OwnershipOffer::as_returning())
        .get_results(tx)
        .await?)
}

//! Table of ownership offers. Expired offers can still have the status PENDING, so reads of pending offers take the
//! current time.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::ownership_offers;
use crate::domain::clock::Instant;
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::{OrganizationId, OwnershipOfferId, Result, UserId};

/// Ownership offer.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = ownership_offers, check_for_backend(Pg))]
pub struct OwnershipOffer {
    /// ID of the offer.
    pub id: OwnershipOfferId,
    /// ID of the organization.
    pub organization_id: OrganizationId,
    /// Owner who makes the offer.
    pub from_id: UserId,
    /// Member who receives the offer.
    pub to_id: UserId,
    /// Stored status, without regard to expiry: see [`OwnershipOffer::status_at`].
    pub status: OwnershipOfferStatus,
    /// Time of creation.
    pub created_at: Instant,
    /// Time at which the offer expires.
    pub expires_at: Instant,
    /// Time at which it was accepted, declined or cancelled, or at which it expired; `None` while pending.
    pub resolved_at: Option<Instant>,
}

impl OwnershipOffer {
    /// Returns the status at `now`.
    pub fn status_at(&self, now: Instant) -> OwnershipOfferStatus {
        self.status.at(self.expires_at, now)
    }
}

/// Ownership offer to insert.
#[derive(Insertable)]
#[diesel(table_name = ownership_offers)]
pub struct NewOwnershipOffer {
    /// ID of the offer.
    pub id: OwnershipOfferId,
    /// ID of the organization.
    pub organization_id: OrganizationId,
    /// Owner who makes the offer.
    pub from_id: UserId,
    /// Member who receives the offer.
    pub to_id: UserId,
    /// Time of creation.
    pub created_at: Instant,
    /// Time at which the offer expires.
    pub expires_at: Instant,
}

/// Returns the offers with these IDs, in no order.
pub async fn find_many(mut connection: &Connection, ids: &[OwnershipOfferId]) -> Result<Vec<OwnershipOffer>> {
    Ok(ownership_offers::table
        .filter(ownership_offers::id.eq_any(ids))
        .select(OwnershipOffer::as_select())
        .load(&mut connection)
        .await?)
}

/// Returns the offer with an ID.
pub async fn find(connection: &mut Connection, id: OwnershipOfferId) -> Result<Option<OwnershipOffer>> {
    Ok(ownership_offers::table.find(id).select(OwnershipOffer::as_select()).first(connection).await.optional()?)
}

/// Returns the offers of these organizations that are pending at `now`, at most one for each.
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

/// Returns the offers to a user that are pending at `now`, newest first.
pub async fn pending_to(connection: &mut Connection, user: UserId, now: Instant) -> Result<Vec<OwnershipOffer>> {
    Ok(ownership_offers::table
        .filter(ownership_offers::to_id.eq(user))
        .filter(ownership_offers::status.eq(OwnershipOfferStatus::Pending).and(ownership_offers::expires_at.gt(now)))
        .order_by((ownership_offers::created_at.desc(), ownership_offers::id.desc()))
        .select(OwnershipOffer::as_select())
        .load(connection)
        .await?)
}

/// Locks an offer and returns its row as of the lock. The organization's row must be locked before.
pub async fn lock(tx: &mut Connection, id: OwnershipOfferId) -> Result<Option<OwnershipOffer>> {
    Ok(ownership_offers::table.find(id).select(OwnershipOffer::as_select()).for_update().first(tx).await.optional()?)
}

/// Locks the offer of an organization whose stored status is PENDING, expired or not. The organization's row must be
/// locked before.
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

/// Inserts an offer.
pub async fn insert(tx: &mut Connection, new: &NewOwnershipOffer) -> Result<OwnershipOffer> {
    Ok(diesel::insert_into(ownership_offers::table)
        .values(new)
        .returning(OwnershipOffer::as_returning())
        .get_result(tx)
        .await?)
}

/// Sets the final status of a pending offer, and the time at which it ended. The row must be locked.
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

/// Marks at most `limit` pending offers whose `expires_at` is not after `now` as EXPIRED, resolved at `expires_at`.
/// Returns them. Rows locked by other transactions are skipped. Needs a transaction.
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

//! Expired rows, which are marked or deleted in small batches. Several processes may run this at once: each skips rows
//! that another one has locked.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Connection;
use super::invitations::is_pending;
use super::schema::{email_tokens, external_identities, former_slugs, invitations, sessions};
use crate::domain::clock::Instant;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{InvitationId, OrganizationId, Result};

/// Expired invitation. It has no `Debug`, so that addresses do not get into logs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Overdue {
    /// ID of the invitation.
    pub id: InvitationId,
    /// ID of the organization.
    pub organization_id: OrganizationId,
    /// Invited address.
    pub email: String,
}

/// Marks at most `limit` pending invitations whose `expires_at` is not after `now` as EXPIRED, resolved at
/// `expires_at`. Returns them. Needs a transaction.
pub async fn expire_invitations(tx: &mut Connection, now: Instant, limit: i64) -> Result<Vec<Overdue>> {
    let overdue: Vec<InvitationId> = invitations::table
        .filter(is_pending())
        .filter(invitations::expires_at.le(now))
        .order_by(invitations::expires_at)
        .limit(limit)
        .select(invitations::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    if overdue.is_empty() {
        return Ok(Vec::new());
    }
    Ok(diesel::update(invitations::table.filter(invitations::id.eq_any(overdue)))
        .set((
            invitations::status.eq(InvitationStatus::Expired),
            invitations::resolved_at.eq(invitations::expires_at.nullable()),
        ))
        .returning(Overdue::as_returning())
        .get_results(tx)
        .await?)
}

/// Deletes at most `limit` mail tokens that have expired at `now`. Returns how many were deleted. Needs a transaction.
pub async fn delete_email_tokens(tx: &mut Connection, now: Instant, limit: i64) -> Result<usize> {
    let overdue: Vec<Vec<u8>> = email_tokens::table
        .filter(email_tokens::expires_at.le(now))
        .limit(limit)
        .select(email_tokens::token_hash)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    Ok(diesel::delete(email_tokens::table.filter(email_tokens::token_hash.eq_any(overdue))).execute(tx).await?)
}

/// Deletes at most `limit` sessions that have expired at `now`. Returns how many were deleted. Needs a transaction.
pub async fn delete_sessions(tx: &mut Connection, now: Instant, limit: i64) -> Result<usize> {
    let overdue: Vec<Uuid> = sessions::table
        .filter(sessions::expires_at.le(now))
        .limit(limit)
        .select(sessions::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    Ok(diesel::delete(sessions::table.filter(sessions::id.eq_any(overdue))).execute(tx).await?)
}

/// Deletes at most `limit` former slugs that are no longer held at `now`. Returns how many were deleted. Needs a
/// transaction.
pub async fn delete_former_slugs(tx: &mut Connection, now: Instant, limit: i64) -> Result<usize> {
    let overdue: Vec<String> = former_slugs::table
        .filter(former_slugs::held_until.le(now))
        .limit(limit)
        .select(former_slugs::slug)
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    Ok(diesel::delete(former_slugs::table.filter(former_slugs::slug.eq_any(overdue))).execute(tx).await?)
}

/// Deletes at most `limit` external identities whose account was deleted at `until` or before. Returns how many were
/// deleted. Needs a transaction.
pub async fn delete_ended_identities(tx: &mut Connection, until: Instant, limit: i64) -> Result<usize> {
    let ended: Vec<(String, String)> = external_identities::table
        .filter(external_identities::user_id.is_null().and(external_identities::claimed_at.le(until)))
        .limit(limit)
        .select((external_identities::issuer, external_identities::subject))
        .for_update()
        .skip_locked()
        .load(tx)
        .await?;
    let mut deleted = 0;
    for (issuer, subject) in ended {
        deleted += diesel::delete(external_identities::table.find((issuer, subject))).execute(tx).await?;
    }
    Ok(deleted)
}

/// Deletes at most `limit` idempotency keys that were first used at `until` or before. Returns how many were deleted.
/// Needs a transaction.
pub async fn delete_idempotency_keys(tx: &mut Connection, until: Instant, limit: i64) -> Result<usize> {
    // An array, so that the rows are searched only once.
    let overdue = diesel::sql_query(
        "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY (
             SELECT ctid FROM idempotency_keys WHERE created_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         ))",
    );
    Ok(overdue.bind::<Timestamptz, _>(until).bind::<BigInt, _>(limit).execute(tx).await?)
}

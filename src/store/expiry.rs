//! What time takes away: rows that have run out, marked or deleted in small batches. Several processes may do so at once:
//! each takes the rows that no other has locked, and waits for none.

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

/// An invitation that has run out. It has no `Debug`: addresses stay out of logs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub struct Overdue {
    /// The invitation.
    pub id: InvitationId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The address invited.
    pub email: String,
}

/// Marks at most `limit` pending invitations that had run out by `now` EXPIRED, resolved at the moment they ran out. Needs a
/// transaction.
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

/// Deletes at most `limit` tokens of mails that had run out by `now`; tells how many. Needs a transaction.
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

/// Deletes at most `limit` sessions that had run out by `now`; tells how many. Needs a transaction.
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

/// Deletes at most `limit` former slugs that are no longer held at `now`; tells how many. Needs a transaction.
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

/// Deletes at most `limit` names of whose account was deleted at `until` or before; tells how many. Needs a transaction.
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

/// Deletes at most `limit` idempotency keys that were first used at `until` or before; tells how many. Needs a transaction.
pub async fn delete_idempotency_keys(tx: &mut Connection, until: Instant, limit: i64) -> Result<usize> {
    // An array, so that the rows are looked for once.
    let overdue = diesel::sql_query(
        "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY (
             SELECT ctid FROM idempotency_keys WHERE created_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         ))",
    );
    Ok(overdue.bind::<Timestamptz, _>(until).bind::<BigInt, _>(limit).execute(tx).await?)
}

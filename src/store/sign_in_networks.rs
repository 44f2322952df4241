//! Table of networks from which accounts signed in recently.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::domain::clock::Instant;
use crate::domain::{Result, UserId};
use crate::store::Connection;
use crate::store::schema::sign_in_networks;

/// Time for which a network is stored after a sign-in.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// Records that an account signed in from a network.
pub async fn put(tx: &mut Connection, user: UserId, network: &str, now: Instant) -> Result<()> {
    let row =
        (sign_in_networks::user_id.eq(user), sign_in_networks::network.eq(network), sign_in_networks::used_at.eq(now));
    diesel::insert_into(sign_in_networks::table)
        .values(row)
        .on_conflict((sign_in_networks::user_id, sign_in_networks::network))
        .do_update()
        .set(sign_in_networks::used_at.eq(now))
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes the networks of an account.
pub async fn forget(tx: &mut Connection, user: UserId) -> Result<()> {
    diesel::delete(sign_in_networks::table.filter(sign_in_networks::user_id.eq(user))).execute(tx).await?;
    Ok(())
}

/// Deletes at most `limit` networks that were last used at `until` or before. Returns how many were deleted. Needs a
/// transaction.
pub async fn delete_unused(tx: &mut Connection, until: Instant, limit: i64) -> Result<usize> {
    let overdue = diesel::sql_query(
        "DELETE FROM sign_in_networks WHERE ctid = ANY (ARRAY (
             SELECT ctid FROM sign_in_networks WHERE used_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         ))",
    );
    Ok(overdue.bind::<Timestamptz, _>(until).bind::<BigInt, _>(limit).execute(tx).await?)
}

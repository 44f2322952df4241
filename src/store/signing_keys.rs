//! Table of the signing keys that processes use.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::advisory_locks;
use super::schema::signing_keys;
use crate::domain::Result;
use crate::domain::clock::Instant;

/// Returns the fingerprints that processes have reported since `since`. Concurrent transactions that call it wait for
/// each other, so that two first processes with different keys see one another. Needs a transaction.
pub async fn used_since(tx: &mut Connection, since: Instant) -> Result<Vec<String>> {
    advisory_locks::lock_signing_keys(tx).await?;
    let used = signing_keys::table.filter(signing_keys::last_used_at.ge(since)).select(signing_keys::fingerprint);
    Ok(used.load(tx).await?)
}

/// Reports that a process uses these keys.
pub async fn report(connection: &mut Connection, fingerprints: &[String], now: Instant) -> Result<()> {
    let rows: Vec<_> = fingerprints
        .iter()
        .map(|fingerprint| (signing_keys::fingerprint.eq(fingerprint), signing_keys::last_used_at.eq(now)))
        .collect();
    diesel::insert_into(signing_keys::table)
        .values(rows)
        .on_conflict(signing_keys::fingerprint)
        .do_update()
        .set(signing_keys::last_used_at.eq(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes the keys that no process has reported since `before`. Returns their number.
pub async fn delete_unused(connection: &mut Connection, before: Instant) -> Result<usize> {
    let unused = signing_keys::table.filter(signing_keys::last_used_at.lt(before));
    Ok(diesel::delete(unused).execute(connection).await?)
}

/// Deletes a key. Returns whether it was there.
pub async fn delete(connection: &mut Connection, fingerprint: &str) -> Result<bool> {
    Ok(diesel::delete(signing_keys::table.find(fingerprint)).execute(connection).await? == 1)
}

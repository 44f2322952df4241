//! Keeps the signing keys of the processes on one database together.

use chrono::TimeDelta;

use crate::auth::key_ring::KeyRing;
use crate::domain::encryption::SealingKeys;
use crate::domain::{Clock, Result};
use crate::store::{Connection, Database, Transactional, signing_keys};

/// How long after its last report a key counts as one of the others. Processes report every 30 seconds.
const IN_USE: TimeDelta = TimeDelta::days(1);
/// How long keys are kept after their last report.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Reports the keys of a process that starts. Returns false, and reports nothing, if other processes use this database
/// and share none of the keys: their tokens and mails would be of no use to each other.
pub async fn join(store: &Database, keys: &KeyRing, clock: &Clock) -> Result<bool> {
    let (now, ours) = (clock.now(), keys.fingerprints());
    let work = async |tx: &mut Connection| {
        let used = signing_keys::used_since(tx, now - IN_USE).await?;
        let is_shared = used.is_empty() || used.iter().any(|key| ours.contains(key));
        if is_shared {
            signing_keys::report(tx, &ours, now).await?;
        }
        Ok(is_shared)
    };
    store.writer().await?.transaction(work).await
}

/// Reports the keys of a running process, and deletes keys that are no longer used.
pub async fn report(store: &Database, keys: &KeyRing, clock: &Clock) -> Result<()> {
    let now = clock.now();
    let mut connection = store.writer().await?;
    signing_keys::report(&mut connection, &keys.fingerprints(), now).await?;
    signing_keys::delete_unused(&mut connection, now - KEPT).await?;
    Ok(())
}

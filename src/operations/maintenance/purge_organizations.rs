//! Deletes organizations whose time of grace is over, with all that belongs to them. The event for it outlives them. Rows of
//! deleted accounts that owned the last of them go as well.

use crate::domain::{Clock, Error, Result};
use crate::store::{Connection, Database, Transactional, organizations, users};

use crate::operations::organizations::delete::delete_for_good;

/// How many rows of accounts are deleted in one transaction.
const BATCH: i64 = 500;

/// Deletes all whose time has come, each in a transaction of its own; tells how many. Waits for nobody who has locked one:
/// another process deletes it, or its owner has just restored it.
pub async fn purge_organizations(store: &Database, clock: &Clock) -> Result<usize> {
    let mut count = 0;
    loop {
        let now = clock.now();
        let purged = store
            .writer()
            .await?
            .transaction(async |tx| {
                let Some(organization) = organizations::lock_overdue(tx, now).await? else { return Ok(false) };
                delete_for_good(tx, &organization, None, now).await?;
                Ok::<_, Error>(true)
            })
            .await?;
        if !purged {
            break;
        }
        count += 1;
    }
    let left = async |tx: &mut Connection| users::delete_rows_left(tx, BATCH).await;
    while store.writer().await?.transaction(left).await? == BATCH as usize {}
    Ok(count)
}

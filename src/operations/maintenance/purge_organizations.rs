//! Permanently deletes organizations whose grace period is over, with everything that belongs to them; the event of the
//! deletion remains. Also deletes the remaining rows of deleted accounts that owned the last of these organizations.

use crate::domain::{Clock, Error, Result};
use crate::store::{Connection, Database, Transactional, organizations, users};

use crate::operations::organizations::delete::delete_for_good;

/// Number of account rows that are deleted in one transaction.
const BATCH: i64 = 500;

/// Deletes all overdue organizations, each in its own transaction, and returns their number. Does not wait for locked
/// rows: another process deletes the organization, or its owner has just restored it.
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

//! Deletes organizations whose time of grace is over, with all that belongs to them. The event for it outlives them.

use crate::domain::{Clock, Error, Result};
use crate::store::{Store, Transactional, organizations};

use super::delete_organization::delete_for_good;

/// Deletes all whose time has come, each in a transaction of its own; tells how many. Waits for nobody who has locked one:
/// another process deletes it, or its owner has just restored it.
pub async fn purge_organizations(store: &Store, clock: &Clock) -> Result<usize> {
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
            return Ok(count);
        }
        count += 1;
    }
}

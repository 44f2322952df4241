//! Deletes cancelled plans that have ended, and records their events. The workspace is FREE even before the deletion:
//! see [`Plan::at`].

use crate::domain::plan::Plan;
use crate::domain::{Clock, Result};
use crate::events::record;
use crate::store::plans::{self, PlanRow};
use crate::store::{Database, Transactional};

use crate::operations::plans::paid_plan::changed;

/// Number of rows that are deleted in one transaction.
const BATCH: usize = 100;

/// Deletes all ended plans, one batch per transaction, and returns their number. The next run deletes the rows that
/// another transaction has locked.
pub async fn expire_plans(store: &Database, clock: &Clock) -> Result<usize> {
    let mut count = 0;
    loop {
        let now = clock.now();
        let ended = store
            .writer()
            .await?
            .transaction(async |tx| {
                let ended = plans::delete_ended(tx, now, BATCH as i64).await?;
                let end = |row: &PlanRow| changed(row.workspace(), &Plan(Some(row.terms())), &Plan::FREE, None);
                record::record(tx, now, ended.iter().filter_map(end).collect()).await?;
                Ok::<_, crate::domain::Error>(ended.len())
            })
            .await?;
        count += ended;
        if ended < BATCH {
            return Ok(count);
        }
    }
}

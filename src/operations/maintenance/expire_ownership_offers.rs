//! Marks offers of ownership that have lapsed, and records the event for it. That they count as expired does not depend on
//! it: see [`OwnershipOfferStatus::at`](crate::domain::ownership_offer::OwnershipOfferStatus::at).

use crate::domain::{Clock, Error, Result};
use crate::events::record;
use crate::store::{Database, Transactional, ownership_offers};

use crate::operations::ownership_offers::shared::resolution;

/// How many are marked in one transaction.
const BATCH: usize = 100;

/// Marks all that are overdue, a batch a transaction; tells how many. Waits for no lock: rows that somebody else has locked
/// are left to the next run.
pub async fn expire_ownership_offers(store: &Database, clock: &Clock) -> Result<usize> {
    let mut count = 0;
    loop {
        let now = clock.now();
        let marked = store
            .writer()
            .await?
            .transaction(async |tx| {
                let lapsed = ownership_offers::expire(tx, now, BATCH as i64).await?;
                record::record(tx, now, lapsed.iter().map(|offer| resolution(offer, None)).collect()).await?;
                Ok::<_, Error>(lapsed.len())
            })
            .await?;
        count += marked;
        if marked < BATCH {
            return Ok(count);
        }
    }
}

//! Marks expired offers of ownership, and records their events. An offer counts as expired even before it is marked:
//! see [`OwnershipOfferStatus::at`](crate::domain::ownership_offer::OwnershipOfferStatus::at).

use crate::domain::{Clock, Error, Result};
use crate::events::record;
use crate::store::{Database, Transactional, ownership_offers};

use crate::operations::ownership_offers::shared::resolution;

/// Number of rows that are marked in one transaction.
const BATCH: usize = 100;

/// Marks all overdue offers, one batch per transaction, and returns their number. Never waits for a lock: the next run
/// marks the rows that another transaction has locked.
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

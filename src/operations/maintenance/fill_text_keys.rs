//! Computes missing text keys: of rows written before there were keys, or by processes of an older release.

use uuid::Uuid;

use crate::domain::Result;
use crate::store::text_keys::{self, KEYED};
use crate::store::{Connection, Database, Transactional};

/// Number of rows in one transaction: few, because other writers may wait for it.
const BATCH: usize = 500;

/// Computes the keys of all texts that have none. Returns the number of rows.
pub async fn fill_text_keys(store: &Database) -> Result<usize> {
    let mut count = 0;
    for keyed in KEYED {
        let mut after = Uuid::nil();
        loop {
            let fill = async |tx: &mut Connection| text_keys::fill(tx, keyed, after, BATCH as i64).await;
            let filled = store.writer().await?.transaction(fill).await?;
            count += filled.len();
            match filled.last() {
                Some(last) if filled.len() == BATCH => after = *last,
                _ => break,
            }
        }
    }
    Ok(count)
}

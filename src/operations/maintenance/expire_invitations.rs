//! Marks invitations that have run out, and records the event for it. That they count as expired does not depend on it:
//! see [`InvitationStatus::at`](crate::domain::invitation::InvitationStatus::at).

use crate::domain::event::EventType;
use crate::domain::{Clock, Result};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::store::{Database, Transactional, expiry};

/// How many are marked in one transaction.
const BATCH: usize = 100;

/// Marks all that are overdue, a batch a transaction; tells how many.
///
/// `resolved_at` is when each ran out; the event carries the time of its recording, so that the times in the log do not run
/// backwards. The only locks are those of the invitations, and none is waited for: rows that somebody else has
/// locked are left to the next run.
pub async fn expire_invitations(store: &Database, clock: &Clock) -> Result<usize> {
    let mut count = 0;
    loop {
        let now = clock.now();
        let marked = store
            .writer()
            .await?
            .transaction(async |tx| {
                let overdue = expiry::expire_invitations(tx, now, BATCH as i64).await?;
                let marked = overdue.len();
                let happened = overdue.into_iter().map(|invitation| {
                    let mut event =
                        NewEvent::new(invitation.organization_id, EventType::InvitationExpired, None, invitation.id);
                    event.email = Some(invitation.email);
                    event
                });
                record::record(tx, now, happened.collect()).await?;
                Ok::<_, crate::domain::Error>(marked)
            })
            .await?;
        count += marked;
        if marked < BATCH {
            return Ok(count);
        }
    }
}

//! Marks expired invitations, and records their events. An invitation counts as expired even before it is marked: see
//! [`InvitationStatus::at`](crate::domain::invitation::InvitationStatus::at).

use crate::domain::event::EventType;
use crate::domain::{Clock, Result};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::store::{Database, Transactional, expiry};

/// Number of rows that are marked in one transaction.
const BATCH: usize = 100;

/// Marks all overdue invitations, one batch per transaction, and returns their number.
///
/// `resolved_at` is the expiry of each invitation. The event has the time of its recording, so that it is not dated before
/// events that were recorded earlier. The function locks only invitations and never waits for a lock: the next run marks the rows that
/// another transaction has locked.
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

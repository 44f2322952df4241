//! Writes down what came of a mail: in the queue, in the invitation that it carried, and in the log, in one transaction.
//!
//! The invitation tells of its newest mail. An older one that is given up changes nothing there, or the failure of a
//! mail would hide that it was sent again since.

use crate::domain::clock::Instant;
use crate::domain::event::{EventType, FieldChange};
use crate::domain::{InvitationId, Result};
use crate::events::record;
use crate::events::record::NewEvent;
use crate::mail::backoff;
use crate::mail::delivery_error::DeliveryError;
use crate::store::invitations::deliveries;
use crate::store::invitations::deliveries::Delivery;
use crate::store::mails::{self, Claimed};
use crate::store::{Connection, Database, Transactional};

/// What came of a mail.
pub enum Outcome {
    /// It was handed over.
    Sent,
    /// It was not.
    NotSent(DeliveryError),
    /// Nobody tried: there is no use in it any more, for that reason.
    Dropped(&'static str),
}

/// Writes down what came of a mail at `now`. What another worker has settled stays as it is.
pub async fn settle(store: &Database, now: Instant, mail: &Claimed, outcome: &Outcome) -> Result<()> {
    let mut connection = store.writer().await?;
    connection
        .transaction(async |tx| {
            // The invitation first, as everywhere: a resend holds it while it queues the next mail.
            let invitation = match mail.invitation_id {
                Some(id) => deliveries::lock(tx, id).await?,
                None => None,
            };
            match outcome {
                Outcome::Sent => sent(tx, now, mail, invitation).await,
                Outcome::Dropped(reason) => give_up(tx, now, mail, invitation, reason).await,
                Outcome::NotSent(failure) => {
                    let wait = failure.passing.then(|| backoff::wait(mail.id, mail.attempts)).flatten();
                    match wait {
                        Some(wait) => mails::mark_retry(tx, mail.id, mail.attempts, now + wait, &failure.reason).await,
                        None => give_up(tx, now, mail, invitation, &failure.reason).await,
                    }
                }
            }
        })
        .await
}

async fn sent(tx: &mut Connection, now: Instant, mail: &Claimed, invitation: Option<Delivery>) -> Result<()> {
    if !mails::mark_sent(tx, mail.id, now).await? {
        return Ok(());
    }
    let Some(invitation) = invitation else { return Ok(()) };
    deliveries::count_sent(tx, invitation.id, now).await?;
    let (before, after) = (invitation.send_count.to_string(), (invitation.send_count + 1).to_string());
    let mut changes = Vec::from_iter(FieldChange::between("delivery.sendCount", Some(&before), Some(&after)));
    if is_newest(tx, mail, invitation.id).await? {
        changes.extend(mark(tx, &invitation, None).await?);
    }
    tell(tx, now, EventType::InvitationDelivered, invitation, changes).await
}

/// Gives a mail up, and tells so if that is the end of the invitation's last sending.
async fn give_up(
    tx: &mut Connection,
    now: Instant,
    mail: &Claimed,
    invitation: Option<Delivery>,
    reason: &str,
) -> Result<()> {
    if !mails::mark_failed(tx, mail.id, mail.attempts, reason).await? {
        return Ok(());
    }
    let Some(invitation) = invitation else { return Ok(()) };
    if !is_newest(tx, mail, invitation.id).await? {
        return Ok(());
    }
    let changes = mark(tx, &invitation, Some(reason)).await?;
    tell(tx, now, EventType::InvitationDeliveryFailed, invitation, changes).await
}

async fn is_newest(tx: &mut Connection, mail: &Claimed, invitation: InvitationId) -> Result<bool> {
    Ok(mails::newest_of_invitations(tx, &[invitation]).await?.contains(&mail.id))
}

/// Marks the last sending as done, or as given up for that reason; gives what that changes.
async fn mark(tx: &mut Connection, before: &Delivery, failure: Option<&str>) -> Result<Vec<FieldChange>> {
    let state = deliveries::mark(tx, before.id, failure).await?;
    let changes = [
        FieldChange::between("delivery.state", Some(before.state.name()), Some(state.name())),
        FieldChange::between("delivery.failure", before.failure.as_deref(), failure),
    ];
    Ok(changes.into_iter().flatten().collect())
}

async fn tell(
    tx: &mut Connection,
    now: Instant,
    kind: EventType,
    invitation: Delivery,
    changes: Vec<FieldChange>,
) -> Result<()> {
    let event = NewEvent {
        email: Some(invitation.email),
        changes,
        ..NewEvent::new(invitation.organization_id, kind, None, invitation.id)
    };
    record::record(tx, now, vec![event]).await
}

//! Records the outcome of a mail in the queue, in the invitation that it delivers, and in the event log, in one
//! transaction.
//!
//! The delivery state of an invitation is that of its newest mail. The failure of an older mail does not change it.

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

/// The outcome of an attempt to send a mail.
pub enum Outcome {
    /// The mail server, or the folder, accepted the mail.
    Sent,
    /// The mail was not accepted.
    NotSent(DeliveryError),
    /// The mail was not attempted because it is obsolete, for that reason.
    Dropped(&'static str),
}

/// Records the outcome of a mail at `now`. Does nothing if another worker has recorded one.
pub async fn record_outcome(store: &Database, now: Instant, mail: &Claimed, outcome: &Outcome) -> Result<()> {
    let mut connection = store.writer().await?;
    connection
        .transaction(async |tx| {
            // Locks the invitation first, as everywhere: a resend holds this lock while it queues the next mail.
            let invitation = match mail.invitation_id {
                Some(id) => deliveries::lock(tx, id).await?,
                None => None,
            };
            match outcome {
                Outcome::Sent => mark_sent(tx, now, mail, invitation).await,
                Outcome::Dropped(reason) => give_up(tx, now, mail, invitation, reason).await,
                Outcome::NotSent(error) => {
                    let wait = error.transient.then(|| backoff::wait(mail.id, mail.attempts)).flatten();
                    match wait {
                        Some(wait) => mails::mark_retry(tx, mail.id, mail.attempts, now + wait, &error.reason).await,
                        None => give_up(tx, now, mail, invitation, &error.reason).await,
                    }
                }
            }
        })
        .await
}

async fn mark_sent(tx: &mut Connection, now: Instant, mail: &Claimed, invitation: Option<Delivery>) -> Result<()> {
    if !mails::mark_sent(tx, mail.id, now).await? {
        return Ok(());
    }
    let Some(invitation) = invitation else { return Ok(()) };
    deliveries::count_sent(tx, invitation.id, now).await?;
    let (before, after) = (invitation.send_count.to_string(), (invitation.send_count + 1).to_string());
    let mut changes = Vec::from_iter(FieldChange::between("delivery.sendCount", Some(&before), Some(&after)));
    if is_newest(tx, mail, invitation.id).await? {
        changes.extend(mark_delivery(tx, &invitation, None).await?);
    }
    record_event(tx, now, EventType::InvitationDelivered, invitation, changes).await
}

/// Marks a mail as failed, and records an event if it was the newest mail of an invitation.
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
    let changes = mark_delivery(tx, &invitation, Some(reason)).await?;
    record_event(tx, now, EventType::InvitationDeliveryFailed, invitation, changes).await
}

async fn is_newest(tx: &mut Connection, mail: &Claimed, invitation: InvitationId) -> Result<bool> {
    Ok(mails::newest_of_invitations(tx, &[invitation]).await?.contains(&mail.id))
}

/// Marks the delivery of an invitation as done, or as failed with a reason, and returns the changed fields.
async fn mark_delivery(tx: &mut Connection, before: &Delivery, failure: Option<&str>) -> Result<Vec<FieldChange>> {
    let state = deliveries::mark(tx, before.id, failure).await?;
    let changes = [
        FieldChange::between("delivery.state", Some(before.state.name()), Some(state.name())),
        FieldChange::between("delivery.failure", before.failure.as_deref(), failure),
    ];
    Ok(changes.into_iter().flatten().collect())
}

async fn record_event(
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

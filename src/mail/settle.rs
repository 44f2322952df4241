//! Writes down what came of a mail: in the queue, in the invitation that it carried, and in the log, in one transaction.
//!
//! The invitation tells of its newest mail. An older one that is given up changes nothing there, or the failure of a
//! mail would hide that it was sent again since.

use super::backoff;
use super::failure::Failure;
use crate::domain::clock::Instant;
use crate::domain::event::EventType;
use crate::domain::{InvitationId, Result};
use crate::events::log::{self, Event};
use crate::store::deliveries::{self, Delivery};
use crate::store::mails::{self, Claimed};
use crate::store::{Connection, Store, Transactional};

/// What came of a mail.
pub enum Outcome {
    /// It was handed over.
    Sent,
    /// It was not.
    NotSent(Failure),
    /// Nobody tried: there is no use in it any more, for that reason.
    Dropped(&'static str),
}

/// Writes down what came of a mail at `now`. What another worker has settled stays as it is.
pub async fn settle(store: &Store, now: Instant, mail: &Claimed, outcome: Outcome) -> Result<()> {
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
                Outcome::Dropped(reason) => give_up(tx, mail, invitation, reason).await.map(drop),
                Outcome::NotSent(failure) => {
                    let wait = failure.passing.then(|| backoff::wait(mail.id, mail.attempts)).flatten();
                    if let Some(wait) = wait {
                        return mails::mark_retry(tx, mail.id, mail.attempts, now + wait, &failure.reason).await;
                    }
                    match give_up(tx, mail, invitation, &failure.reason).await? {
                        Some(invitation) => tell(tx, now, EventType::InvitationDeliveryFailed, invitation).await,
                        None => Ok(()),
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
    if is_newest(tx, mail, invitation.id).await? {
        deliveries::mark(tx, invitation.id, None).await?;
    }
    tell(tx, now, EventType::InvitationDelivered, invitation).await
}

/// Gives a mail up; returns the invitation if that is the end of its last sending.
async fn give_up(
    tx: &mut Connection,
    mail: &Claimed,
    invitation: Option<Delivery>,
    reason: &str,
) -> Result<Option<Delivery>> {
    if !mails::mark_failed(tx, mail.id, mail.attempts, reason).await? {
        return Ok(None);
    }
    let Some(invitation) = invitation else { return Ok(None) };
    if !is_newest(tx, mail, invitation.id).await? {
        return Ok(None);
    }
    deliveries::mark(tx, invitation.id, Some(reason)).await?;
    Ok(Some(invitation))
}

async fn is_newest(tx: &mut Connection, mail: &Claimed, invitation: InvitationId) -> Result<bool> {
    Ok(mails::newest_of_invitations(tx, &[invitation]).await?.contains(&mail.id))
}

async fn tell(tx: &mut Connection, now: Instant, kind: EventType, invitation: Delivery) -> Result<()> {
    let mut event = Event::new(invitation.organization_id, kind, None, invitation.id);
    event.email = Some(invitation.email);
    log::record(tx, now, vec![event]).await
}

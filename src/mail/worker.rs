//! Sends what is queued. Any number of processes may run one: a mail is taken on by moving its next attempt ahead, so no
//! transaction is open while a mail server is being talked to, and a mail whose process died is taken on again by another.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::compose::{Letter, Unwritable};
use super::failure::Failure;
use super::queue::Outbox;
use super::settle::{Outcome, settle};
use super::template::Template;
use super::transports::Transport;
use crate::domain::clock::Instant;
use crate::domain::invitation::InvitationStatus;
use crate::domain::{self, Clock, InvitationId};
use crate::store::mails::{self, Claimed};
use crate::store::{Connection, Store, Transactional, deliveries};

/// How many mails are taken on at once, and sent side by side.
const BATCH: usize = 8;
/// How long a mail is this worker's alone: longer than sending a batch can take.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// How long until the queue is looked at again, if nobody wakes the worker: other processes queue mails too.
const PAUSE: Duration = Duration::from_secs(2);
/// The same while the database is away.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// Sends what is queued until it is cancelled; mails that are under way are settled before it returns.
pub async fn run(store: Store, outbox: Outbox, transport: Transport, clock: Clock, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        let pause = match send_due(&store, &outbox, &transport, &clock).await {
            Ok(sent) if sent == BATCH => continue,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::error!(?error, "cannot work on the queue of mails");
                LONG_PAUSE
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = outbox.woken() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Takes on a batch of the mails that are due, and settles each; tells how many there were.
pub async fn send_due(store: &Store, outbox: &Outbox, transport: &Transport, clock: &Clock) -> domain::Result<usize> {
    let now = clock.now();
    let claimed = store.writer().await?.transaction(async |tx| claim(tx, now).await).await?;
    let count = claimed.len();
    let mut done: FuturesUnordered<_> =
        claimed.into_iter().map(|(mail, useless)| attempt(outbox, transport, mail, useless)).collect();
    let mut first_fault = None;
    while let Some((mail, outcome)) = done.next().await {
        if let Outcome::NotSent(failure) = &outcome {
            // Without the reason: mail servers like to repeat the address in it.
            tracing::warn!(mail = %mail.id, attempt = mail.attempts, passing = failure.passing, "a mail was not sent");
        }
        if let Err(error) = settle(store, clock.now(), &mail, outcome).await {
            first_fault.get_or_insert(error);
        }
    }
    first_fault.map_or(Ok(count), Err)
}

/// The mails that are due, each with the reason why there is no use in sending it, if there is one.
async fn claim(tx: &mut Connection, now: Instant) -> domain::Result<Vec<(Claimed, Option<&'static str>)>> {
    let claimed = mails::claim_due(tx, now, now + LEASE, BATCH as i64).await?;
    let ids: Vec<InvitationId> = claimed.iter().filter_map(|mail| mail.invitation_id).collect();
    if ids.is_empty() {
        return Ok(claimed.into_iter().map(|mail| (mail, None)).collect());
    }
    let invitations: HashMap<_, _> =
        deliveries::find_many(tx, &ids).await?.into_iter().map(|delivery| (delivery.id, delivery)).collect();
    let newest = mails::newest_of_invitations(tx, &ids).await?;
    let useless = |mail: &Claimed| {
        let invitation = invitations.get(&mail.invitation_id?)?;
        if !newest.contains(&mail.id) {
            return Some("Not sent: a newer mail with this invitation took its place.");
        }
        match invitation.status.at(invitation.expires_at, now) {
            InvitationStatus::Pending => None,
            InvitationStatus::Expired => Some("Not sent: the invitation had run out."),
            _ => Some("Not sent: the invitation was no longer pending."),
        }
    };
    Ok(claimed
        .into_iter()
        .map(|mail| {
            let reason = useless(&mail);
            (mail, reason)
        })
        .collect())
}

async fn attempt(
    outbox: &Outbox,
    transport: &Transport,
    mail: Claimed,
    useless: Option<&'static str>,
) -> (Claimed, Outcome) {
    let outcome = match useless {
        Some(reason) => Outcome::Dropped(reason),
        None => send(outbox, transport, &mail).await.map_or_else(Outcome::NotSent, |()| Outcome::Sent),
    };
    (mail, outcome)
}

async fn send(outbox: &Outbox, transport: &Transport, mail: &Claimed) -> Result<(), Failure> {
    let template = Template::named(&mail.template).ok_or(Unwritable::Template)?;
    let unsealed = mail.sealed_link.as_deref().map(|sealed| {
        let reason = "The link of the mail could not be read.";
        outbox.unseal(sealed).ok_or_else(|| Failure::lasting(reason))
    });
    let link = unsealed.transpose()?;
    let letter = Letter {
        id: mail.id,
        template,
        recipient: &mail.recipient,
        variables: &mail.variables,
        link: link.as_deref(),
        at: mail.created_at,
    };
    transport.send(&letter).await
}

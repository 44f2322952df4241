//! The worker that sends queued mails. Any number of processes may run one: a worker claims a mail for some seconds and
//! renews the claim while it sends. No transaction is open in the meantime, and if the process dies, another process
//! soon claims the mail.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::claim::claim;
use super::compose::{ComposeError, OutgoingMail};
use super::queue::Outbox;
use super::template::Template;
use super::transports::Transport;
use crate::domain::{Clock, Result};
use crate::mail::delivery_error::DeliveryError;
use crate::mail::record_outcome::{Outcome, record_outcome};
use crate::store::mails::{self, Claimed};
use crate::store::{Database, Transactional, answered};

/// Maximum number of mails that are sent concurrently.
const MAX_CONCURRENT: usize = 8;
/// Interval of claim renewals. Claims stay valid if one renewal is late or fails.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(4);
/// Poll interval of the queue, for mails that other processes queued.
const POLL: Duration = Duration::from_secs(2);
/// Poll interval after a failure, for example while the database is down.
const POLL_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Sends queued mails until it is cancelled, then finishes the mails that are being sent.
pub async fn run(store: Database, outbox: Outbox, transport: Transport, clock: Clock, cancel: CancellationToken) {
    let mut worker = Worker::new(store, outbox.clone(), transport, clock);
    let mut renewal = renewal();
    while !cancel.is_cancelled() {
        let pause = match worker.run_once().await {
            Ok(()) => POLL,
            Err(error) => {
                tracing::error!(?error, "processing the mail queue failed");
                POLL_AFTER_FAILURE
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = outbox.woken() => {}
            () = worker.join_next(), if worker.is_sending() => {}
            _ = renewal.tick() => worker.renew_claims().await,
            () = tokio::time::sleep(pause) => {}
        }
    }
    if let Err(error) = worker.finish(renewal).await {
        tracing::error!(?error, "recording sent mails failed");
    }
}

/// Sends the mails that are due, up to 8, and records the outcomes. Returns the number of mails.
pub async fn send_due(store: &Database, outbox: &Outbox, transport: &Transport, clock: &Clock) -> Result<usize> {
    let mut worker = Worker::new(store.clone(), outbox.clone(), transport.clone(), clock.clone());
    let count = worker.claim_due().await?;
    worker.finish(renewal()).await.map(|()| count)
}

fn renewal() -> Interval {
    let mut renewal = interval(RENEWAL_INTERVAL);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    renewal
}

/// A worker with the mails that it has claimed.
struct Worker {
    store: Database,
    outbox: Outbox,
    transport: Transport,
    clock: Clock,
    /// Tasks that send a mail each.
    sending: JoinSet<Outcome>,
    /// The mail of each task.
    in_flight: HashMap<Id, Arc<Claimed>>,
    /// Mails whose outcome is not recorded yet.
    unrecorded: Vec<(Arc<Claimed>, Outcome)>,
}

impl Worker {
    fn new(store: Database, outbox: Outbox, transport: Transport, clock: Clock) -> Self {
        let (sending, in_flight, unrecorded) = (JoinSet::new(), HashMap::new(), Vec::new());
        Self { store, outbox, transport, clock, sending, in_flight, unrecorded }
    }

    /// Records outcomes, and claims and sends the mails that are due.
    async fn run_once(&mut self) -> Result<()> {
        self.record_outcomes().await?;
        self.claim_due().await?;
        self.record_outcomes().await
    }

    /// Claims the mails that are due, up to the limit, and starts to send them. Returns their number.
    async fn claim_due(&mut self) -> Result<usize> {
        let free = MAX_CONCURRENT.saturating_sub(self.in_flight.len() + self.unrecorded.len());
        if free == 0 {
            return Ok(0);
        }
        let (now, keys) = (self.clock.now(), self.outbox.fingerprints());
        let claimed = answered(async {
            self.store.writer().await?.transaction(async |tx| claim(tx, now, free, &keys).await).await
        })
        .await?;
        let count = claimed.len();
        for (mail, outcome) in claimed {
            let mail = Arc::new(mail);
            if let Some(outcome) = outcome {
                self.unrecorded.push((mail, outcome));
                continue;
            }
            let (outbox, transport, claimed) = (self.outbox.clone(), self.transport.clone(), mail.clone());
            let sent = async move { send(&outbox, &transport, &claimed).await };
            let task = self.sending.spawn(async { sent.await.map_or_else(Outcome::NotSent, |()| Outcome::Sent) });
            self.in_flight.insert(task.id(), mail);
        }
        Ok(count)
    }

    fn is_sending(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Waits until a task has ended, and keeps its outcome.
    async fn join_next(&mut self) {
        let (task, outcome) = match self.sending.join_next_with_id().await {
            Some(Ok(ended)) => ended,
            // The task panicked: the mail cannot be composed.
            Some(Err(error)) => (error.id(), Outcome::NotSent(ComposeError::Message.into())),
            None => return,
        };
        let Some(mail) = self.in_flight.remove(&task) else { return };
        if let Outcome::NotSent(error) = &outcome {
            // Without the reason, because mail servers often repeat the address in it.
            tracing::warn!(mail = %mail.id, attempt = mail.attempts, transient = error.transient, "mail not sent");
        }
        self.unrecorded.push((mail, outcome));
    }

    /// Records the outcomes. Those that cannot be recorded are kept for the next call, so that no mail is sent twice.
    async fn record_outcomes(&mut self) -> Result<()> {
        let mut first_error = None;
        for (mail, outcome) in std::mem::take(&mut self.unrecorded) {
            if let Err(error) = answered(record_outcome(&self.store, self.clock.now(), &mail, &outcome)).await {
                first_error.get_or_insert(error);
                self.unrecorded.push((mail, outcome));
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn renew_claims(&self) {
        let mails = self.in_flight.values().chain(self.unrecorded.iter().map(|(mail, _)| mail));
        let claims: Vec<_> = mails.map(|mail| (mail.id, mail.attempts)).collect();
        if claims.is_empty() {
            return;
        }
        let renewed = async { mails::renew_claims(&mut *self.store.writer().await?, &claims).await };
        if let Err(error) = answered(renewed).await {
            tracing::warn!(?error, "renewing mail claims failed");
        }
    }

    /// Waits for the mails that are being sent, and records their outcomes. Claims no more mails.
    async fn finish(mut self, mut renewal: Interval) -> Result<()> {
        while self.is_sending() {
            tokio::select! {
                () = self.join_next() => {
                    // Ignores failures: the call after the loop tries again.
                    let _ = self.record_outcomes().await;
                }
                _ = renewal.tick() => self.renew_claims().await,
            }
        }
        self.record_outcomes().await
    }
}

async fn send(outbox: &Outbox, transport: &Transport, mail: &Claimed) -> std::result::Result<(), DeliveryError> {
    let template = Template::from_name(&mail.template).ok_or(ComposeError::Template)?;
    let unsealed = mail.sealed_link.as_deref().map(|sealed| {
        let reason = "The link of the mail could not be decrypted.";
        outbox.unseal(sealed).ok_or_else(|| DeliveryError::permanent(reason))
    });
    let link = unsealed.transpose()?;
    let mail = OutgoingMail {
        id: mail.id,
        template,
        recipient: &mail.recipient,
        variables: &mail.variables,
        link: link.as_deref(),
        at: mail.created_at,
    };
    transport.send(&mail).await
}

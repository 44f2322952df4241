//! Sends what is queued. Any number of processes may run one: a mail that is taken on is claimed for some seconds, and the
//! claim renewed for as long as the process lives. So no transaction is open while a mail server is being talked to, however
//! long that takes, and a mail whose process died is soon taken on by another.

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
use crate::mail::record_outcome::{Outcome, settle};
use crate::store::mails::{self, Claimed};
use crate::store::{Database, Transactional};

/// How many mails are sent side by side. One that takes long holds up no others.
const ROOM: usize = 8;
/// How often claims are renewed: one may come late, or fail, and they still hold.
const RENEWAL: Duration = Duration::from_secs(4);
/// How long until the queue is looked at again, if nobody wakes the worker: other processes queue mails too.
const PAUSE: Duration = Duration::from_secs(2);
/// The same while the database is away.
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// Sends what is queued until it is cancelled; mails that are under way are settled before it returns.
pub async fn run(store: Database, outbox: Outbox, transport: Transport, clock: Clock, cancel: CancellationToken) {
    let mut worker = Worker::new(store, outbox.clone(), transport, clock);
    let mut renewal = renewal();
    while !cancel.is_cancelled() {
        let pause = match worker.work().await {
            Ok(()) => PAUSE,
            Err(error) => {
                tracing::error!(?error, "processing the mail queue failed");
                LONG_PAUSE
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = outbox.woken() => {}
            () = worker.one_comes_back(), if worker.is_sending() => {}
            _ = renewal.tick() => worker.renew_claims().await,
            () = tokio::time::sleep(pause) => {}
        }
    }
    if let Err(error) = worker.finish(renewal).await {
        tracing::error!(?error, "recording sent mails failed");
    }
}

/// Sends what is due, as far as there is room for it, and settles it; tells how many mails there were.
pub async fn send_due(store: &Database, outbox: &Outbox, transport: &Transport, clock: &Clock) -> Result<usize> {
    let mut worker = Worker::new(store.clone(), outbox.clone(), transport.clone(), clock.clone());
    let count = worker.take_on().await?;
    worker.finish(renewal()).await.map(|()| count)
}

fn renewal() -> Interval {
    let mut renewal = interval(RENEWAL);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    renewal
}

/// One worker, and the mails that it has claimed.
struct Worker {
    store: Database,
    outbox: Outbox,
    transport: Transport,
    clock: Clock,
    /// Those that are being sent.
    sending: JoinSet<Outcome>,
    /// Which of these tasks sends which mail.
    under_way: HashMap<Id, Arc<Claimed>>,
    /// Those that are not settled yet.
    back: Vec<(Arc<Claimed>, Outcome)>,
}

impl Worker {
    fn new(store: Database, outbox: Outbox, transport: Transport, clock: Clock) -> Self {
        let (sending, under_way, back) = (JoinSet::new(), HashMap::new(), Vec::new());
        Self { store, outbox, transport, clock, sending, under_way, back }
    }

    /// Settles what has come back, and takes on what is due.
    async fn work(&mut self) -> Result<()> {
        self.settle().await?;
        self.take_on().await?;
        self.settle().await
    }

    /// Takes on what is due, as far as there is room; tells how many mails that were.
    async fn take_on(&mut self) -> Result<usize> {
        let room = ROOM.saturating_sub(self.under_way.len() + self.back.len());
        if room == 0 {
            return Ok(0);
        }
        let now = self.clock.now();
        let claimed = self.store.writer().await?.transaction(async |tx| claim(tx, now, room).await).await?;
        let count = claimed.len();
        for (mail, outcome) in claimed {
            let mail = Arc::new(mail);
            if let Some(outcome) = outcome {
                self.back.push((mail, outcome));
                continue;
            }
            let (outbox, transport, letter) = (self.outbox.clone(), self.transport.clone(), mail.clone());
            let sent = async move { send(&outbox, &transport, &letter).await };
            let task = self.sending.spawn(async { sent.await.map_or_else(Outcome::NotSent, |()| Outcome::Sent) });
            self.under_way.insert(task.id(), mail);
        }
        Ok(count)
    }

    fn is_sending(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Waits until one that is being sent is, or is not.
    async fn one_comes_back(&mut self) {
        let (task, outcome) = match self.sending.join_next_with_id().await {
            Some(Ok(ended)) => ended,
            // A mail that cannot even be tried without a panic.
            Some(Err(error)) => (error.id(), Outcome::NotSent(ComposeError::Message.into())),
            None => return,
        };
        let Some(mail) = self.under_way.remove(&task) else { return };
        if let Outcome::NotSent(failure) = &outcome {
            // Without the reason: mail servers like to repeat the address in it.
            tracing::warn!(mail = %mail.id, attempt = mail.attempts, passing = failure.passing, "mail not sent");
        }
        self.back.push((mail, outcome));
    }

    /// Settles what has come back. What cannot be settled now is later: it was sent, and need not be sent again.
    async fn settle(&mut self) -> Result<()> {
        let mut first_fault = None;
        for (mail, outcome) in std::mem::take(&mut self.back) {
            if let Err(error) = settle(&self.store, self.clock.now(), &mail, &outcome).await {
                first_fault.get_or_insert(error);
                self.back.push((mail, outcome));
            }
        }
        first_fault.map_or(Ok(()), Err)
    }

    async fn renew_claims(&self) {
        let mails = self.under_way.values().chain(self.back.iter().map(|(mail, _)| mail));
        let claims: Vec<_> = mails.map(|mail| (mail.id, mail.attempts)).collect();
        if claims.is_empty() {
            return;
        }
        let renewed = async { mails::renew_claims(&mut *self.store.writer().await?, &claims).await };
        if let Err(error) = renewed.await {
            tracing::warn!(?error, "renewing mail claims failed");
        }
    }

    /// Takes on nothing more, and settles the rest as it comes back.
    async fn finish(mut self, mut renewal: Interval) -> Result<()> {
        while self.is_sending() {
            tokio::select! {
                () = self.one_comes_back() => {
                    // What fails is tried again with the next one, and in the end.
                    let _ = self.settle().await;
                }
                _ = renewal.tick() => self.renew_claims().await,
            }
        }
        self.settle().await
    }
}

async fn send(outbox: &Outbox, transport: &Transport, mail: &Claimed) -> std::result::Result<(), DeliveryError> {
    let template = Template::named(&mail.template).ok_or(ComposeError::Template)?;
    let unsealed = mail.sealed_link.as_deref().map(|sealed| {
        let reason = "The link of the mail could not be read.";
        outbox.unseal(sealed).ok_or_else(|| DeliveryError::lasting(reason))
    });
    let link = unsealed.transpose()?;
    let letter = OutgoingMail {
        id: mail.id,
        template,
        recipient: &mail.recipient,
        variables: &mail.variables,
        link: link.as_deref(),
        at: mail.created_at,
    };
    transport.send(&letter).await
}

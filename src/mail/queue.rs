//! Queues mails: rows inserted by the transaction that causes them, so that a mail is sent if and only if it commits.
//!
//! The raw token is only in the mail itself: the row contains the link encrypted with the server's key.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

pub use super::links::Links;
pub use super::template::Template;
use crate::domain::clock::Instant;
use crate::domain::encryption::SealingKeys;
use crate::domain::{InternalError, InvitationId, MailId, OrganizationId, Result, UserId, ids};
use crate::store::{Connection, mails};

/// A mail to be sent. It has no `Debug`: addresses and tokens stay out of logs.
pub struct NewMail {
    /// Template of the texts.
    pub template: Template,
    /// Address of the recipient.
    pub recipient: String,
    /// Variables of the template, as an object, without the link. See [`Template`] for their names.
    pub variables: Value,
    /// Raw token for the link; `None` for a mail without a link.
    pub token: Option<String>,
    /// Invitation that the mail delivers.
    pub invitation: Option<InvitationId>,
    /// Organization on whose behalf the mail is sent.
    pub organization: Option<OrganizationId>,
    /// User on whose behalf the mail is sent: the inviter, or the account that the mail is about.
    pub sender: Option<UserId>,
    /// Whether the mail sends an invitation again.
    pub is_resend: bool,
}

/// The queue of outgoing mails. Clones wake the same worker.
#[derive(Clone)]
pub struct Outbox {
    links: Arc<Links>,
    keys: Arc<dyn SealingKeys>,
    wake: Arc<Notify>,
}

impl Outbox {
    /// Creates an outbox that builds links from `links` and encrypts them with the first of the keys.
    pub fn new(links: Links, keys: Arc<dyn SealingKeys>) -> Self {
        Self { links: Arc::new(links), keys, wake: Arc::default() }
    }

    /// Queues a mail. Call [`Outbox::wake`] after the commit, or the mail waits until the worker polls next.
    pub async fn queue(&self, tx: &mut Connection, now: Instant, mail: NewMail) -> Result<MailId> {
        let row = self.row(now, mail)?;
        let id = row.id;
        tx.queue(mails::insert_many(vec![row]));
        Ok(id)
    }

    /// Queues several mails in one statement. See [`Outbox::queue`].
    pub async fn queue_many(&self, tx: &mut Connection, now: Instant, mails: Vec<NewMail>) -> Result<()> {
        let rows = mails.into_iter().map(|mail| self.row(now, mail)).collect::<Result<Vec<_>>>()?;
        tx.queue(mails::insert_many(rows));
        Ok(())
    }

    /// Wakes the worker of this process.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until [`Outbox::wake`] is called; returns at once if it was called since the last return.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Returns the fingerprints of the keys with which this process can decrypt links.
    pub(super) fn fingerprints(&self) -> Vec<String> {
        self.keys.fingerprints()
    }

    /// Decrypts the link of a row; `None` if it was encrypted with another key.
    pub(super) fn unseal(&self, sealed: &[u8]) -> Option<String> {
        self.keys.open(sealed)
    }

    fn row(&self, now: Instant, mail: NewMail) -> Result<mails::NewRow> {
        if !mail.variables.is_object() {
            return Err(InternalError::new("the variables of a mail are not an object").into());
        }
        let link = mail.token.map(|token| self.links.url(mail.template, &token));
        let (sealed_link, key_fingerprint) =
            link.map(|link| self.keys.seal(&link)).map(|sealed| (sealed.bytes, sealed.fingerprint)).unzip();
        Ok(mails::NewRow {
            id: ids::new_id(now),
            template: mail.template.name(),
            recipient: mail.recipient,
            variables: mail.variables,
            sealed_link,
            key_fingerprint,
            invitation_id: mail.invitation,
            organization_id: mail.organization,
            sender_id: mail.sender,
            is_resend: mail.is_resend,
            next_attempt_at: now,
            created_at: now,
        })
    }
}

//! Queues mails: rows written by the transaction that causes them, so that they are sent if and only if it commits.
//!
//! The raw token of a mail is known here and in the mail alone: the row holds the link encrypted with the server's key.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

pub use super::links::Links;
pub use super::template::Template;
use crate::domain::clock::Instant;
use crate::domain::encryption::Sealer;
use crate::domain::{InternalError, InvitationId, MailId, OrganizationId, Result, UserId, ids};
use crate::store::{Connection, mails};

/// A mail to be sent. It has no `Debug`: addresses and tokens stay out of logs.
pub struct NewMail {
    /// What it says.
    pub template: Template,
    /// Address it goes to.
    pub recipient: String,
    /// What the template is filled with: an object, without the link. See [`Template`] for their names.
    pub variables: Value,
    /// Raw token for the link.
    pub token: Option<String>,
    /// The invitation that it carries, whose delivery it decides.
    pub invitation: Option<InvitationId>,
    /// The organization on whose behalf it is sent.
    pub organization: Option<OrganizationId>,
    /// The user on whose behalf it is sent: who invites, or the account that it is about.
    pub sender: Option<UserId>,
    /// Whether an invitation is sent again.
    pub is_resend: bool,
}

/// The way into the queue. Cheap to clone; the clones wake the same worker.
#[derive(Clone)]
pub struct Outbox {
    links: Arc<Links>,
    sealer: Sealer,
    waiting: Arc<Notify>,
}

impl Outbox {
    /// One that writes such links and seals them.
    pub fn new(links: Links, sealer: Sealer) -> Self {
        Self { links: Arc::new(links), sealer, waiting: Arc::default() }
    }

    /// Queues a mail. Call [`Outbox::wake`] after the commit, or it waits for the worker's next look.
    pub async fn queue(&self, tx: &mut Connection, now: Instant, mail: NewMail) -> Result<MailId> {
        let row = self.row(now, mail)?;
        let id = row.id;
        tx.queue(mails::insert_many(vec![row]));
        Ok(id)
    }

    /// Queues several in one statement.
    pub async fn queue_many(&self, tx: &mut Connection, now: Instant, mails: Vec<NewMail>) -> Result<()> {
        let rows = mails.into_iter().map(|mail| self.row(now, mail)).collect::<Result<Vec<_>>>()?;
        tx.queue(mails::insert_many(rows));
        Ok(())
    }

    /// Tells the worker of this process that there is something to send.
    pub fn wake(&self) {
        self.waiting.notify_one();
    }

    /// Returns once somebody has called [`Outbox::wake`]; at once if that was since the last return.
    pub(super) async fn woken(&self) {
        self.waiting.notified().await;
    }

    /// The link that was sealed in a row. None: it was sealed with another key.
    pub(super) fn unseal(&self, sealed: &[u8]) -> Option<String> {
        self.sealer.open(sealed)
    }

    fn row(&self, now: Instant, mail: NewMail) -> Result<mails::NewRow> {
        if !mail.variables.is_object() {
            return Err(InternalError::new("the variables of a mail are not an object").into());
        }
        let link = mail.token.map(|token| self.links.url(mail.template, &token));
        Ok(mails::NewRow {
            id: ids::new_id(now),
            template: mail.template.name(),
            recipient: mail.recipient,
            variables: mail.variables,
            sealed_link: link.map(|link| self.sealer.seal(&link)),
            invitation_id: mail.invitation,
            organization_id: mail.organization,
            sender_id: mail.sender,
            is_resend: mail.is_resend,
            next_attempt_at: now,
            created_at: now,
        })
    }
}

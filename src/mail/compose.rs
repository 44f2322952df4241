//! Composes the message of a queued mail.
//!
//! Message-ID and date come from the mail's ID and creation time, so that a mail that is sent twice is the same
//! message.

use std::time::SystemTime;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::template::Template;
use crate::domain::clock::Instant;
use crate::domain::{Email, MailId};

/// A mail to be composed. It has no `Debug`: addresses and links stay out of logs.
pub struct OutgoingMail<'a> {
    /// ID of the mail.
    pub id: MailId,
    /// Template of the texts.
    pub template: Template,
    /// Address of the recipient.
    pub recipient: &'a str,
    /// Variables of the template.
    pub variables: &'a serde_json::Value,
    /// Link in the mail.
    pub link: Option<&'a str>,
    /// Creation time of the mail.
    pub at: Instant,
}

/// Why a message cannot be composed. All reasons are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The recipient is not a valid address.
    #[error("Mail cannot be sent to this address.")]
    Address,
    /// The template cannot be rendered with the variables.
    #[error("The text of the mail could not be rendered.")]
    Template,
    /// A header or a part of the message is invalid.
    #[error("The mail could not be composed.")]
    Message,
}

/// The header that marks an automatic message, so that it gets no automatic replies (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Composes the message of a mail, and returns it with its subject.
pub fn compose(from: &Mailbox, mail: &OutgoingMail<'_>) -> Result<(Message, String), ComposeError> {
    // Addresses of older mails may not be stored with A-labels. With A-labels only the local part can need SMTPUTF8.
    let recipient = Email::lookup(mail.recipient);
    let to: Address = recipient.parse().map_err(|_| ComposeError::Address)?;
    let content = mail.template.render(mail.variables, mail.link).map_err(|_| ComposeError::Template)?;
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(content.subject.clone())
        .date(SystemTime::from(mail.at))
        .message_id(Some(format!("<{}@{}>", Uuid::from(mail.id), from.email.domain())))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(content.text, content.html))
        .map_err(|_| ComposeError::Message)?;
    Ok((message, content.subject))
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;

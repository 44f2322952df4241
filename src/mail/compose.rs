//! Turns a mail of the queue into a message, headers and all.
//!
//! The Message-ID comes from the mail's ID and the date from when it was asked for: sent twice, it is the same message.

use std::time::SystemTime;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use uuid::Uuid;

use super::template::Template;
use crate::domain::clock::Instant;
use crate::domain::{Email, MailId};

/// What a message is made of. It has no `Debug`: addresses and links stay out of logs.
pub struct OutgoingMail<'a> {
    /// Its ID.
    pub id: MailId,
    /// What it says.
    pub template: Template,
    /// Address it goes to.
    pub recipient: &'a str,
    /// What the template is filled with.
    pub variables: &'a serde_json::Value,
    /// The link in it.
    pub link: Option<&'a str>,
    /// When it was asked for.
    pub at: Instant,
}

/// Why there is no message: something that trying again does not mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The recipient is no address that mail can be sent to.
    #[error("This address cannot be written to.")]
    Address,
    /// The template does not take the variables.
    #[error("The mail could not be written.")]
    Template,
    /// A header or a part was refused.
    #[error("The mail could not be put together.")]
    Message,
}

/// Says that no person wrote it, so that no robot answers (RFC 3834).
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

/// The message and its subject.
pub fn compose(from: &Mailbox, letter: &OutgoingMail<'_>) -> Result<(Message, String), ComposeError> {
    // As A-labels also where the mail was queued before addresses were kept so: then only the local part can need SMTPUTF8.
    let recipient = Email::lookup(letter.recipient);
    let to: Address = recipient.parse().map_err(|_| ComposeError::Address)?;
    let content = letter.template.render(letter.variables, letter.link).map_err(|_| ComposeError::Template)?;
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(content.subject.clone())
        .date(SystemTime::from(letter.at))
        .message_id(Some(format!("<{}@{}>", Uuid::from(letter.id), from.email.domain())))
        .header(AutoSubmitted)
        .multipart(MultiPart::alternative_plain_html(content.text, content.html))
        .map_err(|_| ComposeError::Message)?;
    Ok((message, content.subject))
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;

//! Transports of messages: SMTP, or a folder for installations without a mail server.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::mpsc::UnboundedSender;

use super::compose::{ComposeError, OutgoingMail, compose};
use super::folder::Folder;
use crate::mail::delivery_error::DeliveryError;

/// Timeout of a connection to the mail server. Sending a message may take three times as long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// An invalid mail setting. The message contains no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSetting {
    /// The sender is malformed.
    #[error("the sender of mails must be of the form `Name <address@example.org>`")]
    From,
    /// The mail server is malformed.
    #[error(
        "the mail server must be of the form smtps://user:password@host, smtp://user:password@host:587?tls=required or smtp://host:25"
    )]
    SmtpUrl,
}

/// A mail that was written to the folder, to be shown to the operator. It has no `Debug`: links stay out of logs.
pub struct SentMail {
    /// Address of the recipient.
    pub recipient: String,
    /// Subject line.
    pub subject: String,
    /// Link in the mail.
    pub link: Option<String>,
}

/// The sender's address with the SMTP server or folder that mails are sent to. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    from: Mailbox,
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    /// The server, and the timeout for sending one message, connecting included.
    Smtp(AsyncSmtpTransport<Tokio1Executor>, Duration),
    Folder(Folder, Option<UnboundedSender<SentMail>>),
}

impl Transport {
    /// Creates a transport to the SMTP server at `url` with the sender `from` (`Name <address>`). Must be called and
    /// dropped within a tokio runtime, because connections are closed by a task.
    pub fn smtp(url: &str, from: &str) -> Result<Self, BadSetting> {
        Self::smtp_with_timeout(CONNECT_TIMEOUT, url, from)
    }

    /// Creates an SMTP transport with another connection timeout. Sending a message may take three times as long.
    pub fn smtp_with_timeout(connect_timeout: Duration, url: &str, from: &str) -> Result<Self, BadSetting> {
        let from = sender(from)?;
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| BadSetting::SmtpUrl)?;
        // One connection per message. A pool would reuse a connection after a timeout, and take the late reply for the
        // reply to the next message.
        let server = server.pool_config(PoolConfig::new().max_size(0));
        Ok(Self { from, backend: Backend::Smtp(server.timeout(Some(connect_timeout)).build(), 3 * connect_timeout) })
    }

    /// Creates a transport to the folder `path`. Each mail is also sent to the channel `sent`, with its link.
    pub fn folder(path: PathBuf, from: &str, sent: Option<UnboundedSender<SentMail>>) -> Result<Self, BadSetting> {
        Ok(Self { from: sender(from)?, backend: Backend::Folder(Folder::new(path), sent) })
    }

    /// Sends a mail: returns once the mail server has accepted it, or the file is written.
    pub async fn send(&self, mail: &OutgoingMail<'_>) -> Result<(), DeliveryError> {
        let (message, subject) = compose(&self.from, mail)?;
        match &self.backend {
            Backend::Smtp(server, timeout) => match tokio::time::timeout(*timeout, server.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(DeliveryError::of_smtp(&error)),
                Err(_) => Err(DeliveryError::transient("The mail server did not answer in time.")),
            },
            Backend::Folder(folder, sent) => {
                folder.put(mail.id, mail.at, &message.formatted()).await.map_err(|error| {
                    tracing::error!(error = %error.kind(), "writing to the mail folder failed");
                    DeliveryError::transient("The mail could not be written to the mail folder.")
                })?;
                if let Some(sent) = sent {
                    let link = mail.link.map(str::to_owned);
                    // Fails if the receiver is gone; the mail is in the folder all the same.
                    let _ = sent.send(SentMail { recipient: mail.recipient.to_owned(), subject, link });
                }
                Ok(())
            }
        }
    }
}

fn sender(from: &str) -> Result<Mailbox, BadSetting> {
    from.parse().map_err(|_| BadSetting::From)
}

impl From<ComposeError> for DeliveryError {
    fn from(reason: ComposeError) -> Self {
        DeliveryError::permanent(reason.to_string())
    }
}

#[cfg(test)]
#[path = "transports_tests.rs"]
mod tests;

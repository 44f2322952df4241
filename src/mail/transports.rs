//! How messages leave: by SMTP, or into a folder for those who have no mail server.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::mpsc::UnboundedSender;

use super::compose::{ComposeError, OutgoingMail, compose};
use super::folder::Folder;
use crate::mail::delivery_error::DeliveryError;

/// How long a mail server may take until it is reached; handing over a message may take three times as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A setting that mail cannot be sent with. The text has no secrets in it.
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

/// What was put into the folder, for whoever shows it to people. It has no `Debug`: it must not get into logs.
pub struct SentMail {
    /// Address it goes to.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// The link in it.
    pub link: Option<String>,
}

/// The sender and the way. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    from: Mailbox,
    way: Backend,
}

#[derive(Clone)]
enum Backend {
    /// The server, and how long handing over one message may take, from connecting on.
    Smtp(AsyncSmtpTransport<Tokio1Executor>, Duration),
    Folder(Folder, Option<UnboundedSender<SentMail>>),
}

impl Transport {
    /// By SMTP to the server at `url`, from `from` (`Name <address>`). To be called, and dropped, on tokio's runtime: the
    /// connections are closed by a task.
    pub fn smtp(url: &str, from: &str) -> Result<Self, BadSetting> {
        Self::smtp_within(PATIENCE, url, from)
    }

    /// The same for those who wait less long until the server is reached, or longer. Handing over a message may take three times
    /// as long.
    pub fn smtp_within(patience: Duration, url: &str, from: &str) -> Result<Self, BadSetting> {
        let from = sender(from)?;
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| BadSetting::SmtpUrl)?;
        // One connection a message. A pool would lend out again one that was given up while the server was silent, and its
        // answer, when it comes, would be taken for that to another message.
        let server = server.pool_config(PoolConfig::new().max_size(0));
        Ok(Self { from, way: Backend::Smtp(server.timeout(Some(patience)).build(), 3 * patience) })
    }

    /// Into the folder `path`, which is made when the first mail comes; `told` hears of each, with its link.
    pub fn folder(path: PathBuf, from: &str, told: Option<UnboundedSender<SentMail>>) -> Result<Self, BadSetting> {
        Ok(Self { from: sender(from)?, way: Backend::Folder(Folder::new(path), told) })
    }

    /// Hands a mail over.
    pub async fn send(&self, letter: &OutgoingMail<'_>) -> Result<(), DeliveryError> {
        let (message, subject) = compose(&self.from, letter)?;
        match &self.way {
            Backend::Smtp(server, patience) => match tokio::time::timeout(*patience, server.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(DeliveryError::of_smtp(&error)),
                Err(_) => Err(DeliveryError::passing("The mail server did not answer in time.")),
            },
            Backend::Folder(folder, told) => {
                folder.put(letter.id, letter.at, &message.formatted()).await.map_err(|error| {
                    tracing::error!(error = %error.kind(), "writing to the mail folder failed");
                    DeliveryError::passing("The mail could not be written to the folder of mails.")
                })?;
                if let Some(told) = told {
                    let link = letter.link.map(str::to_owned);
                    // Whoever listened may have left; the mail is in the folder all the same.
                    let _ = told.send(SentMail { recipient: letter.recipient.to_owned(), subject, link });
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
        DeliveryError::lasting(reason.to_string())
    }
}

#[cfg(test)]
#[path = "transports_tests.rs"]
mod tests;

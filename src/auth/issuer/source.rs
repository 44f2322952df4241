//! Where the keys of an issuer are read: at a URL, or in a file. Bounded in time and size.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, Url, redirect};

use super::key_set::{BadKeySet, KeySet};

/// Most bytes of a key set.
const MAX_BYTES: u64 = 256 * 1024;
/// Longest that fetching it may take.
const TIME: Duration = Duration::from_secs(5);

/// A place to read keys at.
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A URL, and what asks there.
    Web(Url, Client),
}

/// Why no keys were read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// There is no such file, or it cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The server at the URL does not answer, or not as it should.
    #[error("{}", chain(.0))]
    Web(#[from] reqwest::Error),
    /// More bytes than are read.
    #[error("it is larger than {} KB", MAX_BYTES / 1024)]
    TooLarge,
    /// What was read is of no use.
    #[error(transparent)]
    Unfit(#[from] BadKeySet),
}

impl Source {
    /// A URL. It is asked itself and nobody else: redirects are not followed.
    pub fn at(url: Url) -> Result<Self, Unread> {
        let client = Client::builder().timeout(TIME).redirect(redirect::Policy::none());
        Ok(Self::Web(url, client.user_agent(concat!("guildhall/", env!("CARGO_PKG_VERSION"))).build()?))
    }

    /// Reads the keys that are there now.
    pub async fn read(&self) -> Result<KeySet, Unread> {
        let json = match self {
            Self::File(path) => {
                if tokio::fs::metadata(path).await?.len() > MAX_BYTES {
                    return Err(Unread::TooLarge);
                }
                tokio::fs::read(path).await?
            }
            Self::Web(url, client) => {
                let mut response = client.get(url.clone()).send().await?.error_for_status()?;
                let mut json = Vec::new();
                while let Some(chunk) = response.chunk().await? {
                    json.extend_from_slice(&chunk);
                    if json.len() as u64 > MAX_BYTES {
                        return Err(Unread::TooLarge);
                    }
                }
                json
            }
        };
        Ok(KeySet::parse(&json)?)
    }
}

/// The error with its causes: by itself it says no more than that sending did not work.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

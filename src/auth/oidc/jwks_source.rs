//! The source of an issuer's keys: a URL or a file. Reads are limited in time and size.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Url, redirect};

use crate::auth::oidc::jwks::{Jwks, JwksError};

/// Maximum size of a key set, in bytes.
const MAX_BYTES: u64 = 256 * 1024;
/// Timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A source of keys.
pub enum JwksSource {
    /// Path of a file.
    File(PathBuf),
    /// URL, with the HTTP client.
    Web(Url, Client),
}

/// Why the keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file does not exist or cannot be read.
    #[error("it cannot be read: {0}")]
    File(#[from] io::Error),
    /// The request failed, or the response has an error status.
    #[error("{}", chain(.0))]
    Web(#[from] reqwest::Error),
    /// The key set is larger than the limit.
    #[error("it is larger than {} KB", MAX_BYTES / 1024)]
    TooLarge,
    /// The key set cannot be used.
    #[error(transparent)]
    Unfit(#[from] JwksError),
}

impl JwksSource {
    /// Creates a source for a URL. Redirects are not followed.
    pub fn at(url: Url) -> Result<Self, FetchError> {
        let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
        Ok(Self::Web(url, client.user_agent(concat!("guildhall/", env!("CARGO_PKG_VERSION"))).build()?))
    }

    /// Creates a source for a file. Fails if the file has no keys now: unlike for a URL, that is a wrong setting.
    pub fn file(path: PathBuf) -> Result<Self, FetchError> {
        read_file(&path)?;
        Ok(Self::File(path))
    }

    /// Reads the current keys.
    pub async fn read(&self) -> Result<Jwks, FetchError> {
        match self {
            Self::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read_file(&path)).await.map_err(io::Error::from)?
            }
            Self::Web(url, client) => {
                let mut response = client.get(url.clone()).send().await?.error_for_status()?;
                let mut json = Vec::new();
                while let Some(chunk) = response.chunk().await? {
                    json.extend_from_slice(&chunk);
                    if json.len() as u64 > MAX_BYTES {
                        return Err(FetchError::TooLarge);
                    }
                }
                Ok(Jwks::parse(&json)?)
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Jwks, FetchError> {
    let mut json = Vec::new();
    // Limits the read itself, because special files have no known size.
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut json)?;
    if json.len() as u64 > MAX_BYTES {
        return Err(FetchError::TooLarge);
    }
    Ok(Jwks::parse(&json)?)
}

/// Formats an error with its causes, because its own message does not say why the request failed.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

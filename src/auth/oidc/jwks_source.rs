//! Where the keys of an issuer are read: at a URL, or in a file. Bounded in time and size.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Url, redirect};

use crate::auth::oidc::jwks::{Jwks, JwksError};

/// Most bytes of a key set.
const MAX_BYTES: u64 = 256 * 1024;
/// Longest that fetching it may take.
const TIME: Duration = Duration::from_secs(5);

/// A place to read keys at.
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// A URL, and what asks there.
    Web(Url, Client),
}

/// Why no keys were read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no such file, or it cannot be read.
    #[error("it cannot be read: {0}")]
    File(#[from] io::Error),
    /// The server at the URL does not answer, or not as it should.
    #[error("{}", chain(.0))]
    Web(#[from] reqwest::Error),
    /// More bytes than are read.
    #[error("it is larger than {} KB", MAX_BYTES / 1024)]
    TooLarge,
    /// What was read is of no use.
    #[error(transparent)]
    Unfit(#[from] JwksError),
}

impl JwksSource {
    /// A URL. It is asked itself and nobody else: redirects are not followed.
    pub fn at(url: Url) -> Result<Self, FetchError> {
        let client = Client::builder().timeout(TIME).redirect(redirect::Policy::none());
        Ok(Self::Web(url, client.user_agent(concat!("guildhall/", env!("CARGO_PKG_VERSION"))).build()?))
    }

    /// A file. Unlike a server that may be away for now, a file without keys is a mistake of whoever names it.
    pub fn file(path: PathBuf) -> Result<Self, FetchError> {
        read_file(&path)?;
        Ok(Self::File(path))
    }

    /// Reads the keys that are there now.
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
    // Some files do not tell how long they are.
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut json)?;
    if json.len() as u64 > MAX_BYTES {
        return Err(FetchError::TooLarge);
    }
    Ok(Jwks::parse(&json)?)
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

//! Secrets that go out once and come back: 256 random bits, of which only a hash is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sha2::{Digest, Sha256};

/// Longest token that is looked at, in bytes.
const MAX: usize = 256;

/// A fresh token for a link in a mail. It has no `Debug`: it must not get into logs.
pub struct SecretToken(String);

impl SecretToken {
    /// 256 random bits.
    #[allow(clippy::disallowed_methods, reason = "secrets come from the system's randomness, in tests as well")]
    pub fn random() -> Self {
        let mut bits = [0u8; 32];
        rand::rng().fill_bytes(&mut bits);
        Self(URL_SAFE_NO_PAD.encode(bits))
    }

    /// As it goes into the link.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As it is stored.
    pub fn hash(&self) -> Vec<u8> {
        hash(&self.0)
    }
}

/// What is stored of a token that somebody presents. Anything may be presented: what is over-long is cut, and fits none.
pub fn hash(presented: &str) -> Vec<u8> {
    let presented = presented.trim().as_bytes();
    Sha256::digest(&presented[..presented.len().min(MAX)]).to_vec()
}

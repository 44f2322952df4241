//! Secret tokens of 256 random bits. Only their hash is stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sha2::{Digest, Sha256};

/// Maximum length of a presented token, in bytes.
const MAX: usize = 256;

/// A new token for a link in a mail. It has no `Debug`, so that it does not get into logs.
pub struct SecretToken(String);

impl SecretToken {
    /// Creates a token of 256 random bits.
    #[allow(clippy::disallowed_methods, reason = "secrets come from the system's randomness, in tests as well")]
    pub fn random() -> Self {
        let mut bits = [0u8; 32];
        rand::rng().fill_bytes(&mut bits);
        Self(URL_SAFE_NO_PAD.encode(bits))
    }

    /// Returns the text for the link.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the hash that is stored.
    pub fn hash(&self) -> Vec<u8> {
        hash(&self.0)
    }
}

/// Returns the hash of a presented token. A token that is too long is truncated, and matches no stored hash.
pub fn hash(presented: &str) -> Vec<u8> {
    let presented = presented.trim().as_bytes();
    Sha256::digest(&presented[..presented.len().min(MAX)]).to_vec()
}

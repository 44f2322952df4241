//! Encryption of short texts with the server's key, so that they are not readable in the database.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand::Rng;

/// Length in bytes of the nonce before the ciphertext. It is long enough to be random.
const NONCE: usize = 24;

/// A text that is encrypted with one of several keys.
pub struct Sealed {
    /// The ciphertext.
    pub bytes: Vec<u8>,
    /// Fingerprint of the key.
    pub fingerprint: String,
}

/// Several keys: the first encrypts, all of them decrypt.
pub trait SealingKeys: Send + Sync {
    /// Returns the fingerprints of the keys, in order.
    fn fingerprints(&self) -> Vec<String>;

    /// Encrypts a text with the first key.
    fn seal(&self, text: &str) -> Sealed;

    /// Decrypts a text; `None` if none of the keys encrypted it.
    fn open(&self, sealed: &[u8]) -> Option<String>;
}

/// Seals and opens texts with one key. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// Creates a sealer with a key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&Key::from(key)) }
    }

    /// Encrypts and authenticates a text with a new nonce.
    #[allow(clippy::disallowed_methods, reason = "nonces come from the system's randomness, in tests as well")]
    pub fn seal(&self, text: &str) -> Vec<u8> {
        let mut nonce = [0u8; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        // Encryption fails only for texts of more than 256 GiB. `open` returns `None` for the empty result.
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), text.as_bytes()).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts a text; `None` if it was altered, or encrypted with another key.
    pub fn open(&self, sealed: &[u8]) -> Option<String> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let text = self.cipher.decrypt(&XNonce::from(*nonce), sealed).ok()?;
        String::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealer_opens_only_texts_of_the_same_key() {
        let sealer = Sealer::new([7; 32]);
        let sealed = sealer.seal("https://example.org/i/abc");
        assert_eq!(sealer.open(&sealed).as_deref(), Some("https://example.org/i/abc"));
        assert_ne!(sealed, sealer.seal("https://example.org/i/abc"), "a fresh nonce each time");
        assert_eq!(Sealer::new([8; 32]).open(&sealed), None, "another key");
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert_eq!(sealer.open(&altered), None, "byte {place} altered");
        }
        assert_eq!(sealer.open(&[]), None);
    }
}

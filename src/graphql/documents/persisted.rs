//! Automatic persisted queries (APQ, by Apollo): a client sends only the SHA-256 of a text, and the text with it if the
//! hash is unknown. Registered documents may be evicted; clients then send the text again.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::graphql::documents::cache::{ByBytes, cache};
use crate::graphql::documents::prepared::PreparedDocument;

/// Capacity of the registered documents, in bytes of memory.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// The SHA-256 of a document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// Hashes a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Parses 64 hexadecimal digits; returns `None` for other texts.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? * 16 + low?).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Documents that clients have registered.
#[derive(Debug)]
pub struct Persisted(Cache<DocumentHash, Arc<PreparedDocument>, ByBytes>);

impl Default for Persisted {
    fn default() -> Self {
        Self(cache(CAPACITY))
    }
}

impl Persisted {
    /// Returns the document with that hash; `None` if it is not registered.
    pub fn get(&self, hash: &DocumentHash) -> Option<Arc<PreparedDocument>> {
        self.0.get(hash)
    }

    /// Registers a prepared document.
    pub fn register(&self, hash: DocumentHash, document: Arc<PreparedDocument>) {
        self.0.insert(hash, document);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_64_hexadecimal_digits() {
        let written = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        assert_eq!(DocumentHash::parse(written), Some(DocumentHash::of("{__typename}")));
        assert_eq!(DocumentHash::parse(&written.to_uppercase()), Some(DocumentHash::of("{__typename}")));
        for bad in ["", "ecf4", &"g".repeat(64), &"é".repeat(32), &format!("{written}0")] {
            assert_eq!(DocumentHash::parse(bad), None, "{bad}");
        }
    }
}

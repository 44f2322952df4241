//! Automatic Persisted Queries, after Apollo: a client sends the SHA-256 of a text alone, and the text with it only when it is
//! not known. Texts that were registered so are forgotten when there are too many: then the client sends them again.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::graphql::documents::cache::{ByBytes, cache};
use crate::graphql::documents::prepared::PreparedDocument;

/// What the registered documents may take in memory, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;

/// The SHA-256 of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// Of that text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// As clients write it, in 64 hexadecimal digits.
    pub fn parse(written: &str) -> Option<Self> {
        let digits = written.as_bytes();
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

/// Documents that clients registered.
#[derive(Debug)]
pub struct Persisted(Cache<DocumentHash, Arc<PreparedDocument>, ByBytes>);

impl Default for Persisted {
    fn default() -> Self {
        Self(cache(CAPACITY))
    }
}

impl Persisted {
    /// The document with that fingerprint, if it is known.
    pub fn get(&self, fingerprint: &DocumentHash) -> Option<Arc<PreparedDocument>> {
        self.0.get(fingerprint)
    }

    /// Remembers a document that was found good.
    pub fn register(&self, fingerprint: DocumentHash, plan: Arc<PreparedDocument>) {
        self.0.insert(fingerprint, plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_written_in_hexadecimal_digits() {
        let written = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        assert_eq!(DocumentHash::parse(written), Some(DocumentHash::of("{__typename}")));
        assert_eq!(DocumentHash::parse(&written.to_uppercase()), Some(DocumentHash::of("{__typename}")));
        for bad in ["", "ecf4", &"g".repeat(64), &"é".repeat(32), &format!("{written}0")] {
            assert_eq!(DocumentHash::parse(bad), None, "{bad}");
        }
    }
}

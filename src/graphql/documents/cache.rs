//! A cache of prepared documents by text, limited in bytes. Documents that clients send often stay, and documents that
//! are sent once do not evict them (S3-FIFO).

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::graphql::documents::prepared::PreparedDocument;

/// Capacity of the cache, in bytes of memory.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// Expected number of documents.
const EXPECTED_ENTRIES: usize = 2_000;
/// Approximate memory of a parsed document per token, in bytes: a field has 200 bytes, plus its entry in a set.
const BYTES_PER_TOKEN: u64 = 250;
/// Overhead of an entry, in bytes.
const BYTES_PER_ENTRY: u64 = 1_024;

/// Prepared documents by text.
#[derive(Debug)]
pub struct DocumentCache(Cache<Box<str>, Arc<PreparedDocument>, ByBytes>);

/// Weighs documents by their memory.
#[derive(Clone, Debug)]
pub struct ByBytes;

impl<Key> Weighter<Key, Arc<PreparedDocument>> for ByBytes {
    fn weight(&self, _: &Key, document: &Arc<PreparedDocument>) -> u64 {
        BYTES_PER_ENTRY + document.bytes + document.tokens * BYTES_PER_TOKEN
    }
}

/// Creates a cache of documents with a capacity in bytes.
pub fn cache<Key: Eq + Hash>(bytes: u64) -> Cache<Key, Arc<PreparedDocument>, ByBytes> {
    Cache::with(EXPECTED_ENTRIES, bytes, ByBytes, DefaultHashBuilder::default(), Default::default())
}

impl Default for DocumentCache {
    fn default() -> Self {
        Self(cache(CAPACITY))
    }
}

impl DocumentCache {
    /// Returns the document of a text, prepared by `prepare` if it is not cached. Refused texts are not cached.
    pub fn get_or_prepare<E>(
        &self,
        text: &str,
        prepare: impl FnOnce(&str) -> Result<PreparedDocument, E>,
    ) -> Result<Arc<PreparedDocument>, E> {
        if let Some(cached) = self.0.get(text) {
            return Ok(cached);
        }
        let document = Arc::new(prepare(text)?);
        self.0.insert(text.into(), document.clone());
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::documents::prepared::tests::prepare;

    /// Returns whether the text is cached.
    fn is_cached(cache: &DocumentCache, text: &str) -> bool {
        cache.get_or_prepare(text, |_| Err(())).is_ok()
    }

    #[test]
    fn get_or_prepare_caches_valid_documents() {
        let documents = DocumentCache::default();
        assert!(documents.get_or_prepare("{ b }", prepare).is_ok());
        assert!(is_cached(&documents, "{ b }"));
        assert!(!is_cached(&documents, "{ b  }"), "another text");
        assert!(documents.get_or_prepare("mutation { a a }", prepare).is_err());
        assert!(!is_cached(&documents, "mutation { a a }"));
    }

    #[test]
    fn get_or_prepare_keeps_frequent_documents_within_the_capacity() {
        let bytes = 1024 * 1024;
        let documents = DocumentCache(cache(bytes));
        let hot: Vec<String> = (0..20).map(|n| format!("{{ hot{n}: b }}")).collect();
        for round in 0..3_000 {
            for text in &hot {
                documents.get_or_prepare(text, prepare).expect("good");
            }
            for n in 0..10 {
                documents.get_or_prepare(&format!("{{ once{round}x{n}: b }}"), prepare).expect("good");
            }
        }
        assert!(hot.iter().all(|text| is_cached(&documents, text)));
        assert!(documents.0.weight() <= bytes && documents.0.len() <= 600, "{} entries", documents.0.len());
    }
}

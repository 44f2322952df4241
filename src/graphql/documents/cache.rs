//! The documents that were found good, by their text. Clients send the same few again and again: those stay, and a stream of
//! texts that nobody sends twice passes through without pushing them out (S3-FIFO). Bounded in bytes, and read by many at once.

use std::hash::Hash;
use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::graphql::documents::prepared::PreparedDocument;

/// What the cache may hold in memory, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// How many documents it is laid out for.
const USUAL: usize = 2_000;
/// What a parsed document takes for each token, more or less: a field has 200 bytes, and its place in a set.
const TOKEN: u64 = 250;
/// What every entry takes besides.
const ENTRY: u64 = 1_024;

/// Documents that were parsed and checked.
#[derive(Debug)]
pub struct DocumentCache(Cache<Box<str>, Arc<PreparedDocument>, ByBytes>);

/// Weighs a document by what it takes in memory.
#[derive(Clone, Debug)]
pub struct ByBytes;

impl<Key> Weighter<Key, Arc<PreparedDocument>> for ByBytes {
    fn weight(&self, _: &Key, plan: &Arc<PreparedDocument>) -> u64 {
        ENTRY + plan.bytes + plan.tokens * TOKEN
    }
}

/// A cache of documents that takes up to that many bytes.
pub fn cache<Key: Eq + Hash>(bytes: u64) -> Cache<Key, Arc<PreparedDocument>, ByBytes> {
    Cache::with(USUAL, bytes, ByBytes, DefaultHashBuilder::default(), Default::default())
}

impl Default for DocumentCache {
    fn default() -> Self {
        Self(cache(CAPACITY))
    }
}

impl DocumentCache {
    /// The plan of a text, made by `make` if it is not known. What is refused is not remembered: it is cheap to refuse again.
    pub fn plan<E>(
        &self,
        text: &str,
        make: impl FnOnce(&str) -> Result<PreparedDocument, E>,
    ) -> Result<Arc<PreparedDocument>, E> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let plan = Arc::new(make(text)?);
        self.0.insert(text.into(), plan.clone());
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::documents::prepared::tests::plan;

    /// Whether the text is known without being parsed.
    fn known(texts: &DocumentCache, text: &str) -> bool {
        texts.plan(text, |_| Err(())).is_ok()
    }

    #[test]
    fn a_text_is_parsed_once_and_only_if_it_is_good() {
        let texts = DocumentCache::default();
        assert!(texts.plan("{ b }", plan).is_ok());
        assert!(known(&texts, "{ b }"));
        assert!(!known(&texts, "{ b  }"), "another text");
        assert!(texts.plan("mutation { a a }", plan).is_err());
        assert!(!known(&texts, "mutation { a a }"));
    }

    #[test]
    fn texts_that_come_once_do_not_push_out_those_that_come_often_nor_fill_the_memory() {
        let bytes = 1024 * 1024;
        let texts = DocumentCache(cache(bytes));
        let hot: Vec<String> = (0..20).map(|n| format!("{{ hot{n}: b }}")).collect();
        for round in 0..3_000 {
            for text in &hot {
                texts.plan(text, plan).expect("good");
            }
            for n in 0..10 {
                texts.plan(&format!("{{ once{round}x{n}: b }}"), plan).expect("good");
            }
        }
        assert!(hot.iter().all(|text| known(&texts, text)));
        assert!(texts.0.weight() <= bytes && texts.0.len() <= 600, "{} entries", texts.0.len());
    }
}

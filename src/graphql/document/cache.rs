//! The documents that were found good, by their text. Clients send the same few again and again: those stay, and a stream of
//! texts that nobody sends twice passes through without pushing them out (S3-FIFO). Bounded in bytes, and read by many at once.

use std::sync::Arc;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};

use super::plan::Plan;

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
pub struct Documents {
    plans: Cache<Box<str>, Arc<Plan>, ByBytes>,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Box<str>, Arc<Plan>> for ByBytes {
    fn weight(&self, text: &Box<str>, plan: &Arc<Plan>) -> u64 {
        ENTRY + text.len() as u64 + plan.tokens * TOKEN
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self::holding(CAPACITY)
    }
}

impl Documents {
    /// A cache that takes up to that many bytes.
    pub fn holding(bytes: u64) -> Self {
        Self { plans: Cache::with(USUAL, bytes, ByBytes, DefaultHashBuilder::default(), Default::default()) }
    }

    /// The plan of a text, made by `make` if it is not known. What is refused is not remembered: it is cheap to refuse again.
    pub fn plan<E>(&self, text: &str, make: impl FnOnce(&str) -> Result<Plan, E>) -> Result<Arc<Plan>, E> {
        if let Some(known) = self.plans.get(text) {
            return Ok(known);
        }
        let plan = Arc::new(make(text)?);
        self.plans.insert(text.into(), plan.clone());
        Ok(plan)
    }

    /// How many documents are held, and how many bytes that is taken to be.
    pub fn held(&self) -> (usize, u64) {
        (self.plans.len(), self.plans.weight())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::document::{Excess, syntax};

    fn plan(text: &str) -> Result<Plan, Excess> {
        let parsed = syntax::parse(text).expect("a document");
        Plan::new(parsed.document, parsed.tokens)
    }

    /// Whether the text is known without being parsed.
    fn known(documents: &Documents, text: &str) -> bool {
        documents.plan(text, |_| Err(())).is_ok()
    }

    #[test]
    fn a_text_is_parsed_once_and_only_if_it_is_good() {
        let documents = Documents::default();
        assert!(documents.plan("{ a }", plan).is_ok());
        assert!(known(&documents, "{ a }"));
        assert!(!known(&documents, "{ a  }"), "another text");
        assert!(documents.plan("mutation { a a }", plan).is_err());
        assert!(!known(&documents, "mutation { a a }"));
    }

    #[test]
    fn texts_that_come_once_do_not_push_out_those_that_come_often_nor_fill_the_memory() {
        let bytes = 1024 * 1024;
        let documents = Documents::holding(bytes);
        let hot: Vec<String> = (0..20).map(|n| format!("{{ hot{n} }}")).collect();
        for round in 0..3_000 {
            for text in &hot {
                documents.plan(text, plan).expect("good");
            }
            for n in 0..10 {
                documents.plan(&format!("{{ once{round}x{n} }}"), plan).expect("good");
            }
        }
        assert!(hot.iter().all(|text| known(&documents, text)));
        let (entries, weight) = documents.held();
        assert!(weight <= bytes && entries <= 600, "{entries} entries, {weight} bytes");
    }
}

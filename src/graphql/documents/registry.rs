//! Where documents come from: the text that a request brings, what a client registered, or a manifest outside of which nothing
//! runs. Whichever it is, a document is parsed and validated once.

use std::sync::Arc;

use crate::graphql::documents::cache::DocumentCache;
use crate::graphql::documents::persisted::{DocumentHash, Persisted};
use crate::graphql::documents::prepared::{DocumentError, PreparedDocument};
use crate::graphql::documents::trusted::TrustedDocuments;
use crate::graphql::schema;
use crate::graphql::validation::{Definitions, Exposure};

/// Which documents may run, and what they may learn.
#[derive(Clone, Debug)]
pub struct DocumentRules {
    /// Whether clients may learn the schema from answers.
    pub exposure: Exposure,
    /// The only ones that run, where there is a manifest.
    pub trusted: Option<Arc<TrustedDocuments>>,
}

impl Default for DocumentRules {
    fn default() -> Self {
        Self { exposure: Exposure::Open, trusted: None }
    }
}

/// What a request says of its document: at least one of them.
#[derive(Clone, Copy, Debug)]
pub enum DocumentRef<'a> {
    /// By its text.
    Text(&'a str),
    /// By the SHA-256 of its text, which may come with it to be registered, or by its name in a manifest.
    Id(&'a str, Option<&'a str>),
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// It was found, and is not good.
    Rejected(DocumentError),
    /// Nobody registered it, or it was forgotten.
    Unknown,
    /// It is not in the manifest.
    Untrusted,
    /// Its text has another SHA-256, or what was sent is none.
    Mismatch,
}

/// The documents that the server knows.
#[derive(Debug, Default)]
pub struct Documents {
    rules: DocumentRules,
    texts: DocumentCache,
    persisted: Persisted,
}

impl Documents {
    /// None yet, but those of a manifest.
    pub fn new(rules: DocumentRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Whether clients may learn the schema.
    pub fn exposure(&self) -> Exposure {
        self.rules.exposure
    }

    /// The types that documents and variables are held to.
    pub fn schema(&self) -> &'static Definitions {
        schema::definitions()
    }

    /// The document that a request means.
    pub fn find(&self, named: DocumentRef) -> Result<Arc<PreparedDocument>, LookupError> {
        if let Some(trusted) = &self.rules.trusted {
            let found = match named {
                DocumentRef::Text(text) => trusted.by_text(text),
                DocumentRef::Id(id, _) => trusted.by_id(id).or_else(|| trusted.by_id(id.strip_prefix("sha256:")?)),
            };
            return found.ok_or(LookupError::Untrusted);
        }
        match named {
            DocumentRef::Text(text) => self.read(text),
            DocumentRef::Id(id, text) => {
                let fingerprint =
                    DocumentHash::parse(id.strip_prefix("sha256:").unwrap_or(id)).ok_or(LookupError::Mismatch)?;
                // Known or not: who says two things at once is not answered to one of them.
                if text.is_some_and(|text| DocumentHash::of(text) != fingerprint) {
                    return Err(LookupError::Mismatch);
                }
                if let Some(known) = self.persisted.get(&fingerprint) {
                    return Ok(known);
                }
                let plan = self.read(text.ok_or(LookupError::Unknown)?)?;
                self.persisted.register(fingerprint, plan.clone());
                Ok(plan)
            }
        }
    }

    fn read(&self, text: &str) -> Result<Arc<PreparedDocument>, LookupError> {
        let make = |text: &str| PreparedDocument::new(text, self.schema(), self.rules.exposure);
        self.texts.plan(text, make).map_err(LookupError::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{__typename}";
    const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";

    fn locked(manifest: &str) -> Documents {
        let plan = |text: &str| {
            PreparedDocument::new(text, schema::definitions(), Exposure::Open).map_err(|bad| format!("{bad:?}"))
        };
        let trusted = Some(Arc::new(TrustedDocuments::parse(manifest, plan).expect("a manifest")));
        Documents::new(DocumentRules { exposure: Exposure::Open, trusted })
    }

    #[test]
    fn a_document_is_registered_with_its_hash_and_then_known_by_it() {
        let documents = Documents::default();
        assert_eq!(documents.find(DocumentRef::Id(HASH, None)).err(), Some(LookupError::Unknown));
        assert_eq!(documents.find(DocumentRef::Id(HASH, Some("{ __typename }"))).err(), Some(LookupError::Mismatch));
        assert_eq!(documents.find(DocumentRef::Id("x", Some(TEXT))).err(), Some(LookupError::Mismatch));
        assert!(documents.find(DocumentRef::Id(HASH, Some(TEXT))).is_ok());
        assert!(documents.find(DocumentRef::Id(HASH, None)).is_ok());
        assert!(documents.find(DocumentRef::Id(HASH, Some(TEXT))).is_ok());
        let other = documents.find(DocumentRef::Id(HASH, Some("{ __typename }")));
        assert_eq!(other.err(), Some(LookupError::Mismatch), "also where the hash is known");
        assert!(documents.find(DocumentRef::Id(&format!("sha256:{HASH}"), None)).is_ok());
        let bad = "{ nope }";
        let hash = "a0276661df3f6318da2313fd98fbe50f1e2be566dbf8092c5e0530cf0ca232d9";
        assert!(matches!(documents.find(DocumentRef::Id(hash, Some(bad))), Err(LookupError::Rejected(_))));
        assert_eq!(
            documents.find(DocumentRef::Id(hash, None)).err(),
            Some(LookupError::Unknown),
            "only good ones are kept"
        );
    }

    #[test]
    fn with_a_manifest_nothing_else_runs() {
        let relay = format!(r#"{{"{HASH}": "{TEXT}"}}"#);
        let apollo = format!(
            r#"{{"format": "apollo-persisted-query-manifest", "version": 1,
                "operations": [{{"id": "{HASH}", "name": "Q", "type": "query", "body": "{TEXT}"}}]}}"#
        );
        for manifest in [relay, apollo] {
            let documents = locked(&manifest);
            for good in [DocumentRef::Text(TEXT), DocumentRef::Id(HASH, None), DocumentRef::Id(HASH, Some("{ other }"))]
            {
                assert!(documents.find(good).is_ok(), "{good:?}");
            }
            for bad in [DocumentRef::Text("{ __typename }"), DocumentRef::Id("x", Some(TEXT)), DocumentRef::Text("{")] {
                assert_eq!(documents.find(bad).err(), Some(LookupError::Untrusted), "{bad:?}");
            }
        }
    }

    #[test]
    fn a_manifest_that_makes_no_sense_says_why() {
        let plan = |text: &str| {
            PreparedDocument::new(text, schema::definitions(), Exposure::Open).map_err(|_| "bad".to_owned())
        };
        for (manifest, says) in [
            ("", "neither"),
            ("[]", "neither"),
            ("{}", "no documents"),
            (r#"{"a": 1}"#, "neither"),
            (r#"{"a": "{ nope }"}"#, "the document `a`: bad"),
            (r#"{"format": "other", "version": 1, "operations": []}"#, "`other`, version 1"),
        ] {
            let wrong = TrustedDocuments::parse(manifest, plan).expect_err(manifest);
            assert!(wrong.contains(says), "{manifest}: {wrong}");
        }
    }
}

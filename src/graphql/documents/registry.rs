//! Looks up the document of a request: by its text, by the hash of a registered document (APQ), or in a manifest of
//! trusted documents. Each document is parsed and validated once.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::graphql::documents::cache::DocumentCache;
use crate::graphql::documents::persisted::{DocumentHash, Persisted};
use crate::graphql::documents::prepared::{DocumentError, PreparedDocument};
use crate::graphql::documents::trusted::TrustedDocuments;
use crate::graphql::schema;
use crate::graphql::validation::{Definitions, Exposure};

/// The rules for documents.
#[derive(Clone, Debug)]
pub struct DocumentRules {
    /// Whether clients may learn the schema.
    pub exposure: Exposure,
    /// The only documents that may be executed; `None` if all may.
    pub trusted: Option<Arc<TrustedDocuments>>,
}

impl Default for DocumentRules {
    fn default() -> Self {
        Self { exposure: Exposure::Open, trusted: None }
    }
}

/// A reference of a request to its document.
#[derive(Clone, Copy, Debug)]
pub enum DocumentRef<'a> {
    /// The text.
    Text(&'a str),
    /// The SHA-256 of the text, or the ID in a manifest; with the text if the client registers it.
    Id(&'a str, Option<&'a str>),
}

/// Why a document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// The document is not valid.
    Rejected(DocumentError),
    /// The hash is not registered, or was evicted.
    Unknown,
    /// The document is not in the manifest.
    Untrusted,
    /// The text has another SHA-256, or the ID is not a SHA-256.
    Mismatch,
}

/// The known documents.
#[derive(Debug)]
pub struct Documents {
    exposure: Exposure,
    trusted: RwLock<Option<Arc<TrustedDocuments>>>,
    texts: DocumentCache,
    persisted: Persisted,
}

impl Default for Documents {
    fn default() -> Self {
        Self::new(DocumentRules::default())
    }
}

impl Documents {
    /// Creates a registry with empty caches.
    pub fn new(rules: DocumentRules) -> Self {
        let (texts, persisted) = (DocumentCache::default(), Persisted::default());
        Self { exposure: rules.exposure, trusted: RwLock::new(rules.trusted), texts, persisted }
    }

    /// Replaces the trusted documents, for requests that come from now on.
    pub fn replace_trusted(&self, trusted: Option<Arc<TrustedDocuments>>) {
        *self.trusted.write() = trusted;
    }

    /// Returns whether clients may learn the schema.
    pub fn exposure(&self) -> Exposure {
        self.exposure
    }

    /// Returns the schema that documents and variables are validated against.
    pub fn schema(&self) -> &'static Definitions {
        schema::definitions()
    }

    /// Returns the document of a request. Parses, validates and caches it if it is new.
    pub fn find(&self, reference: DocumentRef) -> Result<Arc<PreparedDocument>, LookupError> {
        let trusted = self.trusted.read().clone();
        if let Some(trusted) = trusted {
            let found = match reference {
                DocumentRef::Text(text) => trusted.by_text(text),
                DocumentRef::Id(id, _) => trusted.by_id(id).or_else(|| trusted.by_id(id.strip_prefix("sha256:")?)),
            };
            return found.ok_or(LookupError::Untrusted);
        }
        match reference {
            DocumentRef::Text(text) => self.prepare(text),
            DocumentRef::Id(id, text) => {
                let hash =
                    DocumentHash::parse(id.strip_prefix("sha256:").unwrap_or(id)).ok_or(LookupError::Mismatch)?;
                // A contradictory request is refused, also if the hash is known.
                if text.is_some_and(|text| DocumentHash::of(text) != hash) {
                    return Err(LookupError::Mismatch);
                }
                if let Some(document) = self.persisted.get(&hash) {
                    return Ok(document);
                }
                let document = self.prepare(text.ok_or(LookupError::Unknown)?)?;
                self.persisted.register(hash, document.clone());
                Ok(document)
            }
        }
    }

    fn prepare(&self, text: &str) -> Result<Arc<PreparedDocument>, LookupError> {
        let prepare = |text: &str| PreparedDocument::new(text, self.schema(), self.exposure);
        self.texts.get_or_prepare(text, prepare).map_err(LookupError::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{__typename}";
    const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";

    fn with_manifest(manifest: &str) -> Documents {
        let prepare = |text: &str| {
            PreparedDocument::new(text, schema::definitions(), Exposure::Open).map_err(|bad| format!("{bad:?}"))
        };
        let trusted = Some(Arc::new(TrustedDocuments::parse(manifest, prepare).expect("a manifest")));
        Documents::new(DocumentRules { exposure: Exposure::Open, trusted })
    }

    #[test]
    fn find_registers_a_document_with_its_hash() {
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
            "only valid documents are registered"
        );
    }

    #[test]
    fn find_with_a_manifest_refuses_other_documents() {
        let relay = format!(r#"{{"{HASH}": "{TEXT}"}}"#);
        let apollo = format!(
            r#"{{"format": "apollo-persisted-query-manifest", "version": 1,
                "operations": [{{"id": "{HASH}", "name": "Q", "type": "query", "body": "{TEXT}"}}]}}"#
        );
        for manifest in [relay, apollo] {
            let documents = with_manifest(&manifest);
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
    fn parse_refuses_invalid_manifests_with_a_reason() {
        let prepare = |text: &str| {
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
            let wrong = TrustedDocuments::parse(manifest, prepare).expect_err(manifest);
            assert!(wrong.contains(says), "{manifest}: {wrong}");
        }
    }
}

//! Trusted documents: with a manifest, no other documents are executed. Reads the format of Relay (`persistConfig`) and
//! graphql-codegen (`persisted-documents.json`), `{"<hash>": "<document>"}`, and Apollo's operation manifest.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::graphql::documents::prepared::PreparedDocument;

/// The documents of a manifest, by ID and by text.
#[derive(Debug, Default)]
pub struct TrustedDocuments {
    by_id: HashMap<String, Arc<PreparedDocument>>,
    by_text: HashMap<String, Arc<PreparedDocument>>,
}

/// A manifest in one of the supported formats.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { format: String, version: u32, operations: Vec<ManifestOperation> },
    Texts(HashMap<String, String>),
}

/// An operation in Apollo's manifest.
#[derive(Deserialize)]
struct ManifestOperation {
    id: String,
    body: String,
}

/// The `format` of Apollo's manifests.
const APOLLO: &str = "apollo-persisted-query-manifest";

impl TrustedDocuments {
    /// Parses a manifest, and prepares its documents. Returns the reason of a failure as the end of a sentence.
    pub fn parse(manifest: &str, prepare: impl Fn(&str) -> Result<PreparedDocument, String>) -> Result<Self, String> {
        let parsed = serde_json::from_str(manifest).map_err(|_| {
            "it is neither an object that maps hashes to documents nor an Apollo operation manifest".to_owned()
        })?;
        let texts: Vec<(String, String)> = match parsed {
            Manifest::Texts(texts) => texts.into_iter().collect(),
            Manifest::Apollo { format, version: 1, operations } if format == APOLLO => {
                operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
            }
            Manifest::Apollo { format, version, .. } => {
                return Err(format!(
                    "its format is `{format}`, version {version}; only `{APOLLO}`, version 1, is supported"
                ));
            }
        };
        if texts.is_empty() {
            return Err("it has no documents".to_owned());
        }
        let mut trusted = Self::default();
        for (id, text) in texts {
            let document = prepare(&text).map_err(|reason| format!("the document `{id}`: {reason}"))?;
            let document = Arc::new(document);
            trusted.by_id.insert(id, document.clone());
            trusted.by_text.insert(text, document);
        }
        Ok(trusted)
    }

    /// Returns the document with that ID.
    pub fn by_id(&self, id: &str) -> Option<Arc<PreparedDocument>> {
        self.by_id.get(id).cloned()
    }

    /// Returns the document with exactly that text.
    pub fn by_text(&self, text: &str) -> Option<Arc<PreparedDocument>> {
        self.by_text.get(text).cloned()
    }

    /// Returns the number of documents.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns whether the manifest is empty.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

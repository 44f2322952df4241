//! A manifest of documents: where there is one, nothing else runs. Reads what Relay (`persistConfig`) and graphql-codegen
//! (`persisted-documents.json`) write, `{"<hash>": "<document>"}`, and Apollo's operation manifest.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::graphql::documents::prepared::PreparedDocument;

/// The documents that may run, by what clients call them and by their texts.
#[derive(Debug, Default)]
pub struct TrustedDocuments {
    by_id: HashMap<String, Arc<PreparedDocument>>,
    by_text: HashMap<String, Arc<PreparedDocument>>,
}

/// A manifest, in either form.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { format: String, version: u32, operations: Vec<Listed> },
    Texts(HashMap<String, String>),
}

/// An operation in Apollo's manifest.
#[derive(Deserialize)]
struct Listed {
    id: String,
    body: String,
}

/// The `format` of Apollo's manifests.
const APOLLO: &str = "apollo-persisted-query-manifest";

impl TrustedDocuments {
    /// The documents of a manifest; else what is wrong with it, as the end of a sentence.
    pub fn parse(manifest: &str, plan: impl Fn(&str) -> Result<PreparedDocument, String>) -> Result<Self, String> {
        let parsed = serde_json::from_str(manifest).map_err(|_| {
            "it is neither an object of documents by their hashes, nor an operation manifest of Apollo's".to_owned()
        })?;
        let texts: Vec<(String, String)> = match parsed {
            Manifest::Texts(texts) => texts.into_iter().collect(),
            Manifest::Apollo { format, version: 1, operations } if format == APOLLO => {
                operations.into_iter().map(|listed| (listed.id, listed.body)).collect()
            }
            Manifest::Apollo { format, version, .. } => {
                return Err(format!(
                    "its format is `{format}`, version {version}: `{APOLLO}`, version 1, is understood"
                ));
            }
        };
        if texts.is_empty() {
            return Err("it has no documents".to_owned());
        }
        let mut trusted = Self::default();
        for (id, text) in texts {
            let plan = Arc::new(plan(&text).map_err(|wrong| format!("the document `{id}`: {wrong}"))?);
            trusted.by_id.insert(id, plan.clone());
            trusted.by_text.insert(text, plan);
        }
        Ok(trusted)
    }

    /// The document that clients call so.
    pub fn by_id(&self, id: &str) -> Option<Arc<PreparedDocument>> {
        self.by_id.get(id).cloned()
    }

    /// The document of exactly that text.
    pub fn by_text(&self, text: &str) -> Option<Arc<PreparedDocument>> {
        self.by_text.get(text).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

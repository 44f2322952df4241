//! Whether a slug can be had.

use async_graphql::SimpleObject;

use crate::graphql::types::enums::UserErrorCode;

/// Whether a slug can be had.
#[derive(SimpleObject)]
pub struct SlugAvailability {
    /// The slug asked about, in lower case.
    pub slug: String,
    /// Whether an organization could take it now. It is not reserved by asking.
    pub available: bool,
    /// Why it is not available: SLUG_TAKEN, SLUG_RESERVED, INVALID_FORMAT, TOO_LONG or REQUIRED. Null if it is.
    pub problem: Option<UserErrorCode>,
    /// Up to 5 similar slugs that are available. Empty if this one is.
    pub suggestions: Vec<String>,
}

impl SlugAvailability {
    /// It can be had.
    pub fn free(slug: String) -> Self {
        Self { slug, available: true, problem: None, suggestions: Vec::new() }
    }

    /// It cannot be had.
    pub fn impossible(slug: String, problem: UserErrorCode) -> Self {
        Self { slug, available: false, problem: Some(problem), suggestions: Vec::new() }
    }
}

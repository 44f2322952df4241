//! Availability of slugs.

use async_graphql::SimpleObject;

use super::user_error::UserErrorCode;

/// Availability of a slug.
#[derive(SimpleObject)]
pub struct SlugAvailability {
    /// The checked slug, in lower case.
    pub slug: String,
    /// Whether an organization can take it now. The query does not reserve it.
    pub available: bool,
    /// Reason why it is not available: SLUG_TAKEN, SLUG_RESERVED, INVALID_FORMAT, TOO_LONG or REQUIRED. Null if it is
    /// available.
    pub problem: Option<UserErrorCode>,
    /// Up to 5 similar slugs that are available. Empty if the checked slug is available.
    pub suggestions: Vec<String>,
}

impl SlugAvailability {
    /// Returns the result for an available slug.
    pub fn free(slug: String) -> Self {
        Self { slug, available: true, problem: None, suggestions: Vec::new() }
    }

    /// Returns the result for a slug that is not available because of `problem`, without suggestions.
    pub fn impossible(slug: String, problem: UserErrorCode) -> Self {
        Self { slug, available: false, problem: Some(problem), suggestions: Vec::new() }
    }
}

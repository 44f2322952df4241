//! Interns the names of a document, so that each name is allocated once.

use std::collections::HashMap;

use async_graphql::Name;

/// The names of one document.
#[derive(Default)]
pub struct Names<'a>(HashMap<&'a str, Name>);

impl<'a> Names<'a> {
    /// Returns the interned name.
    pub fn get(&mut self, text: &'a str) -> Name {
        self.0.entry(text).or_insert_with(|| Name::new(text)).clone()
    }
}

//! Names, each of which is kept once however often it is written.

use std::collections::HashMap;

use async_graphql::Name;

/// The names of one document.
#[derive(Default)]
pub struct Names<'a>(HashMap<&'a str, Name>);

impl<'a> Names<'a> {
    /// The name that is written so.
    pub fn get(&mut self, text: &'a str) -> Name {
        self.0.entry(text).or_insert_with(|| Name::new(text)).clone()
    }
}

//! Reads the text of a document into async-graphql's own tree, to the letter of the specification: the library's parser takes
//! texts that are not GraphQL (`queryQ{a}`, a fragment named `on`), refuses some that are (`\u{1F600}`, `[ Int ]`), and overflows
//! the stack where brackets nest deep. This one counts tokens and brackets as it goes.
//!
//! It can go once `async_graphql::parser::parse_query` does as well: [`parse`] is the only way in, and the tree is the library's.

pub(crate) mod definitions;
mod lexer;
mod names;
mod selections;
mod strings;
#[cfg(test)]
mod tests;
mod token;
mod values;

use async_graphql::Pos;
use async_graphql::parser::types::ExecutableDocument;

use crate::graphql::documents::limits::LimitExceeded;

/// A document that is GraphQL.
#[derive(Debug)]
pub struct Parsed {
    /// What it defines.
    pub document: ExecutableDocument,
    /// What it says twice, or without a name among others: the tree has no room for that.
    pub ambiguities: Vec<DocumentMistake>,
    /// How many tokens it has.
    pub tokens: u64,
}

/// Something that is wrong at a place of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentMistake {
    /// What is wrong, in a sentence.
    pub message: String,
    /// Where.
    pub place: Pos,
}

impl DocumentMistake {
    /// At that place.
    pub fn new(message: impl Into<String>, place: Pos) -> Self {
        Self { message: message.into(), place }
    }
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has more of something than is allowed.
    Excessive(LimitExceeded),
    /// It is not GraphQL.
    Malformed(DocumentMistake),
}

/// Reads a document.
pub fn parse(text: &str) -> Result<Parsed, Unreadable> {
    definitions::Parser::new(text)?.document()
}

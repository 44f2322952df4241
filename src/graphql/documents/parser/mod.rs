//! Parses documents into the syntax tree of async-graphql, exactly as specified. The parser of the library accepts
//! texts that are not GraphQL (`queryQ{a}`, a fragment named `on`), refuses some that are (`\u{1F600}`, `[ Int ]`), and
//! overflows the stack for deeply nested brackets. This parser counts tokens and nested brackets while it reads.
//!
//! It can be removed once `async_graphql::parser::parse_query` is as strict: [`parse`] is the only entry point.

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

/// A parsed document.
#[derive(Debug)]
pub struct Parsed {
    /// Syntax tree.
    pub document: ExecutableDocument,
    /// Duplicate names, and anonymous operations beside others: mistakes that the tree cannot represent.
    pub ambiguities: Vec<DocumentMistake>,
    /// Number of tokens.
    pub tokens: u64,
}

/// A mistake at a position of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentMistake {
    /// Description of the mistake, as a sentence.
    pub message: String,
    /// Position of the mistake.
    pub place: Pos,
}

impl DocumentMistake {
    /// Creates a mistake.
    pub fn new(message: impl Into<String>, place: Pos) -> Self {
        Self { message: message.into(), place }
    }
}

/// Why a text cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The text exceeds a limit.
    Excessive(LimitExceeded),
    /// The text is not GraphQL.
    Malformed(DocumentMistake),
}

/// Parses a document. Fails at the first syntax error, or if a limit is exceeded.
pub fn parse(text: &str) -> Result<Parsed, Unreadable> {
    definitions::Parser::new(text)?.document()
}

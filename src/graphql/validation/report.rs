//! Collects the mistakes of a document.

use async_graphql::Pos;

use super::Exposure;
use super::suggestion::did_you_mean;
use crate::graphql::documents::parser::DocumentMistake;

/// Maximum number of mistakes that are collected. A response contains 20 of them.
const MAX_MISTAKES: usize = 100;

/// The mistakes of a document.
pub struct Report {
    mistakes: Vec<DocumentMistake>,
    /// Whether messages may contain names of the schema.
    pub exposure: Exposure,
}

impl Report {
    pub fn new(exposure: Exposure) -> Self {
        Self { mistakes: Vec::new(), exposure }
    }

    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Adds a mistake. The message contains only names of the document.
    pub fn add(&mut self, place: Pos, message: impl FnOnce() -> String) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(DocumentMistake::new(message(), place));
        }
    }

    /// Adds a mistake whose message contains names of the schema. With a hidden schema, `hidden` is used instead.
    pub fn add_schema_mistake(&mut self, place: Pos, hidden: &str, message: impl FnOnce() -> String) {
        let is_hidden = self.exposure == Exposure::Hidden;
        self.add(place, || if is_hidden { hidden.to_owned() } else { message() });
    }

    /// Adds a mistake about an unknown `name` of a `kind` such as "field", with suggestions from `names`. The message
    /// may contain names of the schema.
    pub fn add_unknown<'a>(
        &mut self,
        place: Pos,
        (kind, name): (&str, &str),
        names: impl Iterator<Item = &'a str>,
        message: impl FnOnce() -> String,
    ) {
        self.add_schema_mistake(place, &format!("There is no {kind} `{name}` here."), || {
            message() + &did_you_mean(name, names)
        });
    }

    /// Returns the mistakes in the order of the text.
    pub fn mistakes(mut self) -> Vec<DocumentMistake> {
        self.mistakes.sort_by_key(|mistake| mistake.place);
        self.mistakes
    }
}

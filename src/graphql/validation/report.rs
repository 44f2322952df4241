//! What was found to be wrong.

use async_graphql::Pos;

use super::Exposure;
use super::suggestion::did_you_mean;
use crate::graphql::documents::parser::DocumentMistake;

/// Most mistakes of one document that are collected. An answer tells 20 of them.
const MAX_MISTAKES: usize = 100;

/// The mistakes of a document.
pub struct Report {
    mistakes: Vec<DocumentMistake>,
    /// Whether messages may suggest names of the schema.
    pub exposure: Exposure,
}

impl Report {
    pub fn new(exposure: Exposure) -> Self {
        Self { mistakes: Vec::new(), exposure }
    }

    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Something is wrong at that place. The message has no names but those of the document.
    pub fn tell(&mut self, place: Pos, message: impl FnOnce() -> String) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(DocumentMistake::new(message(), place));
        }
    }

    /// Something is wrong at that place. The message names parts of the schema; where that is hidden, `hidden` takes its place.
    pub fn tell_of_schema(&mut self, place: Pos, hidden: &str, message: impl FnOnce() -> String) {
        let is_hidden = self.exposure == Exposure::Hidden;
        self.tell(place, || if is_hidden { hidden.to_owned() } else { message() });
    }

    /// A name is none of those that there are. The message may name parts of the schema; `kind` is what the name would be of.
    pub fn unknown<'a>(
        &mut self,
        place: Pos,
        (kind, name): (&str, &str),
        names: impl Iterator<Item = &'a str>,
        message: impl FnOnce() -> String,
    ) {
        self.tell_of_schema(place, &format!("There is no {kind} `{name}` here."), || {
            message() + &did_you_mean(name, names)
        });
    }

    /// In the order of the text.
    pub fn mistakes(mut self) -> Vec<DocumentMistake> {
        self.mistakes.sort_by_key(|mistake| mistake.place);
        self.mistakes
    }
}

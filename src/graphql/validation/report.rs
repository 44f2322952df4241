//! What was found to be wrong, up to as much as anybody reads.

use async_graphql::Pos;

use super::Exposure;
use super::suggestion::did_you_mean;
use crate::graphql::document::syntax::Mistake;

/// Most mistakes that are told of one document.
const MOST: usize = 100;

/// The mistakes of a document.
pub struct Report {
    mistakes: Vec<Mistake>,
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

    /// Something is wrong at that place.
    pub fn tell(&mut self, place: Pos, message: impl FnOnce() -> String) {
        if self.mistakes.len() < MOST {
            self.mistakes.push(Mistake::new(message(), place));
        }
    }

    /// A name is none of those that there are.
    pub fn unknown<'a>(
        &mut self,
        place: Pos,
        name: &str,
        names: impl Iterator<Item = &'a str>,
        message: impl FnOnce() -> String,
    ) {
        let exposure = self.exposure;
        self.tell(place, || match exposure {
            Exposure::Open => message() + &did_you_mean(name, names),
            Exposure::Hidden => message(),
        });
    }

    /// In the order of the text.
    pub fn mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.place);
        self.mistakes
    }
}

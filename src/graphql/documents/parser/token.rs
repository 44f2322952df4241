//! The lexical tokens of the specification, section 2.1.

use std::fmt;

use async_graphql::Pos;

/// What kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Punctuator(u8),
    /// `...`
    Spread,
    /// A name, which may be a keyword.
    Name,
    /// A number without fraction and exponent.
    Int,
    /// A number with either.
    Float,
    /// A string in quotes.
    String,
    /// A string in three quotes.
    BlockString,
    /// The end of the text.
    End,
}

/// A token, and where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// What kind.
    pub kind: Kind,
    /// As it is written; of strings, what is between the quotes.
    pub text: &'a str,
    /// Its first character.
    pub place: Pos,
}

impl Token<'_> {
    /// Whether it is that punctuator.
    pub fn is(&self, punctuator: u8) -> bool {
        self.kind == Kind::Punctuator(punctuator)
    }

    /// Whether it is that keyword.
    pub fn says(&self, keyword: &str) -> bool {
        self.kind == Kind::Name && self.text == keyword
    }
}

/// Longest text that is shown of a token, in characters.
const SHOWN: usize = 40;

/// As messages name it.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::End => f.write_str("the end of the document"),
            Kind::String | Kind::BlockString => f.write_str("a string"),
            _ => match self.text.char_indices().nth(SHOWN) {
                Some((end, _)) => write!(f, "`{}…`", &self.text[..end]),
                None => write!(f, "`{}`", self.text),
            },
        }
    }
}

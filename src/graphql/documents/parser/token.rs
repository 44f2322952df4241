//! Lexical tokens (specification, section 2.1).

use std::fmt;

use async_graphql::Pos;

/// The kind of a token.
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
    /// A number with a fraction or an exponent.
    Float,
    /// A string in quotes.
    String,
    /// A string in triple quotes.
    BlockString,
    /// The end of the text.
    End,
}

/// A token with its position.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// Kind of the token.
    pub kind: Kind,
    /// Text of the token; for strings, the text between the quotes.
    pub text: &'a str,
    /// Position of the first character.
    pub place: Pos,
}

impl Token<'_> {
    /// Returns whether the token is that punctuator.
    pub fn is(&self, punctuator: u8) -> bool {
        self.kind == Kind::Punctuator(punctuator)
    }

    /// Returns whether the token is that keyword.
    pub fn is_keyword(&self, keyword: &str) -> bool {
        self.kind == Kind::Name && self.text == keyword
    }
}

/// Maximum length of a token in messages, in characters.
const MAX_SHOWN: usize = 40;

/// Formats the token for messages.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::End => f.write_str("the end of the document"),
            Kind::String | Kind::BlockString => f.write_str("a string"),
            _ => match self.text.char_indices().nth(MAX_SHOWN) {
                Some((end, _)) => write!(f, "`{}…`", &self.text[..end]),
                None => write!(f, "`{}`", self.text),
            },
        }
    }
}

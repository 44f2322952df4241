//! Splits a text into tokens, one at a time.

use async_graphql::Pos;

use crate::graphql::documents::limits::{Limit, LimitExceeded};
use crate::graphql::documents::parser::token::{Kind, Token};
use crate::graphql::documents::parser::{DocumentMistake, Unreadable};

/// A lexer of one text.
pub struct Lexer<'a> {
    text: &'a str,
    /// Offset of the next token, in bytes.
    at: usize,
    /// Number of tokens read.
    count: u64,
    /// Offset and position of an earlier byte, from which lines and columns are counted on.
    counted: (usize, Pos),
}

impl<'a> Lexer<'a> {
    /// Creates a lexer at the beginning of a text. Fails if the text is too long.
    pub fn new(text: &'a str) -> Result<Self, Unreadable> {
        Limit::Bytes.check(text.len() as u64).map_err(Unreadable::Excessive)?;
        Ok(Self { text, at: 0, count: 0, counted: (0, Pos { line: 1, column: 1 }) })
    }

    /// Returns the number of tokens read.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Reads the next token.
    pub fn next(&mut self) -> Result<Token<'a>, Unreadable> {
        self.skip_ignored();
        let start = self.at;
        let place = self.place(start);
        let Some(first) = self.byte(start) else { return Ok(Token { kind: Kind::End, text: "", place }) };
        self.count += 1;
        Limit::Tokens.check(self.count).map_err(Unreadable::Excessive)?;
        let kind = match first {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}' => {
                self.at += 1;
                Kind::Punctuator(first)
            }
            b'.' if self.rest().starts_with("...") => {
                self.at += 3;
                Kind::Spread
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Kind::Name
            }
            b'0'..=b'9' | b'-' => self.number()?,
            b'"' => return self.string(place),
            _ => return Err(self.unexpected()),
        };
        Ok(Token { kind, text: &self.text[start..self.at], place })
    }

    /// Returns the position of a byte offset, which must not be before the last one.
    fn place(&mut self, at: usize) -> Pos {
        let (from, mut place) = self.counted;
        let mut previous = if from == 0 { 0 } else { self.text.as_bytes()[from - 1] };
        for &byte in &self.text.as_bytes()[from..at] {
            match byte {
                b'\n' if previous == b'\r' => {}
                b'\n' | b'\r' => place = Pos { line: place.line + 1, column: 1 },
                // Continuation bytes of UTF-8.
                0x80..=0xBF => {}
                _ => place.column += 1,
            }
            previous = byte;
        }
        self.counted = (at, place);
        place
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Skips bytes while `matches` holds.
    fn skip_while(&mut self, matches: impl Fn(u8) -> bool) {
        while self.byte(self.at).is_some_and(&matches) {
            self.at += 1;
        }
    }

    /// Skips whitespace, commas, comments and byte order marks.
    fn skip_ignored(&mut self) {
        loop {
            self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b','));
            match self.byte(self.at) {
                Some(b'#') => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
                Some(0xEF) if self.rest().starts_with('\u{FEFF}') => self.at += '\u{FEFF}'.len_utf8(),
                _ => return,
            }
        }
    }

    fn number(&mut self) -> Result<Kind, Unreadable> {
        let mut kind = Kind::Int;
        if self.byte(self.at) == Some(b'-') {
            self.at += 1;
        }
        if self.byte(self.at) == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte(self.at) == Some(b'.') {
            self.at += 1;
            kind = Kind::Float;
            self.digits()?;
        }
        if matches!(self.byte(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            kind = Kind::Float;
            if matches!(self.byte(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let ended =
            !self.byte(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
        if ended { Ok(kind) } else { Err(self.unexpected()) }
    }

    fn digits(&mut self) -> Result<(), Unreadable> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.at > start { Ok(()) } else { Err(self.unexpected()) }
    }

    fn string(&mut self, place: Pos) -> Result<Token<'a>, Unreadable> {
        let (kind, open) = if self.rest().starts_with("\"\"\"") { (Kind::BlockString, 3) } else { (Kind::String, 1) };
        let start = self.at + open;
        self.at = start;
        let end = match kind {
            Kind::BlockString => self.end_of_block(),
            _ => self.end_of_line_string(),
        };
        let Some(end) = end else {
            return Err(Unreadable::Malformed(DocumentMistake::new("This string is not terminated.", place)));
        };
        self.at = end + open;
        Ok(Token { kind, text: &self.text[start..end], place })
    }

    /// Returns the offset of the closing quotes of a block string.
    fn end_of_block(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if rest.starts_with(b"\"\"\"") {
                return Some(at);
            }
            at += if rest.starts_with(b"\\\"\"\"") { 4 } else { 1 };
        }
        None
    }

    /// Returns the offset of the closing quote of a string, which must be on the same line.
    fn end_of_line_string(&self) -> Option<usize> {
        let mut at = self.at;
        loop {
            match self.byte(at)? {
                b'"' => return Some(at),
                b'\n' | b'\r' => return None,
                // Skips the escaped character. Escapes are validated when the string is decoded.
                b'\\' if !matches!(self.byte(at + 1), Some(b'\n' | b'\r') | None) => at += 2,
                _ => at += 1,
            }
        }
    }

    fn unexpected(&mut self) -> Unreadable {
        let place = self.place(self.at);
        let message = match self.rest().chars().next() {
            Some(character) => format!("`{}` is not expected here.", character.escape_default()),
            None => "The document ends in the middle of a number.".to_owned(),
        };
        Unreadable::Malformed(DocumentMistake::new(message, place))
    }
}

/// Counts nested brackets.
#[derive(Default)]
pub struct Nesting(u64);

impl Nesting {
    /// Counts an opening bracket. Fails if the nesting is too deep.
    pub fn open(&mut self) -> Result<(), LimitExceeded> {
        self.0 += 1;
        Limit::Nesting.check(self.0)
    }

    /// Counts a closing bracket.
    pub fn close(&mut self) {
        self.0 -= 1;
    }
}

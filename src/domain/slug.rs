//! Slugs: the short names of organizations.

use std::fmt;

use super::error::{Code, FieldError};
use crate::domain::name_suggestions::numbered;

/// Maximum length of a slug, in characters.
pub const MAX: usize = 16;

/// Words that are reserved for URLs and menus.
const RESERVED: [&str; 30] = [
    "about",
    "account",
    "admin",
    "api",
    "app",
    "auth",
    "billing",
    "dashboard",
    "docs",
    "explore",
    "graphiql",
    "graphql",
    "health",
    "help",
    "invitations",
    "login",
    "logout",
    "me",
    "new",
    "null",
    "organizations",
    "personal",
    "root",
    "settings",
    "sign-in",
    "sign-up",
    "support",
    "undefined",
    "users",
    "www",
];

/// A slug in lower case: 1 to 16 of `a-z`, `0-9`, `-`, beginning and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Parses a slug, ignoring case. Fails with REQUIRED, TOO_LONG, INVALID_FORMAT or SLUG_RESERVED.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let slug = Self::lowercase(raw);
        if slug.is_empty() {
            return Err(FieldError::new(Code::Required, "A slug is needed."));
        }
        if slug.chars().count() > MAX {
            return Err(FieldError::too_long(MAX));
        }
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let form = slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !form || !edge(slug.chars().next()) || !edge(slug.chars().last()) {
            return Err(FieldError::new(
                Code::InvalidFormat,
                "A slug is made of a-z, 0-9 and -, and begins and ends with a letter or digit.",
            ));
        }
        if RESERVED.contains(&slug.as_str()) {
            return Err(FieldError::new(Code::SlugReserved, "This word is reserved."));
        }
        Ok(Self(slug))
    }

    /// Returns the form in which a slug is looked up and shown, also if it is not valid.
    pub fn lowercase(raw: &str) -> String {
        raw.trim().to_ascii_lowercase()
    }

    /// Returns up to `count` similar slugs, with a number at the end.
    pub fn similar(&self, count: usize) -> Vec<Slug> {
        (2..).take(count).map(|number| Slug(numbered(&self.0, number, MAX))).collect()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_parse_lowercases_and_checks_slugs() {
        assert_eq!(Slug::parse(" Team-A ").map(|s| s.0), Ok("team-a".into()));
        for (bad, code) in [
            ("", Code::Required),
            ("a-very-long-slug-x", Code::TooLong),
            ("-a", Code::InvalidFormat),
            ("a-", Code::InvalidFormat),
            ("a_b", Code::InvalidFormat),
            ("ä", Code::InvalidFormat),
            ("a\0", Code::InvalidFormat),
            ("Admin", Code::SlugReserved),
        ] {
            assert_eq!(Slug::parse(bad).map_err(|p| p.code), Err(code), "{bad}");
        }
    }

    #[test]
    fn slug_similar_returns_valid_slugs() {
        for slug in ["a", "abcdefghijklmnop", "abcdefghijklm-op"] {
            let slug = Slug::parse(slug).expect("a slug");
            for similar in slug.similar(20) {
                assert_eq!(Slug::parse(similar.as_str()), Ok(similar.clone()));
            }
        }
    }
}

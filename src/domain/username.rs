//! Usernames: unique names of accounts.

use std::fmt;

use uuid::Uuid;

use super::UserId;
use super::error::{Code, FieldError};
use crate::domain::name_suggestions::{numbered, plain, suffixed};

/// Minimum length, in characters.
const MIN: usize = 3;
/// Maximum length, in characters.
pub const MAX: usize = 32;

/// A username in lower case: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Parses a username, ignoring case. Fails with REQUIRED, TOO_LONG or INVALID_FORMAT.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        let name = Self::lowercase(raw);
        match name.chars().count() {
            0 => return Err(FieldError::new(Code::Required, "A username is needed.")),
            length if length > MAX => return Err(FieldError::too_long(MAX)),
            _ => {}
        }
        let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if name.len() < MIN || !name.chars().all(form) {
            return Err(FieldError::new(Code::InvalidFormat, "A username is 3 to 32 of a-z, 0-9, '.', '_' and '-'."));
        }
        Ok(Self(name))
    }

    /// Returns usernames for an account with the name `raw` in another system, best first: the name or a similar one,
    /// then the same with a number. The last one contains `mark`, a unique text of 8 letters and digits.
    pub fn resembling(raw: &str, mark: &str) -> Vec<Self> {
        // Only the part before an @ is used, so that the username does not reveal an address.
        let named = raw.trim().split('@').next().unwrap_or_default();
        let base = match plain(named, ".-_", MAX) {
            name if name.len() >= MIN => name,
            name if name.is_empty() => format!("user-{mark}"),
            name => format!("{name}-{mark}"),
        };
        let others = (2..=20).map(|number| numbered(&base, number, MAX)).chain([suffixed(&base, mark, MAX)]);
        [base.clone()].into_iter().chain(others).filter_map(|name| Self::parse(&name).ok()).collect()
    }

    /// Returns the username in the row of a deleted account. Users cannot choose it.
    pub fn of_deleted(id: UserId) -> String {
        format!("~{}", Uuid::from(id).simple())
    }

    /// Returns whether a username is that of a deleted account.
    pub fn is_of_deleted(username: &str) -> bool {
        username.starts_with('~')
    }

    /// Returns the form in which a username is looked up.
    pub fn lowercase(raw: &str) -> String {
        raw.trim().to_ascii_lowercase()
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn username_parse_lowercases_and_checks_usernames() {
        assert_eq!(Username::parse("Ada.L").map(|n| n.0), Ok("ada.l".into()));
        for (bad, code) in [
            (" ", Code::Required),
            ("ab", Code::InvalidFormat),
            ("a b c", Code::InvalidFormat),
            ("ada@example", Code::InvalidFormat),
        ] {
            assert_eq!(Username::parse(bad).map_err(|p| p.code), Err(code), "{bad}");
        }
        for (raw, first) in [
            ("Ada", "ada"),
            ("José Núñez", "jose-nunez"),
            ("ada.l@example.org", "ada.l"),
            ("jo", "jo-1a2b3c4d"),
            ("名前", "user-1a2b3c4d"),
            ("", "user-1a2b3c4d"),
            (&"x".repeat(9000), &"x".repeat(32)),
        ] {
            let names = Username::resembling(raw, "1a2b3c4d");
            let distinct: std::collections::HashSet<_> = names.iter().collect();
            assert_eq!((names[0].as_str(), distinct.len()), (first, 21), "{names:?}");
            assert!(names[20].as_str().ends_with("-1a2b3c4d"), "{names:?}");
        }
        assert_eq!(Username::parse(&"x".repeat(33)).map_err(|p| p.code), Err(Code::TooLong));
    }
}

//! Usernames: the unique names of accounts.

use std::fmt;

use super::error::{Code, Problem};

/// A username in lower case: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Reads one, without regard to case: REQUIRED, TOO_LONG or INVALID_FORMAT otherwise.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        let name = Self::lowercase(raw);
        match name.chars().count() {
            0 => return Err(Problem::new(Code::Required, "A username is needed.")),
            33.. => return Err(Problem::too_long(32)),
            _ => {}
        }
        let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if name.len() < 3 || !name.chars().all(form) {
            return Err(Problem::new(Code::InvalidFormat, "A username is 3 to 32 of a-z, 0-9, '.', '_' and '-'."));
        }
        Ok(Self(name))
    }

    /// How a username is looked up.
    pub fn lowercase(raw: &str) -> String {
        raw.trim().to_lowercase()
    }

    /// The text.
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
    fn usernames_are_lowercased_and_checked() {
        assert_eq!(Username::parse("Ada.L").map(|n| n.0), Ok("ada.l".into()));
        for (bad, code) in [
            (" ", Code::Required),
            ("ab", Code::InvalidFormat),
            ("a b c", Code::InvalidFormat),
            ("ada@example", Code::InvalidFormat),
        ] {
            assert_eq!(Username::parse(bad).map_err(|p| p.code), Err(code), "{bad}");
        }
        assert_eq!(Username::parse(&"x".repeat(33)).map_err(|p| p.code), Err(Code::TooLong));
    }
}

//! E-mail addresses, in lower case throughout: two spellings of one address are one address.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

use super::characters::{is_bidi_control, is_invisible, is_modifier};
use super::error::{Code, Problem};

/// Longest address, in characters.
pub const MAX: usize = 254;

/// An e-mail address that mail can be sent to, in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// What a token sent by mail is good for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = super::sql_types::EmailTokenPurpose)]
pub enum EmailTokenPurpose {
    /// To prove the address that the account claims.
    Verify,
    /// To prove the address that is to take the place of the present one.
    Change,
    /// To set a new password.
    Reset,
}

impl Email {
    /// Reads one: REQUIRED, TOO_LONG or INVALID_FORMAT otherwise.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        if raw.len() > 12 * MAX {
            return Err(Problem::too_long(MAX));
        }
        let address = raw.trim().nfc().collect::<String>().to_lowercase();
        if address.is_empty() {
            return Err(Problem::new(Code::Required, "An e-mail address is needed."));
        }
        if address.chars().count() > MAX {
            return Err(Problem::too_long(MAX));
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        // Comments and quotes are other spellings of addresses that do without, and nobody has others.
        let plain = !address.chars().any(|c| {
            c.is_control()
                || c.is_whitespace()
                || is_modifier(c)
                || is_invisible(c)
                || is_bidi_control(c)
                || matches!(c, '"' | '(' | ')' | '<' | '>' | '[' | ']' | '\\' | ',' | ':' | ';')
        });
        if !plain || EmailAddress::parse_with_options(&address, options).is_err() {
            return Err(Problem::new(Code::InvalidFormat, "This is not an e-mail address."));
        }
        Ok(Self(address))
    }

    /// Reads an optional one; an empty text is none.
    pub fn optional(raw: Option<&str>) -> Result<Option<Self>, Problem> {
        raw.filter(|raw| !raw.trim().is_empty()).map(Self::parse).transpose()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Problem;

    fn from_str(raw: &str) -> Result<Self, Problem> {
        Self::parse(raw)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Addresses stay out of logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lowercased_and_checked() {
        assert_eq!(Email::parse(" Ada@Example.ORG ").map(|e| e.0), Ok("ada@example.org".into()));
        for bad in [
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "a b@example.org",
            "a\r\nBcc: x@example.org",
            "Ada <ada@example.org>",
            "a@[127.0.0.1]",
            "a@b.org\0",
            "\"ada\"@example.org",
            "\"a@b\"@example.org",
            "ada(comment)@example.org",
            "ada@(comment)example.org",
            "ada@example.org, eve@example.org",
            "ada@@example.org",
            ".ada@example.org",
            "ada..l@example.org",
            "ada@example..org",
            "ada@-example.org",
            "ada@example.org.",
            "a\u{200B}da@example.org",
            "a\u{202E}da@example.org",
            "ada@exam\u{AD}ple.org",
            "mailto:ada@example.org",
        ] {
            assert_eq!(Email::parse(bad).map_err(|p| p.code), Err(Code::InvalidFormat), "{bad}");
        }
        for good in [
            "a+b_c.d'e@sub.example.org",
            "zoë@example.org",
            "ada@exämple.org",
            &format!("{}@example.org", "x".repeat(64)),
        ] {
            assert_eq!(Email::parse(good).map(|email| email.0), Ok(good.to_owned()), "{good}");
        }
        let long = format!("{}@example.org", "x".repeat(65));
        assert_eq!(Email::parse(&long).map_err(|problem| problem.code), Err(Code::InvalidFormat), "64 before the @");
        assert_eq!(Email::parse(&format!("{}@example.org", "x".repeat(250))).map_err(|p| p.code), Err(Code::TooLong));
    }
}

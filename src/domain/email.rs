//! E-mail addresses. They are compared in lower case and with the domain as A-labels (UTS 46), so that two spellings of
//! an address are equal. The domain is shown in the script in which it was entered.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::error::{Code, FieldError};
use super::named_enum::named_enum;
use crate::domain::unicode::{is_bidi_control, is_invisible, is_modifier};

/// Longest address, in characters.
pub const MAX: usize = 254;

/// An e-mail address. Two addresses are equal if mail to them goes to the same mailbox, however they are spelled.
#[derive(Clone)]
pub struct Email {
    /// The address in lower case, its domain as A-labels.
    address: String,
    /// The address with its domain in Unicode, if it was entered like this.
    written: Option<String>,
}

named_enum! {
    /// Purpose of a token that is sent by mail.
    pub enum EmailTokenPurpose {
        /// Verifies the address of the account.
        Verify = "VERIFY",
        /// Verifies the address that replaces the present one.
        Change = "CHANGE",
        /// Sets a new password.
        Reset = "RESET",
    }
}

impl Email {
    /// Parses an address. Fails with REQUIRED, TOO_LONG or INVALID_FORMAT.
    pub fn parse(raw: &str) -> Result<Self, FieldError> {
        if raw.len() > 12 * MAX {
            return Err(FieldError::too_long(MAX));
        }
        let given = raw.trim().nfc().collect::<String>();
        if given.is_empty() {
            return Err(FieldError::new(Code::Required, "An e-mail address is needed."));
        }
        if given.chars().count() > MAX {
            return Err(FieldError::too_long(MAX));
        }
        // Comments and quotes are rejected: an address with them equals one without, or does not occur in practice.
        let plain = !given.chars().any(|c| {
            c.is_control()
                || c.is_whitespace()
                || is_modifier(c)
                || is_invisible(c)
                || is_bidi_control(c)
                || matches!(c, '"' | '(' | ')' | '<' | '>' | '[' | ']' | '\\' | ',' | ':' | ';')
        });
        let malformed = || FieldError::new(Code::InvalidFormat, "This is not an e-mail address.");
        let (local, domain) = given.rsplit_once('@').filter(|_| plain).ok_or_else(malformed)?;
        let (local, ascii) = (local.to_lowercase(), ascii_domain(domain).ok_or_else(malformed)?);
        let address = format!("{local}@{ascii}");
        if address.chars().count() > MAX {
            return Err(FieldError::too_long(MAX));
        }
        let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
        if EmailAddress::parse_with_options(&address, options).is_err() {
            return Err(malformed());
        }
        let written = (!domain.is_ascii()).then(|| format!("{local}@{}", unicode_domain(&ascii)));
        Ok(Self { written: written.filter(|written| *written != address), address })
    }

    /// Creates an address from its stored form, and from the form in which it was entered if that differs.
    pub fn stored(address: String, written: Option<String>) -> Self {
        Self { address, written }
    }

    /// Returns the form in which an address is looked up. A text that is not an address finds nothing.
    pub fn lookup(raw: &str) -> String {
        Self::parse(raw).map_or_else(|_| raw.trim().to_lowercase(), |email| email.address)
    }

    /// Returns a part of an address in the form in which addresses are compared: domain labels become A-labels. `None`
    /// if the part has no other form.
    pub fn lookup_part(raw: &str) -> Option<String> {
        let (local, domain) =
            raw.trim().rsplit_once('@').map_or((None, raw.trim()), |(local, domain)| (Some(local), domain));
        let ascii = ascii_domain(domain).filter(|_| !domain.is_ascii())?;
        Some(local.map_or_else(|| ascii.clone(), |local| format!("{}@{ascii}", local.to_lowercase())))
    }

    /// Parses an optional address; an empty text is `None`.
    pub fn optional(raw: Option<&str>) -> Result<Option<Self>, FieldError> {
        raw.filter(|raw| !raw.trim().is_empty()).map(Self::parse).transpose()
    }

    /// Returns the address as it is compared, stored and sent: in lower case, its domain as A-labels.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// Returns the address as it was entered, if that differs from the stored form.
    pub fn written(&self) -> Option<&str> {
        self.written.as_deref()
    }

    /// Returns the address as users see it.
    pub fn shown(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.address)
    }
}

/// Returns a domain as A-labels, the form in which domains are compared. `None` if it is not a domain.
fn ascii_domain(domain: &str) -> Option<String> {
    let checked = (AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    Uts46::new().to_ascii(domain.as_bytes(), checked.0, checked.1, checked.2).ok().map(Into::into)
}

/// Returns a domain in Unicode.
fn unicode_domain(ascii: &str) -> String {
    Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast).0.into_owned()
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl Eq for Email {}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address.hash(state);
    }
}

impl FromStr for Email {
    type Err = FieldError;

    fn from_str(raw: &str) -> Result<Self, FieldError> {
        Self::parse(raw)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
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
    fn email_parse_lowercases_and_checks_addresses() {
        assert_eq!(Email::parse(" Ada@Example.ORG ").map(|e| e.address), Ok("ada@example.org".into()));
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
            "ada@xn--exmple-cua.org",
            "ada@a--b.example.org",
            &format!("{}@example.org", "x".repeat(64)),
        ] {
            assert_eq!(Email::parse(good).map(|email| email.shown().to_owned()), Ok(good.to_owned()), "{good}");
        }
        let long = format!("{}@example.org", "x".repeat(65));
        assert_eq!(Email::parse(&long).map_err(|problem| problem.code), Err(Code::InvalidFormat), "64 before the @");
        assert_eq!(Email::parse(&format!("{}@example.org", "x".repeat(250))).map_err(|p| p.code), Err(Code::TooLong));
    }

    #[test]
    fn email_compares_domains_as_a_labels_and_shows_them_as_entered() {
        let ascii = Email::parse("user@xn--bcher-kva.example").unwrap();
        for (written, shown) in [
            ("user@bücher.example", "user@bücher.example"),
            ("User@BÜCHER.example", "user@bücher.example"),
            ("user@bu\u{308}cher.example", "user@bücher.example"),
            ("user@bücher。example", "user@bücher.example"),
            ("user@ｂücher.example", "user@bücher.example"),
            ("user@XN--BCHER-KVA.example", "user@xn--bcher-kva.example"),
        ] {
            let email = Email::parse(written).unwrap();
            assert!(email == ascii && email.as_str() == ascii.as_str(), "{written}");
            assert_eq!(email.shown(), shown, "{written}");
            assert_eq!(Email::lookup(written), ascii.as_str());
        }
        assert_ne!(Email::parse("a@straße.example"), Email::parse("a@strasse.example"), "two domains by IDNA 2008");
        assert_ne!(Email::parse("ä@example.org"), Email::parse("xn--4ca@example.org"), "the local part is what it is");
        for bad in ["a@xn--a.example", "a@bü_cher.example", "a@-bücher.example", "a@bücher..example", "a@bücher"] {
            assert_eq!(Email::parse(bad).map_err(|problem| problem.code), Err(Code::InvalidFormat), "{bad}");
        }
        let domain = ["ü", "ö", "ä", "ß"].map(|letter| letter.repeat(50)).join(".");
        let grows = format!("{}@{domain}.example", "a".repeat(30));
        assert_eq!(Email::parse(&grows).map_err(|problem| problem.code), Err(Code::TooLong), "254 as it is sent");
    }

    #[test]
    fn email_lookup_part_returns_a_labels() {
        assert_eq!(Email::lookup_part("Bücher").as_deref(), Some("xn--bcher-kva"));
        assert_eq!(Email::lookup_part("User@bücher.example").as_deref(), Some("user@xn--bcher-kva.example"));
        assert_eq!(Email::lookup_part("user@example"), None, "the same as it is");
        assert_eq!(Email::lookup_part("ü ü"), None);
    }
}

//! Validation of texts: trimmed, in NFC, of limited length, and without control or deceptive characters.

use unicode_normalization::UnicodeNormalization;

use super::error::{Code, FieldError};
use crate::domain::unicode::{is_attached, is_bidi_control, is_full_stop, is_invisible, is_separator, may_follow};

/// Whether a text may contain line breaks and tabs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

/// Returns a text of one line with 1 to `max` characters. Fails with REQUIRED if it is blank.
pub fn required(raw: &str, max: usize) -> Result<String, FieldError> {
    optional(Some(raw), max)?.ok_or_else(|| FieldError::new(Code::Required, "This must not be empty."))
}

/// Returns a text of one line with at most `max` characters; `None` if it is absent or blank.
pub fn optional(raw: Option<&str>, max: usize) -> Result<Option<String>, FieldError> {
    normalize(raw, max, Lines::One)
}

/// Same as [`optional`], but allows line breaks.
pub fn optional_lines(raw: Option<&str>, max: usize) -> Result<Option<String>, FieldError> {
    normalize(raw, max, Lines::Many)
}

/// Returns the valid characters of a text of one line, truncated to `max` characters; `None` if none is left.
pub fn truncated(raw: Option<&str>, max: usize) -> Option<String> {
    fit(raw, max, Lines::One)
}

/// Same as [`truncated`], but keeps line breaks.
pub fn truncated_lines(raw: Option<&str>, max: usize) -> Option<String> {
    fit(raw, max, Lines::Many)
}

/// Checks a new name that mails contain. Fails with INVALID_FORMAT if it contains `://` or `www.`, also in look-alike
/// characters, because mail programs would make a link of it.
pub fn without_link(name: &str) -> Result<(), FieldError> {
    let bare = name.nfkd().filter(|&c| !is_attached(c) && !is_invisible(c)).flat_map(char::to_lowercase);
    let bare: String = bare.map(|c| if is_full_stop(c) { '.' } else { c }).collect();
    if bare.contains("://") || bare.contains("www.") {
        return Err(FieldError::new(Code::InvalidFormat, "A name must not have a web address in it."));
    }
    Ok(())
}

fn normalize(raw: Option<&str>, max: usize, lines: Lines) -> Result<Option<String>, FieldError> {
    let Some(raw) = raw else { return Ok(None) };
    // Rejects very long texts before normalization. Twelve bytes per character leave room for composition by NFC.
    if raw.len() > 12 * max + 1024 {
        return Err(FieldError::too_long(max));
    }
    let text: String = raw.trim().nfc().collect();
    if lines.shown(&text).count() != text.chars().count() || (!text.is_empty() && text.chars().all(is_attached)) {
        return Err(FieldError::new(Code::InvalidFormat, "This has characters that cannot be shown."));
    }
    if text.chars().count() > max {
        return Err(FieldError::too_long(max));
    }
    Ok((!text.is_empty()).then_some(text))
}

fn fit(raw: Option<&str>, max: usize, lines: Lines) -> Option<String> {
    let text: String = raw?.trim().nfc().collect();
    let text: String = lines.shown(&text).take(max).collect();
    // The truncated text is checked again: a mark may have lost its letter.
    normalize(Some(text.trim()), max, lines).ok().flatten()
}

impl Lines {
    /// Returns the valid characters of a text.
    fn shown(self, text: &str) -> impl Iterator<Item = char> {
        let mut before = None;
        text.chars().filter(move |&c| {
            let shown = !self.forbid(c) && may_follow(before, c);
            if shown {
                before = Some(c);
            }
            shown
        })
    }

    fn forbid(self, c: char) -> bool {
        match c {
            '\n' | '\t' | '\r' => self == Self::One,
            c => c.is_control() || is_separator(c) || is_bidi_control(c) || is_invisible(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_required_trims_composes_and_counts_characters() {
        assert_eq!(optional(Some("  e\u{301}a "), 2), Ok(Some("éa".into())));
        assert_eq!(optional(Some("   "), 2), Ok(None));
        assert_eq!(required("  ", 5).map_err(|p| p.code), Err(Code::Required));
        assert_eq!(required("abc", 2).map_err(|p| p.code), Err(Code::TooLong));
        assert_eq!(required(&"x".repeat(1 << 20), 64).map_err(|p| p.code), Err(Code::TooLong));
    }

    #[test]
    fn text_without_link_refuses_web_addresses_in_any_spelling() {
        for bad in [
            "claim at https://evil.example",
            "x://y",
            "WWW.evil.example",
            "ｗｗｗ．evil.example",
            "www。evil.example",
            "w\u{301}ww.evil.example",
            "ｗ\u{200D}ｗｗ.evil",
            "http：／／evil",
        ] {
            assert_eq!(without_link(bad).map_err(|problem| problem.code), Err(Code::InvalidFormat), "{bad:?}");
        }
        for good in ["Ada Lovelace", "example.org", "Ada @ Acme: R&D / Ops", "Wwwow!", "A//B"] {
            assert_eq!(without_link(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn text_truncated_returns_valid_texts() {
        for (raw, left) in [
            ("  Ada\u{202E} King\0 ", Some("Ada King")),
            ("a\u{200B}\u{200D}b", Some("ab")),
            ("👩‍🚀", Some("👩‍🚀")),
            ("\0\u{200D}", None),
            ("", None),
        ] {
            assert_eq!(truncated(Some(raw), 9).as_deref(), left, "{raw:?}");
        }
        assert_eq!(truncated(Some(&"é ".repeat(1000)), 4).as_deref(), Some("é é"));
    }

    #[test]
    fn text_refuses_deceptive_characters() {
        for bad in [
            "a\0b",
            "a\nb",
            "a\u{2028}b",
            "a\u{202E}b",
            "a\u{2066}b\u{2069}",
            "\u{7}",
            "ad\u{200B}min",
            "ad\u{200D}min",
            "ad\u{AD}min",
            "\u{FEFF}admin",
            "\u{3164}",
            "\u{301}\u{302}",
            "\u{200D}",
            "a\u{E0061}\u{E007F}",
        ] {
            assert_eq!(required(bad, 9).map_err(|p| p.code), Err(Code::InvalidFormat), "{bad:?}");
        }
        assert_eq!(optional_lines(Some("a\nb"), 9), Ok(Some("a\nb".into())));
        for good in [
            "👩‍🚀 Team",
            "❤️",
            "1️⃣",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            "می‌خواهم",
            "שלום עולם",
            "क्‍ष",
            "Å",
        ] {
            assert_eq!(required(good, 64), Ok(good.nfc().collect()), "{good}");
        }
    }
}

//! Free texts: trimmed, brought to NFC, bounded in characters, without control characters that no one types.

use unicode_normalization::UnicodeNormalization;

use super::error::{Code, Problem};

/// Whether a text may hold line breaks and tabs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

/// A text of one line of 1 to `max` characters; `REQUIRED` when nothing is left of it.
pub fn required(raw: &str, max: usize) -> Result<String, Problem> {
    optional(Some(raw), max)?.ok_or_else(|| Problem::new(Code::Required, "This must not be empty."))
}

/// A text of one line of at most `max` characters; nothing when absent or empty.
pub fn optional(raw: Option<&str>, max: usize) -> Result<Option<String>, Problem> {
    normalize(raw, max, Lines::One)
}

/// As [`optional`], and line breaks are welcome.
pub fn optional_lines(raw: Option<&str>, max: usize) -> Result<Option<String>, Problem> {
    normalize(raw, max, Lines::Many)
}

/// What can be shown of a text of one line, cut to `max` characters; nothing when nothing is left of it.
pub fn fitted(raw: Option<&str>, max: usize) -> Option<String> {
    fit(raw, max, Lines::One)
}

/// As [`fitted`], and line breaks are kept.
pub fn fitted_lines(raw: Option<&str>, max: usize) -> Option<String> {
    fit(raw, max, Lines::Many)
}

fn normalize(raw: Option<&str>, max: usize, lines: Lines) -> Result<Option<String>, Problem> {
    let Some(raw) = raw else { return Ok(None) };
    // Four bytes a character and some room for what NFC composes: more is too long without being looked at.
    if raw.len() > 12 * max + 1024 {
        return Err(Problem::too_long(max));
    }
    let text: String = raw.trim().nfc().collect();
    if text.chars().any(|c| lines.forbid(c)) {
        return Err(Problem::new(Code::InvalidFormat, "This has characters that cannot be shown."));
    }
    if text.chars().count() > max {
        return Err(Problem::too_long(max));
    }
    Ok((!text.is_empty()).then_some(text))
}

fn fit(raw: Option<&str>, max: usize, lines: Lines) -> Option<String> {
    let text: String = raw?.trim().nfc().filter(|c| !lines.forbid(*c)).take(max).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Lines {
    fn forbid(self, c: char) -> bool {
        match c {
            '\n' | '\t' | '\r' => self == Self::One,
            c => c.is_control() || is_bidi_control(c),
        }
    }
}

/// Marks that reorder what is shown, and so let one name look like another.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_composed_and_counted_in_characters() {
        assert_eq!(optional(Some("  e\u{301}a "), 2), Ok(Some("éa".into())));
        assert_eq!(optional(Some("   "), 2), Ok(None));
        assert_eq!(required("  ", 5).map_err(|p| p.code), Err(Code::Required));
        assert_eq!(required("abc", 2).map_err(|p| p.code), Err(Code::TooLong));
        assert_eq!(required(&"x".repeat(1 << 20), 64).map_err(|p| p.code), Err(Code::TooLong));
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        for bad in ["a\0b", "a\nb", "a\u{202E}b", "\u{7}"] {
            assert_eq!(required(bad, 9).map_err(|p| p.code), Err(Code::InvalidFormat), "{bad:?}");
        }
        assert_eq!(optional_lines(Some("a\nb"), 9), Ok(Some("a\nb".into())));
    }
}

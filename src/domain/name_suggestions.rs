//! Derives names from texts that are not valid names, and from names that are taken.

use unicode_normalization::UnicodeNormalization;

/// Returns a text in lower case, without marks on letters. Characters other than ASCII letters, ASCII digits and those
/// of `kept` become hyphens. The result has at most `max` characters and no hyphens at its ends, and may be empty.
pub fn plain(raw: &str, kept: &str, max: usize) -> String {
    let marked = |c: char| ('\u{300}'..'\u{370}').contains(&c);
    let name: String = raw
        .trim()
        .to_lowercase()
        .nfkd()
        .filter(|c| !marked(*c))
        .map(|c| if c.is_ascii_alphanumeric() || kept.contains(c) { c } else { '-' })
        .take(max)
        .collect();
    name.trim_matches('-').to_owned()
}

/// Returns `base-2`, truncated to `max` characters. The base is ASCII.
pub fn numbered(base: &str, number: usize, max: usize) -> String {
    suffixed(base, &number.to_string(), max)
}

/// Returns `base-suffix`, with the base truncated so that it has at most `max` characters. Both are ASCII.
pub fn suffixed(base: &str, suffix: &str, max: usize) -> String {
    let kept = &base[..base.len().min(max.saturating_sub(suffix.len() + 1))];
    format!("{}-{suffix}", kept.trim_end_matches('-'))
}

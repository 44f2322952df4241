//! Names that are made from other texts: one that resembles what is no name, and one that resembles a name that is taken.

use unicode_normalization::UnicodeNormalization;

/// The text in lower case, marks taken off its letters, what is neither a letter or digit of ASCII nor in `kept` made a hyphen;
/// at most `max` characters, without hyphens at its ends. It may be empty.
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

/// `base-2`, cut to fit. The base is plain ASCII.
pub fn numbered(base: &str, number: usize, max: usize) -> String {
    suffixed(base, &number.to_string(), max)
}

/// `base-suffix`, cut to fit before the suffix. Both are plain ASCII.
pub fn suffixed(base: &str, suffix: &str, max: usize) -> String {
    let kept = &base[..base.len().min(max.saturating_sub(suffix.len() + 1))];
    format!("{}-{suffix}", kept.trim_end_matches('-'))
}

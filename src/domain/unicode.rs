//! Deceptive characters: invisible ones, and those that reorder others.

use unicode_normalization::char::is_combining_mark;

const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
const ZERO_WIDTH_JOINER: char = '\u{200D}';
const BLACK_FLAG: char = '\u{1F3F4}';

/// Returns whether a character reorders the displayed text, so that one name looks like another.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// Returns whether a character is invisible, or blank without being a space.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{200B}'
        | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}' | '\u{E0001}')
}

/// Returns whether a character is a dot that separates the labels of a domain (UTS 46).
pub fn is_full_stop(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}')
}

/// Returns whether a character breaks lines or paragraphs and is not a control character.
pub fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns whether a character combines with the one before it.
pub fn is_attached(c: char) -> bool {
    is_combining_mark(c) || is_modifier(c)
}

/// Returns whether a character only changes the appearance of the one before it.
pub fn is_modifier(c: char) -> bool {
    is_joiner(c) || is_tag(c) || is_variation(c)
}

/// Returns whether `c` may follow `before`. Joiners are allowed only after characters other than ASCII, because some
/// scripts and emoji need them, and tags only in flags. Elsewhere they would be invisible.
pub fn may_follow(before: Option<char>, c: char) -> bool {
    match before {
        _ if is_joiner(c) => before.is_some_and(|before| !before.is_ascii() && !is_joiner(before)),
        _ if is_tag(c) => before.is_some_and(|before| before == BLACK_FLAG || is_tag(before)),
        _ => true,
    }
}

fn is_joiner(c: char) -> bool {
    matches!(c, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER)
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0020}'..='\u{E007F}')
}

fn is_variation(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

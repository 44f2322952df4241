//! Which characters deceive: they are not seen, or make others be seen in another place.

use unicode_normalization::char::is_combining_mark;

const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
const ZERO_WIDTH_JOINER: char = '\u{200D}';
const BLACK_FLAG: char = '\u{1F3F4}';

/// Marks and embeddings that reorder what is shown, and so let one name look like another.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// What takes no room or is blank without being a space, wherever it stands.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{200B}'
        | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}' | '\u{E0001}')
}

/// Dots that separate the labels of a domain (UTS 46), in any width.
pub fn is_full_stop(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}')
}

/// Breaks of lines and paragraphs that are no control characters.
pub fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// What belongs to the character before it, and to nothing where none is.
pub fn is_attached(c: char) -> bool {
    is_combining_mark(c) || is_modifier(c)
}

/// What changes how the character before it is shown, and is not seen itself.
pub fn is_modifier(c: char) -> bool {
    is_joiner(c) || is_tag(c) || is_variation(c)
}

/// Whether `c` may stand behind `before`. Joiners belong between letters of scripts that need them and in emoji, tags in flags:
/// elsewhere nobody sees them.
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

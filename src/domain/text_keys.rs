//! Keys of texts for search and order. They are made here, since databases differ in what their locales make of case and accents.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::domain::unicode::is_modifier;

/// Longest folded text in a key, in characters: PostgreSQL takes at most 2,704 bytes into an index.
const MAX: usize = 500;

/// The form of a text in which a search compares it: compatibility decomposed, without regard to case, without marks. Letters that
/// differ from others by a stroke or a ligature are written as these.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // A letter and its capital have the same lower case after the upper case: ß and ẞ, σ and ς, ı and I as well.
    let letters = text.nfkd().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    for c in letters.filter(|c| canonical_combining_class(*c) == 0 && !is_modifier(*c)) {
        match c {
            'æ' => folded.push_str("ae"),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'œ' => folded.push_str("oe"),
            'ŧ' => folded.push('t'),
            'þ' => folded.push_str("th"),
            c => folded.push(c),
        }
    }
    folded
}

/// The key that is stored beside a text: its folded form and, behind a character that no text has, the text itself, which orders
/// texts that fold alike. `None` for a text in ASCII: there the lower case of any database does.
pub fn stored(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let mut key: String = folded(text).chars().take(MAX).collect();
    key.push('\u{1}');
    key.push_str(text);
    Some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folded_disregards_case_accents_and_spelling() {
        for (one, other) in [
            ("ZÜRICH", "zürich"),
            ("Zu\u{308}rich", "Zürich"),
            ("Lucía", "Lucia"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
            ("Ὀδυσσεύς", "οδυσσευς"),
            ("STRASSE", "Straße"),
            ("STRAẞE", "strasse"),
            ("ISPARTA", "ısparta"),
            ("İstanbul", "istanbul"),
            ("Øre", "ore"),
            ("Łódź", "lodz"),
            ("Ægir", "aegir"),
            ("ＡＢＣ", "abc"),
            ("ﬁle", "FILE"),
            ("Ångström", "angstrom"),
            ("ЁЛКА", "елка"),
            ("ｶﾞｽ", "ガス"),
            ("❤️", "❤"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        for (one, other) in [("東京", "京都"), ("कि", "कु"), ("a", "b"), ("о", "o")] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
    }

    #[test]
    fn stored_keys_order_accented_letters_beside_their_base() {
        let mut names =
            ["zoo", "Éclair", "Apfel", "Øre", "Zürich", "Äpfel", "東京", "einer", "Ostern", "Über", "ober", "uhu"];
        names.sort_by_key(|name| stored(name).unwrap_or_else(|| name.to_lowercase()));
        let ordered =
            ["Apfel", "Äpfel", "Éclair", "einer", "ober", "Øre", "Ostern", "Über", "uhu", "zoo", "Zürich", "東京"];
        assert_eq!(names, ordered);
    }

    #[test]
    fn stored_keys_fit_into_an_index() {
        for widest in ['\u{FDFA}', '\u{1D160}', '\u{10FFFD}', 'ΐ'] {
            let key = stored(&widest.to_string().repeat(64)).expect("a key");
            assert!(key.len() < 2600, "{widest}: {} bytes", key.len());
        }
    }

    #[test]
    fn folded_is_the_same_for_each_character_in_either_case_and_normal_form() {
        for c in ('\0'..=char::MAX).filter(|c| c.is_alphabetic()) {
            let (text, key) = (c.to_string(), folded(&c.to_string()));
            let forms =
                [text.to_uppercase(), text.to_lowercase(), text.nfd().collect(), text.nfkc().collect(), key.clone()];
            for form in forms {
                assert_eq!(folded(&form), key, "{text} {form}");
            }
        }
    }

    proptest! {
        #[test]
        fn folded_finds_each_part_of_a_text(before in "\\PC{0,5}", part in "\\PC{0,5}", after in "\\PC{0,5}") {
            let whole = folded(&format!("{before}{part}{after}"));
            prop_assert!(whole.contains(&folded(&part)), "{}", whole);
        }

        #[test]
        fn folded_ascii_is_its_lower_case(text in "[ -~]{0,20}") {
            prop_assert_eq!(folded(&text), text.to_ascii_lowercase());
        }
    }
}

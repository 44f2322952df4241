//! Keys of texts for search and order. They are computed here, because the locales of databases treat case and accents
//! differently.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::domain::unicode::is_modifier;

/// Maximum length of the folded text in a key, in characters: an index entry of PostgreSQL has at most 2,704 bytes.
const MAX: usize = 500;

/// Returns the form in which a search compares texts: compatibility decomposed, case folded, without marks. Letters
/// with a stroke and ligatures become plain letters.
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // A conversion to upper case before the last one makes all case variants equal, also ß and ẞ, σ and ς, ı and I.
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

/// Returns the key that is stored with a text: the folded text, a separator, and the text itself, which orders texts
/// with equal folded forms. `None` for an ASCII text, because every database converts ASCII to the same lower case.
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

//! Property tests of parsers and tokens, with a few hundred cases each. `PROPTEST_CASES=1000000` runs more; failures of
//! the past are in `tests/corpus` and always run.

use chrono::TimeDelta;
use guildhall::auth::tokens::TokenSigner;
use guildhall::domain::{Clock, Email, Slug, UserId, Username, slug, text, username};
use lettre::Address;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use crate::support::corpus;

/// Texts that are nearly valid, and some that are not.
fn near(alphabet: &'static str) -> impl Strategy<Value = String> {
    let known: Vec<char> = alphabet.chars().collect();
    let odd: Vec<char> = "\0\r\n\t \u{a0}@.\"'<>()[]\\,;:%=?\u{130}\u{212a}\u{17f}\u{df}\u{301}\u{200b}\u{200d}\u{202e}\u{2028}\u{feff}\u{e0061}\u{1f680}\u{1f3f4}é名א".chars().collect();
    let character = prop_oneof![8 => prop::sample::select(known), 1 => prop::sample::select(odd), 1 => any::<char>()];
    prop::collection::vec(character, 0..80).prop_map(String::from_iter)
}

const NAMES: &str = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-._";

fn slugs_keep_their_form(raw: &str) {
    let Ok(slug) = Slug::parse(raw) else { return };
    let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!((1..=slug::MAX).contains(&slug.as_str().len()) && slug.as_str().chars().all(form), "{slug}");
    assert_eq!(Slug::parse(slug.as_str()), Ok(slug.clone()), "parsing is idempotent");
    assert_eq!(Slug::lowercase(raw), slug.as_str(), "a lowercase lookup finds it");
}

fn usernames_keep_their_form(raw: &str) {
    if let Ok(name) = Username::parse(raw) {
        let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        assert!((3..=username::MAX).contains(&name.as_str().len()) && name.as_str().chars().all(form), "{name}");
        assert_eq!(Username::parse(name.as_str()), Ok(name.clone()));
        assert_eq!(Username::lowercase(raw), name.as_str());
    }
    let similar = Username::resembling(raw, "1a2b3c4d");
    assert_eq!(similar.len(), 21, "each of them is a username: {similar:?}");
}

fn addresses_can_be_written_to(raw: &str) {
    let Ok(email) = Email::parse(raw) else { return };
    let text = email.as_str();
    assert!(text.chars().count() <= 254 && text.matches('@').count() == 1, "{text}");
    assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace() || "\"<>(),;:\\[]".contains(c)), "{text}");
    assert_eq!(Email::parse(text).map(|again| again.to_string()), Ok(text.to_owned()), "two spellings are one address");
    assert!(text.parse::<Address>().is_ok(), "a mail can be addressed to {text}");
}

fn texts_are_shown_as_they_are(raw: &str) {
    for max in [1, 16, 64] {
        if let Ok(Some(text)) = text::optional(Some(raw), max) {
            assert!((1..=max).contains(&text.chars().count()) && text.trim() == text, "{text:?}");
            assert!(
                !text.contains(|c: char| c.is_control() || "\u{2028}\u{202e}\u{200b}\u{feff}".contains(c)),
                "{text:?}"
            );
            assert_eq!(text::optional(Some(&text), max), Ok(Some(text.clone())), "parsing is idempotent");
            assert_eq!(text::truncated(Some(raw), max), Some(text), "a valid text is not changed");
        }
        if let Some(text) = text::truncated(Some(raw), max) {
            assert_eq!(text::required(&text, max), Ok(text.nfc().collect::<String>()), "a truncated text is valid");
        }
    }
}

#[test]
fn corpus_values_keep_the_parser_properties() {
    for folder in ["slugs", "addresses"] {
        corpus::replay(folder, |raw| {
            slugs_keep_their_form(raw);
            usernames_keep_their_form(raw);
            addresses_can_be_written_to(raw);
            texts_are_shown_as_they_are(raw);
        });
    }
}

fn keys() -> TokenSigner {
    TokenSigner::from_secret("a secret for tests that is long enough").expect("a key")
}

proptest! {
    #[test]
    fn slug_parse_is_idempotent_and_well_formed(raw in prop_oneof![near(NAMES), corpus::changed("slugs")]) {
        slugs_keep_their_form(&raw);
        slugs_keep_their_form(&raw.chars().take(16).collect::<String>());
    }

    #[test]
    fn username_parse_is_idempotent_and_well_formed(raw in near(NAMES)) {
        usernames_keep_their_form(&raw);
        usernames_keep_their_form(&raw.chars().take(32).collect::<String>());
    }

    #[test]
    fn email_parse_accepts_only_deliverable_addresses(local in near(NAMES), domain in near(NAMES), label in "[a-z]{2,6}", known in corpus::changed("addresses")) {
        addresses_can_be_written_to(&known);
        addresses_can_be_written_to(&local);
        let short: String = local.chars().take(12).collect();
        addresses_can_be_written_to(&format!("{short}@example.org"));
        addresses_can_be_written_to(&format!("ada@{domain}.{label}"));
        addresses_can_be_written_to(&format!("{short}@{domain}.{label}"));
    }

    #[test]
    fn text_parsing_is_idempotent_and_refuses_invisible_characters(raw in near("abc déf 日本 🚀 \u{5d0}\u{5d1}")) {
        texts_are_shown_as_they_are(&raw);
    }

    #[test]
    fn token_verification_refuses_random_and_altered_tokens(raw in near("eyJhbGciOi.-_0123456789"), place in any::<prop::sample::Index>(), other in any::<char>()) {
        let (keys, now) = (keys(), Clock::default().now());
        let user = UserId::from(uuid::Uuid::from_u128(7));
        prop_assert!(keys.verify(&raw, now).is_err());
        prop_assert!(keys.read_refresh_token(&raw).is_none());
        let session = guildhall::domain::SessionId::from(uuid::Uuid::from_u128(8));
        let access = keys.issue_access_token(user, None, now, TimeDelta::minutes(1)).expect("a token").0;
        let refresh = keys.refresh_token(session, 3);
        let altered = |token: &str| {
            let mut characters: Vec<char> = token.chars().collect();
            *place.get_mut(&mut characters) = other;
            String::from_iter(characters)
        };
        // The last base64 character may encode the same bits as another one; the altered token is refused in that case,
        // too.
        let (access_altered, refresh_altered) = (altered(&access), altered(&refresh));
        prop_assert!(access_altered == access || keys.verify(&access_altered, now).is_err(), "{access_altered}");
        prop_assert!(
            refresh_altered == refresh || refresh_altered.trim() == refresh
                || keys.read_refresh_token(&refresh_altered).is_none(),
            "{refresh_altered}"
        );
    }
}

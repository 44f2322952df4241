//! Parsers of untrusted input accept or refuse any text without a panic: documents similar to those of
//! `tests/validation`, cursors, IDs, WebSocket messages. `PROPTEST_CASES=1000000` runs more cases; failures of the past
//! are in `tests/corpus` and always run.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use async_graphql::parser::parse_query;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use guildhall::domain::clock::Instant;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{OrganizationId, UserId};
use guildhall::graphql::connection;
use guildhall::graphql::documents::{PreparedDocument, parser};
use guildhall::graphql::schema::definitions;
use guildhall::graphql::validation::Exposure;
use guildhall::server::websocket::protocol::{Protocol, Step};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::corpus;

/// Documents of `tests/validation`.
static JUDGED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validation/documents");
    let files = fs::read_dir(folder).expect("the documents").map(|entry| entry.expect("a file").path());
    let texts = files.map(|file| fs::read_to_string(file).expect("text"));
    texts.flat_map(|text| text.split("\n----\n").map(str::to_owned).collect::<Vec<_>>()).collect()
});

/// A syntax tree without positions.
fn bare(mut tree: Value) -> Value {
    fn strip(tree: &mut Value) {
        match tree {
            Value::Object(members) => {
                members.remove("pos");
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut tree);
    tree
}

fn documents_are_read(text: &str) {
    let open = PreparedDocument::new(text, definitions(), Exposure::Open);
    let hidden = PreparedDocument::new(text, definitions(), Exposure::Hidden);
    assert!(open.is_ok() || hidden.is_err(), "a restricted parse accepts no more documents: {text:?}");
    // The async-graphql parser reads these differently from graphql-js.
    if text.contains("-0") || text.contains("\"\"\"") || has_comment_behind_on(text) || has_longer_word(text) {
        return;
    }
    let Ok(ours) = parser::parse(text) else { return };
    if let (true, Ok(theirs)) = (ours.ambiguities.is_empty(), parse_query(text)) {
        let [ours, theirs] = [&ours.document, &theirs].map(|tree| bare(serde_json::to_value(tree).expect("a tree")));
        assert_eq!(ours, theirs, "one text, one tree: {text:?}");
    }
}

/// Whether a comment follows `on` directly: the library then reads `on` as the name of a fragment.
fn has_comment_behind_on(text: &str) -> bool {
    let ignored = [' ', ',', '\t', '\r', '\n', '\u{feff}'];
    text.split("on").skip(1).any(|rest| rest.trim_start_matches(ignored).starts_with('#'))
}

/// Whether a word starts with a value keyword, such as `nullable`: the library reads the keyword, and then the rest.
fn has_longer_word(text: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    ["null", "true", "false"].iter().any(|word| text.split(word).skip(1).any(goes_on) || text.contains(&word.repeat(2)))
}

fn cursors_are_read(text: &str) {
    if let Some(place) = connection::read_cursor::<String>("members", text) {
        assert_eq!(connection::read_cursor("members", &connection::cursor("members", &place)), Some(place));
    }
    let _ = connection::read_cursor::<Instant>("members", text);
}

fn ids_are_read(text: &str) {
    if let Some(id) = OrganizationId::parse(text) {
        assert_eq!(id.to_string(), text, "an ID has one spelling");
    }
    assert!(UserId::parse(text).is_none() || OrganizationId::parse(text).is_none());
}

fn messages_are_read(text: &str) {
    let is_message = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|message| message["type"].is_string());
    let mut protocol = Protocol::default();
    for message in [text, r#"{"type": "connection_init"}"#, text, text] {
        match protocol.receive(message) {
            Err(close) => {
                assert!(close.reason.len() <= 123, "it fits into the frame: {}", close.reason);
                return;
            }
            Ok(Step::Send(reply)) => assert!(is_message(&reply), "{reply}"),
            Ok(Step::Run(number, _)) => {
                let next = protocol.next(number, "null").expect("somebody waits for it");
                assert!(is_message(&next), "{next}");
            }
            Ok(Step::Init(_) | Step::Stop(_) | Step::Nothing) => {}
        }
        if protocol.has_begun() {
            protocol.acknowledge();
        }
    }
}

fn document() -> impl Strategy<Value = String> {
    prop_oneof![prop::sample::select(JUDGED.clone()).prop_flat_map(corpus::edited), corpus::changed("documents")]
}

/// The decoded content of a cursor, edited at random and encoded again.
fn cursor() -> impl Strategy<Value = String> {
    let place = guildhall::domain::page::Keyset { key: "1700000000000000".to_owned(), id: uuid::Uuid::from_u128(7) };
    let inside = URL_SAFE_NO_PAD.decode(connection::cursor("members", &place)).expect("base 64");
    corpus::edited(String::from_utf8(inside).expect("text")).prop_map(|text| URL_SAFE_NO_PAD.encode(text))
}

#[test]
fn corpus_inputs_are_read() {
    corpus::replay("documents", documents_are_read);
    corpus::replay("cursors", cursors_are_read);
    corpus::replay("ids", ids_are_read);
    corpus::replay("messages", messages_are_read);
    JUDGED.iter().for_each(|text| documents_are_read(text));
}

proptest! {
    #[test]
    fn prepared_document_agrees_with_the_library_on_edited_documents(text in document()) {
        documents_are_read(&text);
    }

    #[test]
    fn read_cursor_round_trips_edited_cursors(text in prop_oneof![cursor(), corpus::changed("cursors")]) {
        cursors_are_read(&text);
    }

    #[test]
    fn cursor_round_trips_every_key(key in "[^\0]*", number in any::<u128>()) {
        let place = guildhall::domain::page::Keyset { key, id: uuid::Uuid::from_u128(number) };
        let written = connection::cursor("members", &place);
        prop_assert_eq!(connection::read_cursor("members", &written), Some(place));
        prop_assert!(connection::read_cursor::<String>("projects", &written).is_none(), "of another list");
    }

    #[test]
    fn typed_id_parse_accepts_one_spelling(text in corpus::changed("ids"), number in any::<u128>()) {
        ids_are_read(&text);
        let id = OrganizationId::from(uuid::Uuid::from_u128(number));
        prop_assert_eq!(OrganizationId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn websocket_protocol_handles_edited_messages(text in corpus::changed("messages")) {
        messages_are_read(&text);
    }
}

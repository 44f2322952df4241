//! What comes in from outside is read without harm, whatever it is: documents near to those that graphql-js judges, cursors, IDs,
//! messages in a socket. `PROPTEST_CASES=1000000` looks longer; what was found once is in the lists, and stays tried.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use async_graphql::parser::parse_query;
use guildhall::domain::clock::Instant;
use guildhall::domain::ids::TypedId;
use guildhall::domain::{OrganizationId, UserId};
use guildhall::graphql::document::{Plan, syntax};
use guildhall::graphql::page;
use guildhall::graphql::schema::definitions;
use guildhall::graphql::validation::Exposure;
use guildhall::server::socket::protocol::Protocol;
use proptest::prelude::*;
use serde_json::Value;

/// Documents of `tests/validation`.
static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validation/documents");
    let files = fs::read_dir(folder).expect("the documents").map(|entry| entry.expect("a file").path());
    let texts = files.map(|file| fs::read_to_string(file).expect("text"));
    texts.flat_map(|text| text.split("\n----\n").map(str::to_owned).collect::<Vec<_>>()).collect()
});

/// Documents with what is easily read otherwise than graphql-js reads it, or costs more than its length tells.
const PICKED: [&str; 5] = [
    "{ arguments { intArg(a: -0) } }",
    "{ a(b: \"\"\"a\n  \"b\" \\u{zz} \\\"\"\" c\n\"\"\") }",
    "query A { ...F } query B { ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
    "subscription { ...F } fragment F on Subscription { ...F }",
    "{ a(b: \"\"\"\"\"\"\"\") }",
];

/// A tree without its places.
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
    let open = Plan::new(text, definitions(), Exposure::Open);
    let hidden = Plan::new(text, definitions(), Exposure::Hidden);
    assert!(open.is_ok() || hidden.is_err(), "who may learn less may not ask more: {text:?}");
    // The library reads these two otherwise than graphql-js does.
    if text.contains("-0") || text.contains("\"\"\"") {
        return;
    }
    let Ok(ours) = syntax::parse(text) else { return };
    if let (true, Ok(theirs)) = (ours.ambiguities.is_empty(), parse_query(text)) {
        let [ours, theirs] = [&ours.document, &theirs].map(|tree| bare(serde_json::to_value(tree).expect("a tree")));
        assert_eq!(ours, theirs, "one text, one tree: {text:?}");
    }
}

fn cursors_are_read(text: &str) {
    if let Some(place) = page::read_cursor::<String>("members", text) {
        assert_eq!(page::read_cursor("members", &page::cursor("members", &place)), Some(place));
    }
    let _ = page::read_cursor::<Instant>("members", text);
}

fn ids_are_read(text: &str) {
    if let Some(id) = OrganizationId::parse(text) {
        assert_eq!(id.to_string(), text, "an ID is written one way");
    }
    assert!(UserId::parse(text).is_none() || OrganizationId::parse(text).is_none());
}

fn messages_are_read(text: &str) {
    let mut protocol = Protocol::default();
    for message in [text, r#"{"type": "connection_init"}"#, text, text] {
        if protocol.receive(message).is_err() {
            return;
        }
        if protocol.has_begun() {
            protocol.acknowledge();
        }
    }
}

/// Something that stands in documents, cursors or messages.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "\"\"\"",
        "\\u{",
        "\\uD83D",
        "...",
        "on ",
        "fragment F on Query ",
        "$a",
        "@",
        "@skip(if: true)",
        ":",
        "!",
        "#",
        "\r\n",
        "\u{feff}",
        "...F ",
        "__typename ",
        "query ",
        "mutation ",
        "-0",
        "1e9",
        "org_",
        "usr_",
        "null",
        "é",
        "\0",
    ];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"]
}

/// A text that has had pieces put in and taken out.
fn changed(text: String) -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..8usize, 0..30usize, piece());
    prop::collection::vec(edit, 0..6).prop_map(move |edits| {
        let mut characters: Vec<char> = text.chars().collect();
        for (place, taken, times, put) in edits {
            let from = place.index(characters.len() + 1);
            let to = (from + taken).min(characters.len());
            characters.splice(from..to, put.repeat(times).chars());
        }
        characters.into_iter().collect()
    })
}

fn document() -> impl Strategy<Value = String> {
    prop::sample::select(CORPUS.clone()).prop_flat_map(changed)
}

#[test]
fn what_is_easily_misread_is_read() {
    for text in PICKED.into_iter().chain(CORPUS.iter().map(String::as_str)) {
        documents_are_read(text);
        cursors_are_read(text);
        ids_are_read(text);
        messages_are_read(text);
    }
}

proptest! {
    #[test]
    fn documents(text in document()) {
        documents_are_read(&text);
    }

    #[test]
    fn cursors(text in changed("MTIzNDU2NzgwMTkzYjM0ZTVmNmE3YjhjOWQwZTFmMmEzYjRjNWQ2ZQ".to_owned())) {
        cursors_are_read(&text);
    }

    #[test]
    fn cursors_of_every_key(key in "[^\0]*", number in any::<u128>()) {
        let place = guildhall::domain::page::Place { key, id: uuid::Uuid::from_u128(number) };
        let written = page::cursor("members", &place);
        prop_assert_eq!(page::read_cursor("members", &written), Some(place));
        prop_assert!(page::read_cursor::<String>("projects", &written).is_none(), "of another list");
    }

    #[test]
    fn ids(text in changed("org_01jd0000000000000000000000".to_owned()), number in any::<u128>()) {
        ids_are_read(&text);
        let id = OrganizationId::from(uuid::Uuid::from_u128(number));
        prop_assert_eq!(OrganizationId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn messages(text in changed(r#"{"id": "1", "type": "subscribe", "payload": {"query": "{ a }", "variables": {}}}"#.to_owned())) {
        messages_are_read(&text);
    }
}

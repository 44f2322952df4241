//! Texts that were or could be misread: one in each file of `tests/corpus`, in a folder for each kind of input.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

/// The texts of a folder, each with the name of its file.
pub fn texts(folder: &str) -> Vec<(String, String)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let files = fs::read_dir(&place).expect(folder).map(|entry| entry.expect("a file").path());
    let mut texts: Vec<_> = files
        .map(|file| {
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&file).expect("text"))
        })
        .collect();
    assert!(!texts.is_empty(), "there is nothing in {}", place.display());
    texts.sort();
    texts
}

/// Checks a property for every text of a folder.
pub fn replay(folder: &str, property: impl Fn(&str)) {
    for (name, text) in texts(folder) {
        // Printed if the test fails.
        println!("{folder}/{name}");
        property(&text);
    }
}

/// A fragment of documents, cursors or messages.
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

/// The text with random insertions and deletions.
pub fn edited(text: String) -> impl Strategy<Value = String> {
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

/// A random text of the folder with random insertions and deletions.
pub fn changed(folder: &str) -> impl Strategy<Value = String> + use<> {
    let known: Vec<String> = texts(folder).into_iter().map(|(_, text)| text).collect();
    prop::sample::select(known).prop_flat_map(edited)
}

//! Derived files: `UPDATE=1 cargo test` writes them; any other run fails if one is stale.

use std::fs;
use std::path::{Path, PathBuf};

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Checks that the file has the derived content.
#[track_caller]
pub fn assert_current(file: &str, derived: &str) {
    let present = fs::read_to_string(path(file)).unwrap_or_default();
    if present == derived {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(file), derived).expect("the file is written");
        return;
    }
    panic!("{file} is stale: `UPDATE=1 cargo test` writes it anew; review the diff");
}

/// Checks that the section between `<!-- name -->` and `<!-- /name -->` has the derived content.
#[track_caller]
pub fn assert_section_current(file: &str, name: &str, derived: &str) {
    let present = fs::read_to_string(path(file)).expect("the file");
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = present.split_once(&open).unwrap_or_else(|| panic!("{file} has no section {name}"));
    let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("{file}: the section {name} does not end"));
    assert_current(file, &format!("{before}{open}{}\n{close}{after}", derived.trim_end()));
}

//! How long the pieces of work take that every request is made of. `cargo bench --bench inside`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark says what went wrong by failing")]

mod work;

use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

#[divan::bench]
fn document_parsed_and_checked() -> bool {
    work::check_document(black_box(work::DOCUMENT))
}

#[divan::bench]
fn policy_every_action_for_every_standing(bencher: Bencher<'_, '_>) {
    let standings = work::decisions();
    bencher.bench(|| work::decide_all(black_box(&standings)));
}

#[divan::bench]
fn cursor_written_and_read() -> bool {
    work::cursor_there_and_back(black_box("somebody")).is_some()
}

#[divan::bench]
fn page_of_fifty_members(bencher: Bencher<'_, '_>) {
    let page = work::Page::new();
    bencher.bench_local(|| page.answer());
}

#[divan::bench]
fn request_without_database(bencher: Bencher<'_, '_>) {
    let whole = work::Whole::new();
    bencher.bench_local(|| whole.answer());
}

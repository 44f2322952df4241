//! How many instructions the pieces of work take that every request is made of, and how many they may: a number that neither
//! the machine's load nor its speed changes. `cargo bench --bench instructions`; needs valgrind and `gungraun-runner`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark says what went wrong by failing")]

mod work;

use std::process::Command;

fn main() {
    let found = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|ran| ran.status.success());
    match ["valgrind", "gungraun-runner"].into_iter().find(|program| !found(program)) {
        Some(missing) => println!("instructions are not counted: {missing} is not installed"),
        None => counted::run(),
    }
}

mod counted {
    use std::hint::black_box;

    use guildhall::policy::Standing;
    use gungraun::prelude::*;

    use super::work;

    /// At most so many instructions: what was counted when it was last looked at, and a tenth.
    fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
        let mut callgrind = Callgrind::default();
        callgrind.hard_limits([(EventKind::Ir, instructions)]).fail_fast(false);
        let mut config = LibraryBenchmarkConfig::default();
        config.tool(callgrind);
        config
    }

    #[library_benchmark(config = at_most(u64::MAX))]
    fn document_parsed_and_checked() -> bool {
        work::check_document(black_box(work::DOCUMENT))
    }

    #[library_benchmark(config = at_most(u64::MAX))]
    #[bench::all(work::decisions())]
    fn policy_every_action_for_every_standing(standings: Vec<Standing>) -> usize {
        work::decide_all(black_box(&standings))
    }

    #[library_benchmark(config = at_most(u64::MAX))]
    fn cursor_written_and_read() -> bool {
        work::cursor_there_and_back(black_box("somebody")).is_some()
    }

    #[library_benchmark(config = at_most(u64::MAX))]
    #[bench::fifty(work::Page::new())]
    fn page_of_members(page: work::Page) -> usize {
        page.answer()
    }

    #[library_benchmark(config = at_most(u64::MAX))]
    #[bench::roles(work::Whole::new())]
    fn request_without_database(whole: work::Whole) -> u16 {
        whole.answer()
    }

    library_benchmark_group!(
        name = inside,
        benchmarks = [
            document_parsed_and_checked,
            policy_every_action_for_every_standing,
            cursor_written_and_read,
            page_of_members,
            request_without_database,
        ]
    );

    gungraun::main!(library_benchmark_groups = inside);

    pub fn run() {
        main();
    }
}

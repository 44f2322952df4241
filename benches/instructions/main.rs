//! Counts the instructions of the workloads with callgrind, and compares them with recorded counts. Unlike time, they
//! hardly vary with the machine and its load. See the README in the parent folder.

mod callgrind;
mod record;
#[path = "../workloads/mod.rs"]
mod workloads;

use std::env;
use std::process::ExitCode;

use record::Record;
use workloads::Outcome;

/// The allocator of the executable.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let done = match env::var(callgrind::WORK) {
        Ok(name) => callgrind::perform(&name).map(|()| true),
        Err(_) => compare(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts the workloads. Returns false if a count has grown.
fn compare() -> Outcome<bool> {
    if cfg!(debug_assertions) {
        return Err("instructions are counted in an optimized build: `cargo bench --bench instructions`".into());
    }
    if !callgrind::is_installed() {
        println!("Instructions are not counted: valgrind is not installed (`apt-get install valgrind`).");
        return Ok(true);
    }
    let counted = Record::of_all()?;
    if env::var_os("UPDATE").is_some() {
        counted.write()?;
        print!("{counted}");
        return Ok(true);
    }
    Ok(Record::read()?.compare(&counted))
}

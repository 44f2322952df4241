//! The executable. What it can do is in `commands`.

/// For the many small texts of an answer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    guildhall::commands::main()
}

//! The executable. What it can do is in `commands`.

/// Quicker than the system's with the many small texts of an answer, and it gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    guildhall::commands::main()
}

//! The executable. What it can do is in `commands`.

/// For the many small texts of an answer. What a crowd needed goes back to the system some seconds after it has left.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    guildhall::commands::main()
}

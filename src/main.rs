//! The executable. Its commands are in `commands`.

/// Fast for the many small strings of a response. Memory of a load peak returns to the system some seconds later.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    guildhall::commands::main()
}

//! The executable. What it can do is in `commands`.

fn main() -> std::process::ExitCode {
    guildhall::commands::main()
}

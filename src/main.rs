//! The `lenscap` binary. Everything lives in the library, where tests can reach it.

fn main() -> std::process::ExitCode {
    lenscap::cli::main()
}

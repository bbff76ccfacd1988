//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    yep::cli::main()
}

//! Binary of the program: runs the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    yep::cli::main()
}

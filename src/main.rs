//! The `bridged` binary: parses the command line, makes one call, maps the result to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    bridged::cli::main()
}

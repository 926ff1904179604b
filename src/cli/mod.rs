//! The command line: arguments in, a report out; no logic.
//!
//! One file a command, each with the same parts: `Args` (what was typed), `execute` (one call into the library) and the
//! [`outcome::Outcome`] it returns. Results go to stdout, logs and progress to stderr.

pub mod args;
pub mod completions;
pub mod env;
pub mod exit;
pub mod explain;
pub mod findings;
pub mod init;
pub mod ledger;
pub mod logging;
pub mod outcome;
pub mod progress;
pub mod signals;
pub mod table;
pub mod text;
pub mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Cli, Command};
use crate::cli::env::Env;
use crate::cli::exit::Exit;

/// Runs the command that was typed and returns its exit code.
pub fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let exit = match Cli::try_parse_from(&typed) {
        Ok(cli) => run(cli),
        Err(error) => usage::report(&error, &typed),
    };
    exit.into()
}

fn run(cli: Cli) -> Exit {
    logging::start(cli.log_format, cli.verbose);
    let env = Env::new(cli.directory, cli.sandbox);
    match cli.command {
        Command::Explain(args) => {
            outcome::report("explain", args.format, &explain::execute(&args, &env))
        }
        Command::Init(args) => outcome::report("init", args.format, &init::execute(&args, &env)),
        Command::Completions(args) => completions::execute(&args),
    }
}

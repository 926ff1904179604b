//! `bridged completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::exit::Exit;
use super::outcome;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    pub shell: Shell,
}

/// Prints the script.
pub fn execute(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bridged", &mut script);
    outcome::print(&String::from_utf8_lossy(&script));
    Exit::Done
}

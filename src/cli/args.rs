//! The command tree: what can be typed, and the help it shows.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Parser, Subcommand, ValueEnum};

use super::{completions, explain, init};

/// A declarative pipeline engine for Salesforce.
#[derive(Debug, Parser)]
#[command(
    name = "bridged",
    version,
    styles = STYLES,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 invalid files or usage, 3 done with rejected records, 130 interrupted.\n\
                  Every error has a code; `bridged explain CODE` tells its cause and remedy."
)]
pub struct Cli {
    /// Work in DIR instead of the current folder.
    #[arg(short = 'C', global = true, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// Use a local Salesforce, started for this command, in place of the project's connections.
    #[arg(long, global = true)]
    pub sandbox: bool,

    /// How log lines on stderr are written.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: Format,

    /// Log more; twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new project that runs at once against the sandbox.
    Init(init::Args),
    /// Tell the cause and the remedy of an error code.
    Explain(explain::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// The form of a report, or of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object; for logs, one a line.
    Json,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

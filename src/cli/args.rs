//! The command tree: what can be typed, and the help it shows.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Parser, Subcommand, ValueEnum};

use super::{
    audit, campaign, check, completions, connect, connections, describe, dry_run, erase, explain,
    export, import, init, plan, profile, qualify, rejected, revoke, run, runs, sandbox, schema,
    serve, status, suppression, test, token, unknown, validate, vault,
};

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
    #[arg(
        short = 'C',
        global = true,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true
    )]
    pub directory: PathBuf,

    /// Use a local Salesforce, started for this command.
    #[arg(long, global = true)]
    pub sandbox: bool,

    /// How log lines on stderr are written: text or json.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
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
    /// Find everything that is wrong with the files, offline.
    Validate(validate::Args),
    /// Show the step graph of pipelines, the SOQL and the cost of a run.
    Plan(plan::Args),
    /// Run the tests that pipelines carry, offline.
    Test(test::Args),
    /// Read and map for real, and show what a run would write.
    DryRun(dry_run::Args),
    /// Run pipelines, and show where every record went.
    Run(run::Args),
    /// Test a connection: sign-in, API access, permissions of every pipeline.
    Check(check::Args),
    /// Sign in to an account, in a browser or with keys, and keep it encrypted.
    Connect(connect::Args),
    /// End a connection at Salesforce, and forget it.
    Revoke(revoke::Args),
    /// Show what is connected, as whom, and since when.
    Connections(connections::Args),
    /// Keep what the org says of its objects, for validation without it.
    Describe(describe::Args),
    /// Take profiles, outcomes or engagements from a file into the store.
    Import(import::Args),
    /// Record that a person is qualified.
    Qualify(qualify::Args),
    /// Show everything that is known of a person.
    Profile(profile::Args),
    /// Show how each pipeline stands.
    Status(status::Args),
    /// List past runs, or show one in full.
    Runs(runs::Args),
    /// List the records that could not be delivered, or show one in full.
    Rejected(rejected::Args),
    /// What is kept: secrets, the audit log, messages, tokens.
    #[command(flatten)]
    Kept(Kept),
    /// Run pipelines by themselves, and take in what comes from outside, until it is stopped.
    Serve(serve::Args),
    /// Serve a local Salesforce with seeded data until it is stopped.
    Sandbox(sandbox::Args),
    /// Print the JSON Schema of a file.
    Schema(schema::Args),
    /// Tell the cause and the remedy of an error code.
    Explain(explain::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Commands about what is kept, each with commands of its own.
#[derive(Debug, Subcommand)]
pub enum Kept {
    /// Make keys for the vault of secrets, and seal its secrets with a newer one.
    Vault(vault::Args),
    /// List what was done to connections and data, and check that nothing of the list was changed.
    Audit(audit::Args),
    /// Show campaigns, and pause, resume or stop one.
    Campaign(campaign::Args),
    /// List messages of which nobody knows whether they were sent, and say so.
    Unknown(unknown::Args),
    /// Keep somebody from being written to.
    Suppression(suppression::Args),
    /// Give out everything that is kept of a person.
    Export(export::Args),
    /// Erase a person, for good.
    Erase(erase::Args),
    /// Make tokens for the server's API, list and revoke them.
    Token(token::Args),
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

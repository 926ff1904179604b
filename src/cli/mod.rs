//! The command line: arguments in, a report out; no logic.
//!
//! One file a command, each with the same parts: `Args` (what was typed), `execute` (one call into the library) and the
//! [`outcome::Outcome`] it returns. Results go to stdout, logs and progress to stderr.

pub mod actor;
pub mod args;
pub mod audit;
pub mod browser;
pub mod campaign;
mod campaigns;
pub mod check;
pub mod checklist;
pub mod completions;
pub mod connect;
pub mod connections;
pub mod describe;
pub mod diff;
pub mod dry_run;
pub mod enter;
pub mod env;
pub mod erase;
pub mod exit;
pub mod explain;
pub mod export;
pub mod findings;
pub mod import;
pub mod init;
pub mod instant;
pub mod ledger;
pub mod letters;
pub mod logging;
pub mod new_key;
pub mod object;
pub mod online;
pub mod org;
pub mod outcome;
pub mod person;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod qualify;
pub mod rejected;
pub mod replay;
pub mod revoke;
pub mod run;
pub mod runs;
pub mod runtime;
pub mod sandbox;
pub mod schedule;
pub mod schema;
pub mod serve;
pub mod served;
pub mod signals;
pub mod status;
pub mod suppression;
pub mod table;
pub mod test;
pub mod text;
pub mod token;
mod tokens;
pub mod traces;
pub mod unknown;
pub mod usage;
pub mod validate;
pub mod vault;
pub mod who;
pub mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Cli, Command, Kept};
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
    // What a server does stands in its log, and nowhere else.
    let verbose = match cli.command {
        Command::Serve(_) => cli.verbose.max(1),
        _ => cli.verbose,
    };
    let _traces = logging::start(cli.log_format, verbose);
    let env = Env::new(cli.directory, cli.sandbox);
    match cli.command {
        Command::Init(args) => outcome::report("init", args.format, &init::execute(&args, &env)),
        Command::Validate(args) => validate::execute(&args, &env),
        Command::Plan(args) => plan::execute(&args, &env),
        Command::Test(args) => outcome::report("test", args.format, &test::execute(&args, &env)),
        Command::DryRun(args) => {
            outcome::report("dry-run", args.format, &dry_run::execute(&args, &env))
        }
        Command::Run(args) => outcome::report("run", args.format, &run::execute(&args, &env)),
        Command::Check(args) => outcome::report("check", args.format, &check::execute(&args, &env)),
        Command::Connect(args) => {
            outcome::report("connect", args.format, &connect::execute(&args, &env))
        }
        Command::Revoke(args) => {
            outcome::report("revoke", args.format, &revoke::execute(&args, &env))
        }
        Command::Connections(args) => outcome::report(
            "connections",
            args.format,
            &connections::execute(&args, &env),
        ),
        Command::Describe(args) => {
            let ended = describe::execute(&args, &env);
            outcome::report("describe", describe::format(&args), &ended)
        }
        Command::Import(args) => {
            let ended = import::execute(&args, &env);
            outcome::report("import", import::format(&args), &ended)
        }
        Command::Qualify(args) => {
            outcome::report("qualify", args.format, &qualify::execute(&args, &env))
        }
        Command::Profile(args) => {
            outcome::report("profile", args.format, &profile::execute(&args, &env))
        }
        Command::Status(args) => {
            outcome::report("status", args.format, &status::execute(&args, &env))
        }
        Command::Runs(args) => outcome::report("runs", args.format, &runs::execute(&args, &env)),
        Command::Rejected(args) => {
            let ended = rejected::execute(&args, &env);
            outcome::report("rejected", rejected::format(&args), &ended)
        }
        Command::Serve(args) => serve::execute(&args, &env),
        Command::Sandbox(args) => sandbox::execute(&args, &env),
        Command::Schema(args) => schema::execute(&args),
        Command::Explain(args) => {
            outcome::report("explain", args.format, &explain::execute(&args, &env))
        }
        Command::Completions(args) => completions::execute(&args),
        Command::Kept(command) => keep(command, &env),
    }
}

/// The commands about what is kept: secrets, the audit log, messages and tokens. Each has commands of its own.
fn keep(command: Kept, env: &Env) -> Exit {
    let (name, format, ended) = match command {
        Kept::Vault(args) => ("vault", vault::format(&args), vault::execute(&args, env)),
        Kept::Audit(args) => ("audit", audit::format(&args), audit::execute(&args, env)),
        Kept::Campaign(args) => (
            "campaign",
            campaign::format(&args),
            campaign::execute(&args, env),
        ),
        Kept::Unknown(args) => (
            "unknown",
            unknown::format(&args),
            unknown::execute(&args, env),
        ),
        Kept::Suppression(args) => (
            "suppression",
            suppression::format(&args),
            suppression::execute(&args, env),
        ),
        Kept::Export(args) => ("export", args.format, export::execute(&args, env)),
        Kept::Erase(args) => ("erase", args.format, erase::execute(&args, env)),
        Kept::Token(args) => ("token", token::format(&args), token::execute(&args, env)),
    };
    outcome::report(name, format, &ended)
}

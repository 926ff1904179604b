//! `bridged dry-run`: reads and maps for real, and shows what a run would write.

use super::args::Format;
use super::connect::Org;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::workspace::Workspace;
use super::{diff, runtime, signals};
use crate::engine::Options;
use crate::engine::preview::{ReadSide, preview};
use crate::foundation::clock::Clock;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pipeline, by name or file.
    pub pipeline: String,

    /// Read everything again, whatever was read before.
    #[arg(long)]
    pub full: bool,

    /// Stop after so many records.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Show so many changes.
    #[arg(long, value_name = "N", default_value = "10")]
    pub show: usize,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Previews a run. Nothing here can write: neither the client nor the store has a call for it.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, std::slice::from_ref(&args.pipeline))?;
    let planned = workspace.plans()?;
    let Some(plan) = planned.plans.first() else {
        return Err(workspace.unknown(&args.pipeline));
    };
    let store = workspace.read_only_store()?;
    let options = Options {
        full: args.full,
        limit: args.limit,
    };
    let found = runtime::block_on(async {
        let cancel = signals::listen(None)?;
        let org = Org::open(&workspace).await?;
        let client = org.client(&plan.connection, None)?;
        let side = ReadSide {
            client,
            store,
            clock: Clock::system(),
            cancel,
        };
        preview(plan, &side, options, args.show).await
    })??;
    let exit = if found.rejected > 0 {
        Exit::Rejected
    } else {
        Exit::Done
    };
    let mut outcome = Outcome::new(exit, diff::json(plan, &found), diff::text(plan, &found));
    outcome.fingerprint = planned.fingerprint();
    outcome.findings = planned.findings;
    Ok(outcome)
}

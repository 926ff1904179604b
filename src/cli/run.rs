//! `bridged run`: executes pipelines and prints where every record went.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::{self, Run};
use super::org::Org;
use super::outcome::{Ended, Outcome};
use super::workspace::{Checked, Workspace};
use super::{runtime, signals};
use crate::engine::cancel::Cancel;
use crate::engine::saved::Saved;
use crate::engine::{self, Options};
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{RunReport, RunState};
use crate::foundation::fixed_by::FixedBy;
use crate::plan::Plan;
use crate::store::Store;

/// What a run says to the first signal.
const STOPPING: &str = "stopping behind the records in hand; once more stops at once";

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pipelines, by name or file; they run one after the other.
    #[arg(value_name = "PIPELINE", required = true)]
    pub pipelines: Vec<String>,

    /// Read everything again, whatever was read before; unchanged profiles are not written.
    #[arg(long)]
    pub full: bool,

    /// Stop after so many records.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Write exactly the rows of a plan that `dry-run --out FILE` saved; for one pipeline.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["full", "limit"])]
    pub plan: Option<PathBuf>,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// What is run.
enum How {
    /// The pipeline.
    Run(Options),
    /// A plan of rows that was saved.
    Apply(Saved),
}

/// Runs the pipelines.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &args.pipelines)?;
    let planned = workspace.plans()?;
    let saved = args.plan.as_deref().map(Saved::open).transpose()?;
    if saved.is_some() && planned.plans.len() != 1 {
        return Err(Error::new(
            Code::InvalidUsage,
            "`--plan` takes the one pipeline that the plan was saved for",
        )
        .help("name that pipeline alone")
        .into());
    }
    let store = workspace.store()?;
    let ended = runtime::block_on(run_all(args, &workspace, &planned, saved, &store))??;
    workspace.retain(store.as_ref());
    let mut outcome = report(ended);
    outcome.fingerprint = planned.fingerprint();
    outcome.findings = planned.findings;
    Ok(outcome)
}

async fn run_all(
    args: &Args,
    workspace: &Workspace,
    planned: &Checked,
    saved: Option<Saved>,
    store: &Arc<dyn Store>,
) -> Result<Vec<Result<RunReport>>> {
    let cancel = signals::listen(Some(STOPPING))?;
    let org = Org::open(workspace).await?;
    let how = match saved {
        Some(saved) => How::Apply(saved),
        None => How::Run(Options {
            full: args.full,
            limit: args.limit,
            ..Options::default()
        }),
    };
    let mut ended = Vec::new();
    for plan in &planned.plans {
        if cancel.is_cancelled() {
            break;
        }
        ended.push(run_one(plan, &org, Arc::clone(store), &how, cancel.clone()).await);
    }
    Ok(ended)
}

async fn run_one(
    plan: &Arc<Plan>,
    org: &Org<'_>,
    store: Arc<dyn Store>,
    how: &How,
    cancel: Cancel,
) -> Result<RunReport> {
    let outside = org.outside(plan, store, cancel)?;
    match how {
        How::Run(options) => engine::run::run(plan, &outside, *options).await,
        How::Apply(saved) => engine::run::apply(plan, &outside, saved).await,
    }
}

/// The report of all runs; its exit is the gravest of theirs.
pub fn report(ended: Vec<Result<RunReport>>) -> Outcome {
    let mut errors: Vec<Error> = Vec::new();
    let mut runs: Vec<Run> = Vec::new();
    for one in ended {
        match one {
            Ok(report) => runs.push(report.into()),
            Err(error) => errors.push(error),
        }
    }
    let exit = runs
        .iter()
        .map(exit_of)
        .chain(errors.iter().map(Exit::of_error))
        .max_by_key(|exit| exit.gravity());
    let rows: Vec<Value> = runs.iter().map(Run::json).collect();
    let text = if runs.is_empty() {
        String::new()
    } else {
        ledger::report(&runs)
    };
    let mut outcome = Outcome::new(
        exit.unwrap_or(Exit::Interrupted),
        json!({ "runs": rows }),
        text,
    );
    outcome.told = runs
        .iter()
        .filter_map(|run| run.error.as_ref())
        .map(|(code, message)| Diagnostic {
            turn: FixedBy::of_told(*code, message),
            ..Diagnostic::error(*code, message)
        })
        .chain(
            runs.iter()
                .flat_map(|run| ledger::coded_warnings(&run.warnings)),
        )
        .collect();
    outcome.errors = errors;
    outcome
}

fn exit_of(run: &Run) -> Exit {
    let interrupted = matches!(&run.error, Some((Code::Interrupted, _)));
    match run.state {
        _ if interrupted => Exit::Interrupted,
        Some(RunState::Failed) => Exit::Failed,
        _ if run.ledger.rejected + run.ledger.unknown > 0 => Exit::Rejected,
        _ => Exit::Done,
    }
}

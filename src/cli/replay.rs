//! `bridged rejected replay`: dead letters, read again and run through the pipeline as it is today.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::args::Format;
use super::exit::Exit;
use super::org::Org;
use super::outcome::{Ended, Outcome};
use super::text::{DIM, count, line, paint};
use super::workspace::Workspace;
use super::{diff, instant, run, runtime, signals};
use crate::engine::preview::ReadSide;
use crate::engine::replay::{self, Replayed};
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;
use crate::store::Store;
use crate::store::model::{DeadLetterRow, LetterFilter};
use crate::store::read_only::ReadOnly;

/// What can be typed behind `rejected replay`.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// The numbers that `rejected list` shows; all that fit the other conditions where none is given.
    #[arg(value_name = "ID")]
    pub ids: Vec<i64>,

    /// Only those of this pipeline.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,

    /// Only those with this code.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,

    /// Only those rejected at this time or later: `2027-03-01`, an instant, or how long ago (`2h`, `3d`).
    #[arg(long, value_name = "TIME", value_parser = instant::since)]
    pub since: Option<Timestamp>,

    /// Show what would be written, and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// What a replay says to the first signal.
const STOPPING: &str = "stopping behind the records in hand; once more stops at once";

/// How many changes a dry run shows.
const SHOWN: usize = 20;

/// The letters of one pipeline, with its plan.
type Batch = (Arc<Plan>, Vec<DeadLetterRow>);

/// Replays what was asked for, pipeline by pipeline.
pub(super) fn execute(args: &Replay, workspace: &Workspace) -> Ended {
    let planned = workspace.plans()?;
    let store = workspace.store()?;
    let letters = letters(args, workspace, store.as_ref())?;
    let mut by_pipeline: BTreeMap<String, Vec<DeadLetterRow>> = BTreeMap::new();
    for row in letters {
        by_pipeline
            .entry(row.letter.pipeline.clone())
            .or_default()
            .push(row);
    }
    let mut batches: Vec<Batch> = Vec::new();
    for (name, letters) in by_pipeline {
        let plan = planned
            .plans
            .iter()
            .find(|plan| plan.pipeline.as_str() == name);
        let Some(plan) = plan else {
            return Err(workspace.unknown(&name));
        };
        batches.push((Arc::clone(plan), letters));
    }
    if batches.is_empty() {
        let result = json!({ "runs": [], "gone": 0 });
        return Ok(Outcome::new(
            Exit::Done,
            result,
            "nothing to replay\n".to_owned(),
        ));
    }
    if args.dry_run {
        return runtime::block_on(foresee(workspace, batches, store))?;
    }
    let (reports, gone) = runtime::block_on(replay_all(args, workspace, batches, store))??;
    let mut outcome = run::report(reports);
    outcome.result["gone"] = gone.into();
    if gone > 0 {
        let told = format!("{} gone from their source; closed", count(gone, "record"));
        line(&mut outcome.text, format_args!("{}", paint(DIM, told)));
    }
    Ok(outcome)
}

/// The letters meant: those of the given numbers, else all open ones that fit.
fn letters(
    args: &Replay,
    workspace: &Workspace,
    store: &dyn Store,
) -> Result<Vec<DeadLetterRow>, super::outcome::Stop> {
    if !args.ids.is_empty() {
        let mut found = Vec::new();
        for id in &args.ids {
            let letter = store.dead_letter(*id)?.ok_or_else(|| {
                let message = format!("the store holds no rejected record {id}");
                Error::new(Code::UnknownDeadLetter, message)
                    .help("`bridged rejected list` shows their numbers")
            })?;
            // A letter that is closed needs no replay: its record was delivered since.
            if letter.closed.is_none() {
                found.push(letter);
            }
        }
        return Ok(found);
    }
    let pipeline = args.pipeline.as_deref().map(|name| workspace.name(name));
    let code = args.code.as_deref().map(super::explain::parse);
    let mut filter = LetterFilter {
        pipeline: pipeline.transpose()?,
        code: code.transpose()?,
        since: args.since,
        ..LetterFilter::default()
    };
    let mut found: Vec<DeadLetterRow> = Vec::new();
    loop {
        let page = store.dead_letters(&filter)?;
        let Some(last) = page.last() else { break };
        filter.before = Some(last.id);
        found.extend(page);
    }
    Ok(found)
}

/// How the letters were chosen, for the audit log.
fn chosen(args: &Replay) -> Map<String, Value> {
    let mut chosen = Map::new();
    let since = args.since.map(|since| since.to_string());
    for (name, value) in [
        ("pipeline", args.pipeline.as_ref()),
        ("code", args.code.as_ref()),
        ("since", since.as_ref()),
    ] {
        chosen.extend(value.map(|value| (name.to_owned(), value.as_str().into())));
    }
    if !args.ids.is_empty() {
        chosen.insert("by_number".to_owned(), true.into());
    }
    chosen
}

async fn replay_all(
    args: &Replay,
    workspace: &Workspace,
    batches: Vec<Batch>,
    store: Arc<dyn Store>,
) -> Result<(Vec<Result<crate::foundation::event::RunReport>>, u64)> {
    let cancel = signals::listen(Some(STOPPING))?;
    let org = Org::open(workspace).await?;
    let (mut reports, mut gone) = (Vec::new(), 0);
    let chosen = chosen(args);
    for (plan, letters) in batches {
        if cancel.is_cancelled() {
            break;
        }
        let outside = org.outside(&plan, Arc::clone(&store), cancel.clone())?;
        reports.push(
            match replay::replay(&plan, &outside, &letters, &chosen).await {
                Ok(Replayed { report, gone: lost }) => {
                    gone += lost;
                    Ok(report)
                }
                Err(error) => Err(error),
            },
        );
    }
    Ok((reports, gone))
}

async fn foresee(workspace: &Workspace, batches: Vec<Batch>, store: Arc<dyn Store>) -> Ended {
    let cancel = signals::listen(None)?;
    let org = Org::open(workspace).await?;
    let (mut results, mut text): (Vec<Value>, String) = (Vec::new(), String::new());
    let mut exit = Exit::Done;
    for (plan, letters) in batches {
        let side = ReadSide {
            client: org.client(&plan.connection, None)?,
            store: ReadOnly::new(Arc::clone(&store)),
            clock: Clock::system(),
            cancel: cancel.clone(),
            reach: org.reach(&plan)?.map(Arc::new),
        };
        let found = replay::foresee(&plan, &side, &letters, SHOWN).await?;
        if found.rejected > 0 {
            exit = Exit::Rejected;
        }
        results.push(diff::json(&plan, &found));
        text.push_str(&diff::text(&plan, &found));
    }
    Ok(Outcome::new(exit, json!({ "replays": results }), text))
}

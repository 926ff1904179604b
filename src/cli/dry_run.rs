//! `bridged dry-run`: reads and maps for real, and shows what a run would write.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::org::Org;
use super::outcome::{Ended, Outcome};
use super::text::{HINT, count, line, paint};
use super::workspace::Workspace;
use super::{diff, ledger, runtime, signals};
use crate::engine::preview::{Preview, ReadSide, preview};
use crate::engine::saved::{Header, Saving};
use crate::engine::{Options, apply};
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;

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

    /// Save what would be written, row by row, for `run --plan FILE`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

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
    if args.out.is_some() && plan.broadcast().is_some() {
        return Err(Error::new(
            Code::InvalidUsage,
            "`--out` saves the rows that a run writes, and this pipeline sends messages",
        )
        .help("leave `--out` out to see whom it would write to, or `bridged run` it")
        .into());
    }
    let store = workspace.read_only_store()?;
    let options = Options {
        full: args.full,
        limit: args.limit,
        ..Options::default()
    };
    let (found, saved) = runtime::block_on(async {
        let cancel = signals::listen(None)?;
        let org = Org::open(&workspace).await?;
        let client = org.client(&plan.connection, None)?;
        let side = ReadSide {
            client,
            store,
            clock: Clock::system(),
            cancel,
            reach: org.reach(plan)?.map(Arc::new),
        };
        look(plan, &side, options, args).await
    })??;
    let exit = if found.rejected > 0 {
        Exit::Rejected
    } else {
        Exit::Done
    };
    let mut result = diff::json(plan, &found);
    let mut text = diff::text(plan, &found);
    if let (Some(rows), Some(file)) = (saved, &args.out) {
        result["saved"] = json!({ "file": file.display().to_string(), "rows": rows });
        let command = paint(
            HINT,
            format_args!("bridged run {} --plan {}", plan.pipeline, file.display()),
        );
        let rows = count(rows, "row");
        line(
            &mut text,
            format_args!("{rows} saved; {command} writes exactly these"),
        );
    }
    let mut outcome = Outcome::new(exit, result, text);
    outcome.fingerprint = planned.fingerprint();
    outcome.findings = planned.findings;
    outcome.told = ledger::coded_warnings(&found.warnings).collect();
    Ok(outcome)
}

/// Looks at what a run would do, and saves the rows where a file is named; how many were saved.
async fn look(
    plan: &Arc<Plan>,
    side: &ReadSide,
    options: Options,
    args: &Args,
) -> Result<(Preview, Option<u64>)> {
    let Some(file) = &args.out else {
        let found = preview(plan, side, options, args.show, &mut |_| Ok(())).await?;
        return Ok((found, None));
    };
    let header = Header::new(
        plan.pipeline.to_string(),
        plan.fingerprint.to_string(),
        apply::org_of(&side.client).await?,
        side.clock.now(),
        apply::position_in(&side.store, plan)?,
    );
    let mut saving = Saving::begin(file, &header)?;
    let found = preview(plan, side, options, args.show, &mut |row| saving.add(row)).await?;
    if !found.is_whole {
        return Err(Error::new(
            Code::Interrupted,
            "the dry run was stopped before its end, and no plan was saved",
        ));
    }
    Ok((found, Some(saving.end()?)))
}

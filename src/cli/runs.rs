//! `bridged runs`: past runs, or one of them in full.

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::{self, Run, duration, moment, notes};
use super::outcome::{Ended, Outcome, Stop};
use super::text::{BOLD, DIM, line, paint};
use super::workspace::Workspace;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::id::RunId;
use crate::store::Store;
use crate::store::model::{RunFilter, RunRow};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One run in full: its id, or the end of it.
    pub id: Option<String>,

    /// Only runs of this pipeline.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,

    /// At most so many runs, the latest first.
    #[arg(long, value_name = "N", default_value = "20")]
    pub limit: u32,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Looks the runs up in the store.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    if let Some(id) = &args.id {
        let run = find(store.as_ref(), id)?;
        let run_id = run.run_id;
        let row = store.run(run_id)?.map_or(run, Run::from);
        return Ok(Outcome::new(
            Exit::Done,
            json!({ "runs": [row.json()] }),
            one(&row),
        ));
    }
    let pipeline = args
        .pipeline
        .as_deref()
        .map(|name| workspace.name(name))
        .transpose()?;
    let filter = RunFilter {
        pipeline,
        limit: Some(args.limit),
        ..RunFilter::default()
    };
    let runs: Vec<Run> = store.runs(&filter)?.into_iter().map(Run::from).collect();
    let text = if runs.is_empty() {
        "no runs yet\n".to_owned()
    } else {
        ledger::table(&runs, true)
    };
    let rows: Vec<_> = runs.iter().map(Run::json).collect();
    Ok(Outcome::new(Exit::Done, json!({ "runs": rows }), text))
}

/// The run whose id is `text` or ends with it.
///
/// # Errors
/// `unknown-run`, also where several runs fit.
pub fn find(store: &dyn Store, text: &str) -> Result<Run, Stop> {
    if let Some(id) = RunId::parse(text)
        && let Some(row) = store.run(id)?
    {
        return Ok(Run::from(row));
    }
    let filter = RunFilter {
        limit: Some(u32::MAX),
        ..RunFilter::default()
    };
    let wanted = text.to_lowercase();
    let mut fitting = store
        .runs(&filter)?
        .into_iter()
        .filter(|row| wanted.len() >= 4 && row.run_id.to_string().ends_with(&wanted));
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => Ok(Run::from(row)),
        (Some(_), Some(_)) => {
            let message = format!("several runs end with `{text}`");
            Err(Error::new(Code::UnknownRun, message)
                .help("give more of the id")
                .into())
        }
        _ => {
            let message = format!("the store knows no run `{text}`");
            let help = "`bridged runs` lists them; a run is named by its id or the last four letters or more of it";
            Err(Error::new(Code::UnknownRun, message).help(help).into())
        }
    }
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            pipeline: row.pipeline,
            run_id: row.run_id,
            fingerprint: row.fingerprint,
            state: row.state,
            ledger: row.ledger,
            requests: row.requests,
            api_calls: row.api_calls,
            cursor: row.cursor,
            change_cursor: row.change_cursor,
            started_at: row.started_at,
            finished_at: row.finished_at,
            error: row.error,
            warnings: row.warnings,
        }
    }
}

fn one(run: &Run) -> String {
    let mut out = format!(
        "{}  {}\n\n",
        paint(BOLD, &run.pipeline),
        paint(DIM, run.run_id)
    );
    out.push_str(&ledger::table(std::slice::from_ref(run), false));
    out.push('\n');
    let requests = run.requests;
    let mut facts = vec![
        ("plan", run.fingerprint.to_string()),
        ("began", moment(run.started_at)),
    ];
    if let Some(finished) = run.finished_at {
        let took = finished.duration_since(run.started_at).as_secs_f64();
        facts.push((
            "ended",
            format!("{}, after {}", moment(finished), duration(took)),
        ));
    }
    facts.push(("API calls", run.api_calls.to_string()));
    facts.push((
        "requests",
        format!(
            "{} query, {} write, {} auth, {} other",
            requests.query, requests.write, requests.auth, requests.other
        ),
    ));
    if let Some(cursor) = &run.cursor {
        let within = if cursor.id.is_empty() {
            ""
        } else {
            ", within a window"
        };
        facts.push(("read up to", format!("{}{within}", moment(cursor.stamp))));
    }
    if let Some(cursor) = &run.change_cursor {
        facts.push(("read up to", format!("change {}", cursor.change)));
    }
    for (name, value) in facts {
        let name = paint(DIM, format_args!("{name:<10}"));
        line(&mut out, format_args!("{name}  {value}"));
    }
    notes(&mut out, run);
    out
}

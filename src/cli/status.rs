//! `bridged status`: how each pipeline of the project stands.

use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::ledger::{Run, moment};
use super::outcome::{Ended, Outcome};
use super::schedule::tick_json;
use super::table::{self, Cell};
use super::text::{BOLD, DIM, count, line, paint};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::error::Result;
use crate::foundation::event::{ChangeCursor, Cursor};
use crate::foundation::id::PipelineName;
use crate::schedule::{Tick, Timetable};
use crate::spec::schedule::Schedule;
use crate::store::Store;
use crate::store::model::RunFilter;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// One pipeline.
struct Standing {
    pipeline: PipelineName,
    last: Option<Run>,
    cursor: Option<Cursor>,
    change_cursor: Option<ChangeCursor>,
    /// The schedule; `None` where the file has errors.
    timetable: Option<Timetable>,
    /// When its schedule comes next.
    next: Option<Tick>,
}

/// Looks every pipeline of the project up in the store.
pub fn execute(_args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let store = workspace.store()?;
    let mut standings = Vec::new();
    let now = Clock::system().now();
    for name in workspace.names() {
        let timetable = workspace.timetable(&name).ok();
        let next = timetable.as_ref().and_then(|times| times.next(now));
        standings.push(Standing {
            timetable,
            next,
            ..standing(store.as_ref(), name)?
        });
    }
    let profiles = store.profile_count()?;
    let rows: Vec<Value> = standings.iter().map(json).collect();
    let result = json!({ "pipelines": rows, "profiles": profiles });
    Ok(Outcome::new(Exit::Done, result, text(&standings, profiles)))
}

fn standing(store: &dyn Store, pipeline: PipelineName) -> Result<Standing> {
    let filter = RunFilter {
        pipeline: Some(pipeline.clone()),
        limit: Some(1),
        ..RunFilter::default()
    };
    let last = store.runs(&filter)?.into_iter().next().map(Run::from);
    let cursor = store.cursor(&pipeline)?;
    let change_cursor = store.change_cursor(&pipeline)?;
    Ok(Standing {
        pipeline,
        last,
        cursor,
        change_cursor,
        timetable: None,
        next: None,
    })
}

fn json(standing: &Standing) -> Value {
    json!({
        "pipeline": standing.pipeline.as_str(),
        "schedule": standing.timetable.as_ref().map(Timetable::words),
        "next": standing.timetable.as_ref().zip(standing.next).map(|(times, tick)| tick_json(times, tick)),
        "last_run": standing.last.as_ref().map(Run::json),
        "cursor": standing.cursor.as_ref().map(super::ledger::cursor_json),
        "change_cursor": standing.change_cursor.as_ref().map(|cursor| cursor.change),
    })
}

fn text(standings: &[Standing], profiles: u64) -> String {
    let rows: Vec<Vec<Cell>> = standings
        .iter()
        .map(|standing| {
            let name = Cell::text(standing.pipeline.as_str()).style(BOLD);
            let until = match (&standing.cursor, &standing.change_cursor) {
                (Some(cursor), _) => moment(cursor.stamp),
                (None, Some(cursor)) => format!("change {}", cursor.change),
                (None, None) => "-".to_owned(),
            };
            let (state, began) = match &standing.last {
                Some(run) => (run.state_cell(), moment(run.started_at)),
                None => (Cell::text("never run").style(DIM), "-".to_owned()),
            };
            let ledger = standing.last.as_ref().map(|run| run.ledger);
            let ledger = ledger.unwrap_or_default();
            vec![
                name,
                state,
                Cell::text(&began),
                Cell::number(ledger.read),
                Cell::number(ledger.rejected),
                Cell::text(&until).style(DIM),
                Cell::text(&next_shown(standing)),
            ]
        })
        .collect();
    let headings = [
        "pipeline",
        "last run",
        "began",
        "read",
        "rejected",
        "read up to",
        "next",
    ];
    let mut out = table::render(&headings, &rows);
    let stored = paint(DIM, count(profiles, "profile"));
    line(&mut out, format_args!("\n{stored} in the store"));
    out
}

/// When it is due next, or why there is no such time.
fn next_shown(standing: &Standing) -> String {
    match (&standing.next, &standing.timetable) {
        (Some(tick), _) => moment(tick.due),
        (None, Some(timetable)) => match timetable.schedule() {
            Schedule::Realtime => "realtime".to_owned(),
            Schedule::Manual => "manual".to_owned(),
            _ => "-".to_owned(),
        },
        (None, None) => "-".to_owned(),
    }
}

//! `bridged rejected`: the records that could not be delivered, and why.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::replay::{self, Replay};
use super::workspace::Workspace;
use super::{instant, letters, runs};
use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::store::model::LetterFilter;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the rejected records.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List them, the latest first.
    List(List),
    /// Show one in full, with the record as it was read.
    Show(Show),
    /// Read the records again and run them through the pipeline as it is today.
    Replay(Replay),
}

/// What can be typed behind `rejected list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only those of this pipeline.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,

    /// Only those of this run: its id, or the end of it.
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,

    /// Only those with this code.
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,

    /// Only those rejected at this time or later: `2027-03-01`, an instant, or how long ago (`2h`, `3d`).
    #[arg(long, value_name = "TIME", value_parser = instant::since)]
    pub since: Option<Timestamp>,

    /// List those too that were delivered later, or whose records are gone.
    #[arg(long)]
    pub closed: bool,

    /// At most so many.
    #[arg(long, value_name = "N", default_value = "50")]
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

/// What can be typed behind `rejected show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The number that `rejected list` shows.
    pub id: i64,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    match &args.what {
        What::List(list) => list.format,
        What::Show(show) => show.format,
        What::Replay(replay) => replay.format,
    }
}

/// Looks them up in the store.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    match &args.what {
        What::List(args) => list(args, &workspace),
        What::Show(args) => show(args.id, &workspace),
        What::Replay(args) => replay::execute(args, &workspace),
    }
}

fn list(args: &List, workspace: &Workspace) -> Ended {
    let store = workspace.store()?;
    let run = args
        .run
        .as_deref()
        .map(|text| runs::find(store.as_ref(), text))
        .transpose()?;
    let filter = LetterFilter {
        pipeline: args
            .pipeline
            .as_deref()
            .map(|name| workspace.name(name))
            .transpose()?,
        run_id: run.map(|run| run.run_id),
        code: args
            .code
            .as_deref()
            .map(super::explain::parse)
            .transpose()?,
        since: args.since,
        closed: args.closed,
        limit: Some(args.limit),
        ..LetterFilter::default()
    };
    let found = store.dead_letters(&filter)?;
    let rows: Vec<Value> = found.iter().map(|row| letters::json(row, false)).collect();
    let text = if found.is_empty() {
        "no rejected records\n".to_owned()
    } else {
        letters::text(&found)
    };
    Ok(Outcome::new(Exit::Done, json!({ "rejected": rows }), text))
}

fn show(id: i64, workspace: &Workspace) -> Ended {
    let Some(mut row) = workspace.store()?.dead_letter(id)? else {
        let message = format!("the store holds no rejected record {id}");
        let help = "`bridged rejected list` shows their numbers";
        return Err(Error::new(Code::UnknownDeadLetter, message)
            .help(help)
            .into());
    };
    letters::mask(&mut row.letter.payload, &workspace.sensitive_columns());
    Ok(Outcome::new(
        Exit::Done,
        letters::json(&row, true),
        letters::one(&row),
    ))
}

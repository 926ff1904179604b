//! `bridged import`: profiles, outcomes and engagements from a file into the store.

use std::io;
use std::path::PathBuf;

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::findings;
use super::outcome::{Ended, Outcome, Stop};
use super::table::{self, Cell};
use super::text::{BAD, CAUTION, GOOD, clean, count, line, paint};
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::import::{self, Form, Input, Kind, MAX_SHOWN, Report, Request};

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which records.
    #[command(subcommand)]
    pub what: What,
}

/// Which records the file holds.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Results of conversations: id, profile, kind, `occurred_at`, and whatever else there is.
    Outcomes(File),
    /// People: key, attributes, and where they are known, consent and `salesforce_id`.
    Profiles(File),
    /// Events of messages: id, profile, kind, at, and campaign where there is one.
    Engagements(File),
}

/// What can be typed behind the kind of records.
#[derive(Debug, clap::Args)]
pub struct File {
    /// The file, JSON lines or CSV; `-` reads standard input.
    pub file: PathBuf,

    /// How it is written, where its ending does not say it: jsonl or csv.
    #[arg(long, value_name = "FORM", hide_possible_values = true)]
    pub input: Option<Written>,

    /// Store the good records although others are not.
    #[arg(long)]
    pub skip_invalid: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Written {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

const fn parts(args: &Args) -> (Kind, &File) {
    match &args.what {
        What::Outcomes(file) => (Kind::Outcomes, file),
        What::Profiles(file) => (Kind::Profiles, file),
        What::Engagements(file) => (Kind::Engagements, file),
    }
}

/// The form asked for.
pub const fn format(args: &Args) -> Format {
    parts(args).1.format
}

/// Imports the file.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let (kind, file) = parts(args);
    let request = Request {
        kind,
        form: form(file)?,
        skip_invalid: file.skip_invalid,
    };
    let workspace = Workspace::load(env, &[])?;
    let mut input =
        open(file, env).map_err(|error| Stop::Invalid(vec![findings::of_error(&error)]))?;
    let store = workspace.store()?;
    let report = import::import(&mut input, request, store.as_ref(), &Clock::system())?;
    let shown = (input.name(), kind);
    let result = json!({
        "kind": kind.as_str(),
        "file": input.name(),
        "records": report.records,
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "erased": report.erased,
        "invalid": report.invalid,
        "slips": report.slips,
    });
    let stored = report.added + report.changed + report.unchanged;
    let exit = match report.slips {
        0 => Exit::Done,
        _ if request.skip_invalid && stored > 0 => Exit::Rejected,
        _ => Exit::Invalid,
    };
    let mut outcome = Outcome::new(exit, result, text(&report, stored, shown));
    outcome.findings = report.findings;
    Ok(outcome)
}

fn form(file: &File) -> Result<Form> {
    let by_name = Form::of_name(&file.file.to_string_lossy());
    match (file.input, by_name) {
        (Some(Written::Jsonl), _) => Ok(Form::Jsonl),
        (Some(Written::Csv), _) => Ok(Form::Csv),
        (None, Some(form)) => Ok(form),
        (None, None) => {
            let name = file.file.display();
            let message = format!("the name `{name}` does not say how the file is written");
            Err(Error::new(Code::InvalidUsage, message)
                .help("add `--input jsonl` or `--input csv`, or give the file that ending"))
        }
    }
}

fn open(file: &File, env: &Env) -> Result<Input> {
    if file.file.as_os_str() == "-" {
        return Input::copy(io::stdin().lock(), "standard input");
    }
    let name = file.file.display().to_string();
    Input::open(&env.directory.join(&file.file), &name)
}

fn text(report: &Report, stored: u64, (name, kind): (&str, Kind)) -> String {
    let mut out = String::new();
    let name = clean(name);
    let slips = count(report.slips, "slip");
    let wrong = if report.records == 0 {
        format!("{slips} in the header")
    } else {
        let records = count(report.records, "record");
        format!("{slips} in {} of {records}", report.invalid)
    };
    if report.slips > MAX_SHOWN as u64 {
        let more = report.slips - MAX_SHOWN as u64;
        line(
            &mut out,
            format_args!("{} more not shown", count(more, "slip")),
        );
    }
    if report.slips > 0 && stored == 0 {
        let nothing = paint(BAD, "nothing was stored");
        line(&mut out, format_args!("{nothing}: {wrong}"));
        return out;
    }
    let row = [report.added, report.changed, report.unchanged].map(Cell::number);
    let headings = ["added", "changed", "unchanged"];
    out.push_str(&table::render(&headings, &[row.to_vec()]));
    let done = paint(GOOD, count(stored, kind.as_str().trim_end_matches('s')));
    line(&mut out, format_args!("\n{done} imported from {name}"));
    let erased = "their people were erased".to_owned();
    for (number, why) in [(report.erased, erased), (report.invalid, wrong)] {
        if number > 0 {
            let left = paint(CAUTION, format_args!("{number} left out"));
            line(&mut out, format_args!("{left}: {why}"));
        }
    }
    out
}

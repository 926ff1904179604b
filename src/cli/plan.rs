//! `bridged plan`: the step graph of pipelines, the SOQL, and what a run will cost.

use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{self, Ended, Outcome};
use super::schedule;
use super::text::clean_lines;
use super::workspace::Workspace;
use crate::foundation::clock::Clock;
use crate::plan::forecast::{Assumptions, Forecast};
use crate::plan::render;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pipelines, by name or file; all of the project without it.
    #[arg(value_name = "PIPELINE")]
    pub pipelines: Vec<String>,

    /// Forecast the cost of a run over so many records.
    #[arg(long, value_name = "N")]
    pub records: Option<u64>,

    /// The form of the report: text, json, mermaid or dot.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Form,
}

/// The forms of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// A Mermaid flowchart.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
}

/// Compiles the pipelines and shows their plans.
pub fn execute(args: &Args, env: &Env) -> Exit {
    let format = match args.format {
        Form::Json => Format::Json,
        _ => Format::Text,
    };
    outcome::report("plan", format, &compile(args, env))
}

fn compile(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &args.pipelines)?;
    let planned = workspace.plans()?;
    let now = Clock::system().now();
    let assumed = Assumptions {
        records: args.records,
        ..Assumptions::default()
    };
    let mut shown = Vec::new();
    let mut rows: Vec<Value> = Vec::new();
    for plan in &planned.plans {
        let forecast = Forecast::of(plan, assumed);
        let timetable = workspace.timetable(&plan.pipeline)?;
        shown.push(match args.format {
            Form::Mermaid => render::mermaid(plan),
            Form::Dot => render::dot(plan),
            Form::Text | Form::Json => {
                render::text(plan, &forecast) + &schedule::text(&timetable, now)
            }
        });
        let mut row = render::json(plan, &forecast);
        row["schedule"] = schedule::json(&timetable, now);
        rows.push(row);
    }
    let text = clean_lines(&shown.join("\n")).into_owned();
    let mut outcome = Outcome::new(Exit::Done, json!({ "plans": rows }), text);
    outcome.fingerprint = planned.fingerprint();
    outcome.findings = planned.findings;
    Ok(outcome)
}

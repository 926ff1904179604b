//! `bridged validate`: everything that is wrong with the files, found without touching anything.

use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::findings::{self, github, sarif};
use super::online;
use super::outcome::{self, Ended, Outcome, Stop};
use super::text::{BOLD, DIM, GOOD, clean_json, count, line, paint};
use super::workspace::{Checked, Workspace};
use crate::foundation::diagnostic::Diagnostic;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pipelines, by name or file, or folders of them; all of the project without it.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// Ask the org too: objects, fields and permissions.
    #[arg(long)]
    pub online: bool,

    /// The form of the report: text, json, github or sarif.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Form,
}

/// The forms of a list of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
    /// A SARIF 2.1.0 log.
    Sarif,
}

/// Checks the files and shows what was found; the findings are the result, so they go to stdout.
pub fn execute(args: &Args, env: &Env) -> Exit {
    let ended = check(args, env);
    let format = match args.format {
        Form::Json => return outcome::report("validate", Format::Json, &ended),
        other => other,
    };
    let (exit, found, valid) = match ended {
        Ok(outcome) => (outcome.exit, outcome.findings, outcome.text),
        Err(Stop::Invalid(found)) => (Exit::Invalid, found, String::new()),
        Err(Stop::Failed(error)) if format == Form::Text => {
            return outcome::report("validate", Format::Text, &Err(error.into()));
        }
        Err(Stop::Failed(error)) => (
            Exit::of_error(&error),
            vec![findings::of_error(&error)],
            String::new(),
        ),
    };
    let shown = match format {
        Form::Github => github::render(&found, &env.prefix()),
        Form::Sarif => {
            clean_json(&format!("{:#}\n", sarif::render(&found, &env.prefix()))).into_owned()
        }
        _ => findings::text::render(&found) + &valid,
    };
    outcome::print(&shown);
    exit
}

fn check(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &args.paths)?;
    let checked = if args.online {
        online::check(&workspace)?
    } else {
        workspace.check()
    };
    let exit = Exit::of_findings(&checked.findings);
    let rows: Vec<Value> = checked.plans.iter().map(|plan| {
        json!({ "pipeline": plan.pipeline.as_str(), "fingerprint": plan.fingerprint.to_string() })
    }).collect();
    let text = valid(&checked);
    let mut outcome = Outcome::new(exit, json!({ "valid": rows }), text);
    outcome.fingerprint = checked.fingerprint();
    outcome.findings = checked.findings;
    Ok(outcome)
}

/// The pipelines that can be planned.
fn valid(checked: &Checked) -> String {
    let mut out = String::new();
    let width = checked
        .plans
        .iter()
        .map(|plan| plan.pipeline.as_str().len())
        .max()
        .unwrap_or(0);
    for plan in &checked.plans {
        let name = paint(BOLD, format_args!("{:width$}", plan.pipeline.as_str()));
        line(
            &mut out,
            format_args!("{name}  {}", paint(DIM, plan.fingerprint.short())),
        );
    }
    let number = format!("{} valid", count(checked.plans.len() as u64, "pipeline"));
    if checked.plans.is_empty() && !checked.findings.is_empty() {
        return out;
    }
    let is_clean = !checked.findings.iter().any(Diagnostic::is_error);
    let style = if is_clean { GOOD } else { DIM };
    line(&mut out, format_args!("{}", paint(style, number)));
    out
}

//! `bridged check`: whether a connection works, one line a step.

use serde_json::{Value, json};

use super::args::Format;
use super::connect::Org;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome, Stop};
use super::probe::{self, Step};
use super::text::{BAD, BOLD, DIM, GOOD, HINT, clean, count, line, paint};
use super::workspace::Workspace;
use super::{online, runtime};
use crate::engine::round_trip;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Error;
use crate::salesforce::write::Writer;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The connection, by its name in the project; may be left out where there is one.
    pub connection: Option<String>,

    /// Create a test lead, read it, mark it as qualified, see it written back, and remove it.
    #[arg(long)]
    pub write: bool,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Asks the org, step by step; a step that fails ends what depends on it.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &[])?;
    let (connection, _) = workspace.salesforce(args.connection.as_deref())?;
    let planned = workspace.plans()?;
    if args.write {
        may_write(&workspace, &connection)?;
    }
    let plans: Vec<_> = planned
        .plans
        .iter()
        .filter(|plan| plan.connection == connection)
        .cloned()
        .collect();
    let (address, steps) = runtime::block_on(async {
        let org = Org::open(&workspace).await?;
        let settings = org.settings(&connection)?;
        let client = org.client(&connection, None)?;
        let mut steps = Vec::new();
        if probe::connect(&client, &settings.api_version, &mut steps).await {
            match online::describe(&client, &plans).await {
                Ok((snapshots, missing)) => {
                    for plan in &plans {
                        steps.extend(probe::reading(plan, &snapshots, &missing));
                        steps.extend(probe::writing(plan, &snapshots, &missing));
                    }
                }
                Err(error) => steps.push(Step::failed("describe", &error)),
            }
            if args.write {
                let legs = round_trip::run(&Writer::new(client)).await;
                steps.extend(legs.into_iter().map(probe::of_leg));
            }
        }
        Ok::<_, Error>((settings.instance_url, steps))
    })??;
    let failures: Vec<Diagnostic> = steps
        .iter()
        .filter_map(|step| step.result.as_ref().err().cloned())
        .collect();
    let exit = if failures.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    };
    let rows: Vec<Value> = steps.iter().map(Step::json).collect();
    let result = json!({ "connection": connection, "address": address, "steps": rows });
    let mut outcome = Outcome::new(exit, result, text(&connection, &address, &steps));
    outcome.findings = planned.findings;
    outcome.told = failures;
    Ok(outcome)
}

/// Refuses the round trip of a lead where the project does not let bridged write leads.
fn may_write(workspace: &Workspace, name: &str) -> Result<(), Stop> {
    let (_, connection) = workspace.salesforce(Some(name))?;
    let Some(objects) = &connection.objects else {
        return Ok(());
    };
    let access = objects
        .iter()
        .find(|(object, _)| object.as_str().eq_ignore_ascii_case(round_trip::OBJECT));
    if access.is_some_and(|(_, access)| access.writes()) {
        return Ok(());
    }
    let message = format!("`--write` writes a Lead, and the connection `{name}` may not");
    let help =
        "write `Lead: read_write` under `objects` of the connection, or check without `--write`";
    Err(Error::new(Code::ObjectNotAllowed, message)
        .help(help)
        .into())
}

fn text(connection: &str, address: &str, steps: &[Step]) -> String {
    let mut out = format!(
        "{}  {}\n",
        paint(BOLD, clean(connection)),
        paint(DIM, clean(address))
    );
    let width = steps
        .iter()
        .map(|step| step.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut group: Option<&str> = None;
    for step in steps {
        let pipeline = step.pipeline.as_deref();
        if pipeline != group && pipeline.is_some() {
            line(
                &mut out,
                format_args!("\n{}", paint(BOLD, pipeline.unwrap_or_default())),
            );
        }
        group = pipeline;
        let name = format!("{:width$}", clean(&step.name));
        match &step.result {
            Ok(detail) => line(
                &mut out,
                format_args!(
                    "  {} {name}  {}",
                    paint(GOOD, "✓"),
                    paint(DIM, clean(detail))
                ),
            ),
            Err(finding) => {
                let code = paint(BAD, format_args!("error[{}]", finding.code));
                line(
                    &mut out,
                    format_args!(
                        "  {} {name}  {code}: {}",
                        paint(BAD, "✗"),
                        clean(&finding.message)
                    ),
                );
                if let Some(help) = &finding.help {
                    let head = paint(HINT.bold(), "help");
                    line(
                        &mut out,
                        format_args!("    {:width$}  {head}: {}", "", clean(help)),
                    );
                }
            }
        }
    }
    let failed = steps.iter().filter(|step| step.result.is_err()).count() as u64;
    let passed = steps.len() as u64 - failed;
    let summary = if failed == 0 {
        paint(GOOD, format_args!("{} passed", count(passed, "step")))
    } else {
        paint(BAD, format_args!("{} failed", count(failed, "step")))
    };
    line(&mut out, format_args!("\n{summary}"));
    out
}

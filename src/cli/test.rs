//! `bridged test`: the tests that pipelines carry, run offline.

use serde_json::{Value, json};

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::outcome::{Ended, Outcome};
use super::text::{BAD, BOLD, DIM, GOOD, clean, count, line, paint};
use super::workspace::Workspace;
use crate::engine::trial::{self, Trial};
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pipelines, by name or file, or folders of them; all of the project without it.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// The tests of one pipeline.
struct Suite {
    pipeline: String,
    trials: Vec<Trial>,
}

/// Runs the tests.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let workspace = Workspace::load(env, &args.paths)?;
    let planned = workspace.plans()?;
    let mut suites = Vec::new();
    let mut failures = Vec::new();
    for plan in &planned.plans {
        let Some(document) = workspace.document(&plan.pipeline) else {
            continue;
        };
        let mut trials = Vec::new();
        for (index, case) in document.spec.tests.iter().enumerate() {
            let trial = trial::run(plan, case);
            if !trial.mismatches.is_empty() {
                let message = format!(
                    "test `{}` of pipeline `{}` fails",
                    trial.name, plan.pipeline
                );
                let place = document.place(&format!("/tests/{index}/name"));
                failures.push(Diagnostic::error(Code::TestFailed, message).at(place));
            }
            trials.push(trial);
        }
        suites.push(Suite {
            pipeline: plan.pipeline.to_string(),
            trials,
        });
    }
    let exit = if failures.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    };
    let rows: Vec<Value> = suites.iter().map(json).collect();
    let mut outcome = Outcome::new(exit, json!({ "pipelines": rows }), text(&suites));
    outcome.fingerprint = planned.fingerprint();
    outcome.findings = planned.findings;
    outcome.told = failures;
    Ok(outcome)
}

fn json(suite: &Suite) -> Value {
    let tests: Vec<Value> = suite
        .trials
        .iter()
        .map(|trial| {
            let mismatches: Vec<Value> = trial
                .mismatches
                .iter()
                .map(|miss| json!({ "what": miss.what, "expected": miss.expected, "found": miss.found }))
                .collect();
            json!({ "name": trial.name, "passed": trial.mismatches.is_empty(), "mismatches": mismatches })
        })
        .collect();
    json!({ "pipeline": suite.pipeline, "tests": tests })
}

fn text(suites: &[Suite]) -> String {
    let mut out = String::new();
    let (mut passed, mut failed) = (0, 0);
    for suite in suites {
        line(&mut out, format_args!("{}", paint(BOLD, &suite.pipeline)));
        if suite.trials.is_empty() {
            line(&mut out, format_args!("  {}", paint(DIM, "no tests")));
        }
        for trial in &suite.trials {
            if trial.mismatches.is_empty() {
                passed += 1;
                line(
                    &mut out,
                    format_args!("  {} {}", paint(GOOD, "ok"), clean(&trial.name)),
                );
                continue;
            }
            failed += 1;
            line(
                &mut out,
                format_args!("  {} {}", paint(BAD, "failed"), clean(&trial.name)),
            );
            for miss in &trial.mismatches {
                line(
                    &mut out,
                    format_args!("    {}", paint(BOLD, clean(&miss.what))),
                );
                line(
                    &mut out,
                    format_args!("      expected  {}", clean(&miss.expected)),
                );
                line(
                    &mut out,
                    format_args!("      found     {}", clean(&miss.found)),
                );
            }
        }
    }
    let style = if passed == 0 { DIM } else { GOOD };
    let passed = paint(style, format_args!("{} passed", count(passed, "test")));
    if failed > 0 {
        line(
            &mut out,
            format_args!(
                "\n{passed}, {}",
                paint(BAD, format_args!("{failed} failed"))
            ),
        );
    } else {
        line(&mut out, format_args!("\n{passed}"));
    }
    out
}

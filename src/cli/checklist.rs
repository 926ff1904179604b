//! The steps of a check as text and as JSON.

use serde_json::{Value, json};

use super::text::{BAD, BOLD, CAUTION, DIM, GOOD, HINT, clean, count, line, paint, wrap};
use crate::check::Step;
use crate::foundation::diagnostic::{Diagnostic, Severity};
use crate::foundation::fixed_by::FixedBy;

/// Columns that text behind a name has at the least, however long the name is.
const NARROWEST: usize = 30;

/// What a check found, and what it cost.
#[derive(Debug)]
pub struct Checklist {
    /// The connection's name in the project.
    pub connection: String,
    /// Where it leads.
    pub address: String,
    /// The steps, those of the connection first, then pipeline by pipeline.
    pub steps: Vec<Step>,
    /// Calls that counted against the org's daily limit.
    pub api_calls: u64,
}

impl Checklist {
    /// What is wrong, and behind it what is worth a look, each in the order of the steps.
    pub fn findings(&self) -> Vec<Diagnostic> {
        let found = self.steps.iter().filter_map(|step| step.finding.clone());
        let mut findings: Vec<Diagnostic> = found.collect();
        findings.sort_by_key(|finding| finding.severity);
        findings
    }

    /// `{ connection, address, steps, api_calls }`; a step is
    /// `{ pipeline, step, passed, detail, code, severity, fixed_by, help }`. A warning has passed, and has a code.
    pub fn json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(step_json).collect();
        json!({
            "connection": self.connection,
            "address": self.address,
            "steps": steps,
            "api_calls": self.api_calls,
        })
    }

    /// One line a step, and what it came to. Lines are broken to fit in `width` columns.
    pub fn text(&self, width: usize) -> String {
        let mut out = format!(
            "{}  {}\n",
            paint(BOLD, clean(&self.connection)),
            paint(DIM, clean(&self.address))
        );
        let names = self.steps.iter().map(|step| step.name.chars().count());
        let names = names.max().unwrap_or(0);
        let mut group: Option<&str> = None;
        for step in &self.steps {
            let pipeline = step.pipeline.as_deref();
            if pipeline != group {
                let heading = paint(BOLD, clean(pipeline.unwrap_or_default()));
                line(&mut out, format_args!("\n{heading}"));
            }
            group = pipeline;
            show(&mut out, step, names, width);
        }
        line(&mut out, format_args!("\n{}", self.summary()));
        out
    }

    fn summary(&self) -> String {
        let of = |severity| {
            let found = self.steps.iter().filter_map(|step| step.finding.as_ref());
            found.filter(|finding| finding.severity == severity).count() as u64
        };
        let (failed, warned) = (of(Severity::Error), of(Severity::Warning));
        let passed = count(self.steps.len() as u64 - failed, "step");
        let mut parts = vec![if failed == 0 {
            paint(GOOD, format_args!("{passed} passed"))
        } else {
            paint(BAD, format_args!("{} failed", count(failed, "step")))
        }];
        if warned > 0 {
            parts.push(paint(CAUTION, count(warned, "warning")));
        }
        parts.push(paint(DIM, count(self.api_calls, "API call")));
        parts.join(", ")
    }
}

fn step_json(step: &Step) -> Value {
    let finding = step.finding.as_ref();
    let who = finding.and_then(Diagnostic::fixed_by);
    json!({
        "pipeline": step.pipeline,
        "step": step.name,
        "passed": step.passed(),
        "detail": finding.map_or(&step.detail, |finding| &finding.message),
        "code": finding.map(|finding| finding.code.as_str()),
        "severity": finding.map(|finding| finding.severity.as_str()),
        "fixed_by": who.map(FixedBy::as_str),
        "help": finding.and_then(|finding| finding.help.as_deref()),
    })
}

fn show(out: &mut String, step: &Step, names: usize, width: usize) {
    let name = format!("{:names$}", clean(&step.name));
    let Some(finding) = &step.finding else {
        let detail = paint(DIM, clean(&step.detail));
        line(out, format_args!("  {} {name}  {detail}", paint(GOOD, "✓")));
        return;
    };
    let (sign, style) = match finding.severity {
        Severity::Error => ("✗", BAD),
        Severity::Warning => ("!", CAUTION),
    };
    let word = format!("{}[{}]", finding.severity.as_str(), finding.code);
    let room = width.saturating_sub(names + 6).max(NARROWEST);
    let indent = " ".repeat(names + 6);
    let mut rows = wrap(&clean(&finding.message), room).into_iter();
    let head = paint(style, &word);
    line(out, format_args!("  {} {name}  {head}", paint(style, sign)));
    rows.by_ref()
        .for_each(|row| line(out, format_args!("{indent}{row}")));
    let help = finding.help.as_deref().map(|help| ("help", clean(help)));
    let who = finding.fixed_by();
    let who = who.map(|who| ("who", clean(who.in_words())));
    for (label, text) in help.into_iter().chain(who) {
        let rows = wrap(&format!("{label}: {text}"), room);
        for (at, row) in rows.iter().enumerate() {
            let row = match row.strip_prefix(label).filter(|_| at == 0) {
                Some(rest) => format!("{}{rest}", paint(HINT.bold(), label)),
                None => row.clone(),
            };
            line(out, format_args!("{indent}{row}"));
        }
    }
}

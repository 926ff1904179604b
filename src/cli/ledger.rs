//! Runs as a table and as JSON: what each read, and where every record went.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::findings;
use super::table::{self, Cell};
use super::text::{self, BAD, BOLD, CAUTION, DIM, GOOD, HINT, clean, line, paint};
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::event::{ChangeCursor, Cursor, Ledger, Requests, RunReport, RunState};
use crate::foundation::fixed_by::FixedBy;
use crate::foundation::id::{Fingerprint, PipelineName, RunId};

/// One run, from its own report or from the store.
#[derive(Debug, Clone)]
pub struct Run {
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The run.
    pub run_id: RunId,
    /// The plan it executed.
    pub fingerprint: Fingerprint,
    /// How it ended; `None` while it runs.
    pub state: Option<RunState>,
    /// The account.
    pub ledger: Ledger,
    /// Requests sent.
    pub requests: Requests,
    /// Calls that counted against the org's daily limit.
    pub api_calls: u64,
    /// Where the next run continues.
    pub cursor: Option<Cursor>,
    /// Where the next run continues among Bridged's own records.
    pub change_cursor: Option<ChangeCursor>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it ended early.
    pub error: Option<(Code, String)>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

impl From<RunReport> for Run {
    fn from(report: RunReport) -> Self {
        Self {
            pipeline: report.pipeline,
            run_id: report.run_id,
            fingerprint: report.fingerprint,
            state: Some(report.state),
            ledger: report.ledger,
            requests: report.requests,
            api_calls: report.api_calls,
            cursor: report.cursor,
            change_cursor: report.change_cursor,
            started_at: report.started_at,
            finished_at: Some(report.finished_at),
            error: report.error,
            warnings: report.warnings,
        }
    }
}

impl Run {
    /// Seconds from the beginning to the end; `None` while it runs.
    fn seconds(&self) -> Option<f64> {
        let finished = self.finished_at?;
        Some(
            finished
                .duration_since(self.started_at)
                .as_secs_f64()
                .max(0.0),
        )
    }

    /// Records read a second; 0 where no time passed.
    fn records_per_second(&self) -> f64 {
        match self.seconds() {
            Some(seconds) if seconds > 0.0 => {
                (self.ledger.read as f64 / seconds * 10.0).round() / 10.0
            }
            _ => 0.0,
        }
    }

    /// Whether an incremental read found nothing changed, which is no fault of anything.
    fn read_nothing_new(&self) -> bool {
        let is_done = self.state == Some(RunState::Done) && self.warnings.is_empty();
        is_done && self.cursor.is_some() && self.ledger.read == 0
    }

    /// The word for its state.
    pub fn state_word(&self) -> &'static str {
        self.state.map_or("running", RunState::as_str)
    }

    /// The run as JSON.
    pub fn json(&self) -> Value {
        let cursor = self.cursor.as_ref().map(cursor_json);
        let error = self.error.as_ref().map(|(code, message)| {
            let who = FixedBy::of_told(*code, message).map(FixedBy::as_str);
            json!({ "code": code.as_str(), "message": message, "fixed_by": who })
        });
        json!({
            "pipeline": self.pipeline.as_str(),
            "run_id": self.run_id.to_string(),
            "fingerprint": self.fingerprint.to_string(),
            "state": self.state_word(),
            "ledger": ledger_json(&self.ledger),
            "requests": {
                "query": self.requests.query,
                "write": self.requests.write,
                "auth": self.requests.auth,
                "other": self.requests.other,
            },
            "api_calls": self.api_calls,
            "records_per_second": self.records_per_second(),
            "cursor": cursor,
            "change_cursor": self.change_cursor.as_ref().map(|cursor| cursor.change),
            "started_at": self.started_at.to_string(),
            "finished_at": self.finished_at.map(|at| at.to_string()),
            "error": error,
            "warnings": self.warnings,
        })
    }

    /// How the state looks.
    pub fn state_cell(&self) -> Cell {
        let style = match self.state {
            Some(RunState::Done) => GOOD,
            Some(RunState::Partial) => CAUTION,
            Some(RunState::Failed) => BAD,
            None => HINT,
        };
        Cell::text(self.state_word()).style(style)
    }
}

/// A cursor as JSON.
pub fn cursor_json(cursor: &Cursor) -> Value {
    json!({
        "stamp": cursor.stamp.to_string(),
        "id": cursor.id,
        "window_end": cursor.window_end.to_string(),
    })
}

fn ledger_json(ledger: &Ledger) -> Value {
    let places: serde_json::Map<String, Value> = places(ledger)
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    Value::Object(places)
}

fn places(ledger: &Ledger) -> [(&'static str, u64); 9] {
    [
        ("read", ledger.read),
        ("delivered", ledger.delivered),
        ("unchanged", ledger.unchanged),
        ("filtered", ledger.filtered),
        ("suppressed", ledger.suppressed),
        ("expired", ledger.expired),
        ("rejected", ledger.rejected),
        ("unknown", ledger.unknown),
        ("pending", ledger.pending),
    ]
}

/// One row a run. Places that no run used are left out, but for the four that always matter.
///
/// `ids` adds when each run began and its id, for lists of past runs.
pub fn table(runs: &[Run], ids: bool) -> String {
    const ALWAYS: [&str; 4] = ["read", "delivered", "unchanged", "rejected"];
    let shown: Vec<usize> = (0..9)
        .filter(|index| {
            let used = runs.iter().any(|run| places(&run.ledger)[*index].1 > 0);
            used || ALWAYS.contains(&places(&Ledger::default())[*index].0)
        })
        .collect();
    let mut headings = vec!["pipeline", "state"];
    headings.extend(
        shown
            .iter()
            .map(|index| places(&Ledger::default())[*index].0),
    );
    if ids {
        headings.extend(["began", "run"]);
    }
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let mut row = vec![
                Cell::text(run.pipeline.as_str()).style(BOLD),
                run.state_cell(),
            ];
            row.extend(
                shown
                    .iter()
                    .map(|index| place_cell(places(&run.ledger)[*index])),
            );
            if ids {
                row.push(Cell::text(&moment(run.started_at)).style(DIM));
                row.push(Cell::text(&short(run.run_id)).style(DIM));
            }
            row
        })
        .collect();
    table::render(&headings, &rows)
}

fn place_cell((name, count): (&str, u64)) -> Cell {
    let cell = Cell::number(count);
    match name {
        "rejected" | "unknown" if count > 0 => cell.style(CAUTION),
        _ => cell,
    }
}

/// The table, what it cost, and what went wrong with the way on.
pub fn report(runs: &[Run]) -> String {
    let mut out = table(runs, false);
    let calls: u64 = runs.iter().map(|run| run.api_calls).sum();
    let read: u64 = runs.iter().map(|run| run.ledger.read).sum();
    let seconds: f64 = runs.iter().filter_map(Run::seconds).sum();
    let rate = if seconds > 0.0 {
        read as f64 / seconds
    } else {
        0.0
    };
    out.push('\n');
    let cost = format!(
        "{} in {}, {} records/s",
        text::count(calls, "API call"),
        duration(seconds),
        text::thousands(rate as u64)
    );
    line(&mut out, format_args!("{}", paint(DIM, cost)));
    for run in runs {
        let ids = format!(
            "{}: run {}, plan {}",
            run.pipeline,
            short(run.run_id),
            run.fingerprint.short()
        );
        line(&mut out, format_args!("{}", paint(DIM, ids)));
    }
    for run in runs {
        notes(&mut out, run);
    }
    out
}

/// Warnings, the error and the rejected records of one run, each with its name before it.
pub fn notes(out: &mut String, run: &Run) {
    if run.read_nothing_new() {
        let text = format!("{}: nothing changed since its last run", run.pipeline);
        line(out, format_args!("\n{}", paint(DIM, text)));
    }
    for warning in &run.warnings {
        warned(out, run.pipeline.as_str(), warning);
    }
    if run.ledger.rejected > 0 {
        let head = paint(CAUTION, text::count(run.ledger.rejected, "record"));
        let command = paint(
            HINT,
            format_args!("bridged rejected list --run {}", short(run.run_id)),
        );
        line(
            out,
            format_args!("\n{head} rejected by {}; see {command}", run.pipeline),
        );
    }
    if let Some((code, message)) = &run.error {
        let head = paint(BAD, format_args!("error[{code}]"));
        line(
            out,
            format_args!("\n{head}: {}: {}", run.pipeline, clean(message)),
        );
        if let Some(who) = FixedBy::of_told(*code, message) {
            line(out, format_args!("{}", findings::text::turn(who)));
        }
        let command = paint(HINT, format_args!("bridged explain {code}"));
        line(out, format_args!("see {command}"));
    }
}

/// One warning. One that begins with a code shows it as an error does, with who can put it right.
pub fn warned(out: &mut String, pipeline: &str, warning: &str) {
    let Some((code, text)) = coded(warning) else {
        let head = paint(CAUTION, "warning");
        line(
            out,
            format_args!("\n{head}: {pipeline}: {}", clean(warning)),
        );
        return;
    };
    let head = paint(CAUTION, format_args!("warning[{code}]"));
    line(out, format_args!("\n{head}: {pipeline}: {}", clean(text)));
    if let Some(who) = code.fixed_by() {
        line(out, format_args!("{}", findings::text::turn(who)));
    }
}

/// The code that a warning begins with, and the rest of it.
fn coded(warning: &str) -> Option<(Code, &str)> {
    let (word, text) = warning.split_once(": ")?;
    Some((word.parse().ok()?, text))
}

/// The warnings that have a code, as findings.
pub fn coded_warnings(warnings: &[String]) -> impl Iterator<Item = Diagnostic> {
    let coded = warnings.iter().filter_map(|warning| coded(warning));
    coded.map(|(code, text)| Diagnostic::warning(code, text))
}

/// The last group of a run's id, which is random: enough to tell runs apart, and short enough to type.
pub fn short(run_id: RunId) -> String {
    let text = run_id.to_string();
    text.rsplit('-').next().unwrap_or_default().to_owned()
}

/// `850 ms`, `1.4 s`, `2 min 5 s`, `1 h 12 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0 => format!("{} ms", (seconds * 1000.0).round()),
        1..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `2027-03-01 06:00:12Z`.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%F %TZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [
            (0.0, "0 ms"),
            (0.85, "850 ms"),
            (1.44, "1.4 s"),
            (125.0, "2 min 5 s"),
            (4320.0, "1 h 12 min"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(duration(seconds), shown);
        }
    }
}

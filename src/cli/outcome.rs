//! What a command hands back, and how it reaches the two streams.

use std::io;

use serde_json::{Map, Value};

use super::args::Format;
use super::exit::Exit;
use super::findings;
use super::text;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Error;
use crate::foundation::id::Fingerprint;

/// The end of a command that could do its work, well or badly.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// The plan it worked with, where there was exactly one.
    pub fingerprint: Option<Fingerprint>,
    /// What was found in the files; shown on stderr beside a text.
    pub findings: Vec<Diagnostic>,
    /// Findings that the text tells in its own way; only JSON lists them.
    pub told: Vec<Diagnostic>,
    /// What failed beside what was done; shown behind the text.
    pub errors: Vec<Error>,
    /// The result as JSON.
    pub result: Value,
    /// The result for people, styled; ends with a newline unless empty.
    pub text: String,
}

impl Outcome {
    /// A result without findings.
    pub fn new(exit: Exit, result: Value, text: String) -> Self {
        Self {
            exit,
            fingerprint: None,
            findings: Vec::new(),
            told: Vec::new(),
            errors: Vec::new(),
            result,
            text,
        }
    }
}

/// What keeps a command from its result.
#[derive(Debug)]
pub enum Stop {
    /// Files that cannot be used.
    Invalid(Vec<Diagnostic>),
    /// An operation that failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

/// How a command ended.
pub type Ended = Result<Outcome, Stop>;

/// Shows how `command` ended, in the form asked for, and returns its exit.
pub fn report(command: &str, format: Format, ended: &Ended) -> Exit {
    let exit = match ended {
        Ok(outcome) => outcome.exit,
        Err(Stop::Invalid(_)) => Exit::Invalid,
        Err(Stop::Failed(error)) => Exit::of_error(error),
    };
    match (format, ended) {
        (Format::Json, _) => print_json(&object(command, exit, ended)),
        (Format::Text, Ok(outcome)) => {
            print_err(&findings::text::render(&outcome.findings));
            print(&outcome.text);
            for error in &outcome.errors {
                print_err(&findings::text::render_error(error));
            }
        }
        (Format::Text, Err(Stop::Invalid(findings))) => {
            print_err(&findings::text::render(findings));
        }
        (Format::Text, Err(Stop::Failed(error))) => print_err(&findings::text::render_error(error)),
    }
    exit
}

/// The one object of a JSON report: `command`, `ok`, `fingerprint` where there is one, `findings`, `result`.
///
/// `ok` is true exactly where the exit code is 0. An error is the last finding, with its causes.
fn object(command: &str, exit: Exit, ended: &Ended) -> Value {
    let mut object = Map::new();
    object.insert("command".into(), command.into());
    object.insert("ok".into(), (exit == Exit::Done).into());
    let all = |found: &[Diagnostic]| -> Vec<Value> {
        found.iter().map(findings::json::finding).collect()
    };
    let (found, result) = match ended {
        Ok(outcome) => {
            if let Some(fingerprint) = outcome.fingerprint {
                object.insert("fingerprint".into(), fingerprint.to_string().into());
            }
            let mut found: Vec<Value> = all(&outcome.findings);
            found.extend(all(&outcome.told));
            found.extend(outcome.errors.iter().map(findings::json::error));
            (found, outcome.result.clone())
        }
        Err(Stop::Invalid(findings)) => (all(findings), Value::Null),
        Err(Stop::Failed(error)) => (vec![findings::json::error(error)], Value::Null),
    };
    object.insert("findings".into(), Value::Array(found));
    object.insert("result".into(), result);
    Value::Object(object)
}

/// Prints a JSON value on stdout, indented, safe for a terminal.
pub fn print_json(value: &Value) {
    let json = format!("{value:#}\n");
    print(&text::clean_json(&json));
}

/// Prints on stdout; styles are dropped where they do not belong.
pub fn print(text: &str) {
    write(anstream::stdout().lock(), text);
}

/// Prints on stderr; styles are dropped where they do not belong.
pub fn print_err(text: &str) {
    write(anstream::stderr().lock(), text);
}

/// A reader that went away (`bridged … | head`) has all it wanted: that is no failure of the command.
fn write(mut stream: impl io::Write, text: &str) {
    let _ = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush());
}

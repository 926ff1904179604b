//! Arguments that cannot be understood, in the shape of every other error; help and version where they were asked for.

use std::ffi::OsString;

use clap::error::ErrorKind;

use super::args::Format;
use super::exit::Exit;
use super::outcome;
use super::text::{BOLD, HINT, paint};
use crate::foundation::code::Code;
use crate::foundation::error::Error;

/// Shows what clap has to say and returns the exit.
pub fn report(error: &clap::Error, typed: &[OsString]) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            outcome::print(&error.render().ansi().to_string());
            return Exit::Done;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            outcome::print_err(&error.render().ansi().to_string());
            return Exit::Invalid;
        }
        _ => {}
    }
    let parts = Parts::of(&error.render().to_string());
    let failure = Error::new(Code::InvalidUsage, parts.message).help(parts.help);
    let wants_json = typed
        .windows(2)
        .any(|pair| pair[0] == "--format" && pair[1] == "json")
        || typed.iter().any(|word| word == "--format=json");
    if wants_json {
        let command = typed
            .get(1)
            .map(|word| word.to_string_lossy())
            .unwrap_or_default();
        return outcome::report(&command, Format::Json, &Err(failure.into()));
    }
    let exit = outcome::report("", Format::Text, &Err(failure.into()));
    if !parts.usage.is_empty() {
        outcome::print_err(&format!(
            "\n{} {}\n",
            paint(BOLD, "usage:"),
            paint(HINT, parts.usage)
        ));
    }
    exit
}

/// What clap's plain rendering says, taken apart: its first paragraph, its tips, its usage line.
struct Parts {
    message: String,
    help: String,
    usage: String,
}

impl Parts {
    fn of(rendered: &str) -> Self {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut paragraphs = rendered.split("\n\n");
        let message = line(paragraphs.next().unwrap_or_default());
        let message = message
            .trim_start_matches("error:")
            .trim()
            .replace('\'', "`");
        let (mut tips, mut usage) = (Vec::new(), String::new());
        for paragraph in paragraphs {
            let trimmed = paragraph.trim_start();
            if let Some(text) = trimmed.strip_prefix("Usage:") {
                usage = line(text);
            } else if trimmed.starts_with("tip:") {
                let lines = paragraph
                    .lines()
                    .map(|tip| tip.trim().trim_start_matches("tip:"));
                tips.extend(lines.map(|tip| line(tip).replace('\'', "`")));
            }
        }
        tips.retain(|tip| !tip.is_empty());
        let help = if tips.is_empty() {
            "see `bridged --help`".to_owned()
        } else {
            tips.join("; ")
        };
        Self {
            message,
            help,
            usage,
        }
    }
}

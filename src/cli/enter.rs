//! Asking for credentials: hidden at a terminal, `NAME=VALUE` lines where there is none; never as an argument.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use super::outcome;
use crate::connections::credentials::Wanted;
use crate::connections::reference;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::secret::Secret;
use crate::vault::Field;

/// The most bytes of lines that are read.
const MAX_BYTES: u64 = 64 * 1024;

/// Asks for every credential of `wanted`; `kept` says which are in the vault and may stay as they are.
///
/// Lines carry the names of the project file's keys without their section: `consumer_key=…`. A private key is named by its
/// file: `private_key=PATH`.
///
/// # Errors
/// `invalid-usage` for lines that are none of these, `not-connected` for a credential that is neither entered nor kept.
pub fn ask(
    connection: &str,
    wanted: &[Wanted<'_>],
    kept: &[Field],
    base_dir: &Path,
) -> Result<Vec<(Field, Secret)>> {
    let lines = if io::stdin().is_terminal() {
        None
    } else {
        Some(read_lines(wanted)?)
    };
    let mut entered = Vec::new();
    for wanted in wanted {
        let is_kept = kept.contains(&wanted.field);
        let value = match &lines {
            Some(lines) => line_of(lines, wanted),
            None => prompt(wanted, is_kept)?,
        };
        match value {
            Some(value) if wanted.field == Field::PrivateKey => {
                let key = reference::file(&base_dir.join(value.expose()), "the answer")?;
                entered.push((wanted.field, key));
            }
            Some(value) => entered.push((wanted.field, value)),
            None if is_kept || wanted.optional => {}
            None => {
                let name = short(wanted);
                let message = format!(
                    "connection `{connection}` needs its {}, and none was entered",
                    wanted.title
                );
                let help =
                    format!("enter it at a terminal, or pipe a line `{name}=…` into the command");
                return Err(Error::new(Code::NotConnected, message).help(help));
            }
        }
    }
    Ok(entered)
}

/// The key of the project file without its section.
fn short(wanted: &Wanted<'_>) -> &'static str {
    wanted.key.rsplit('.').next().unwrap_or(wanted.key)
}

fn prompt(wanted: &Wanted<'_>, is_kept: bool) -> Result<Option<Secret>> {
    let what = if wanted.field == Field::PrivateKey {
        format!("File of the {}", wanted.title)
    } else {
        let mut title = wanted.title.chars();
        let first = title.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(title).collect()
    };
    let hint = match (is_kept, wanted.optional) {
        (true, _) => " (Enter keeps the present one)",
        (false, true) => " (Enter for none)",
        (false, false) => "",
    };
    outcome::print_err(&format!("{what}{hint}: "));
    let unreadable = |cause: io::Error| {
        Error::new(Code::InvalidUsage, "the terminal gave no line")
            .help("run the command at a terminal, or pipe `NAME=VALUE` lines into it")
            .caused_by(cause)
    };
    let typed = Secret::new(rpassword::read_password().map_err(unreadable)?);
    let trimmed = Secret::new(typed.expose().trim());
    Ok(Some(trimmed).filter(|value| !value.is_empty()))
}

fn read_lines(wanted: &[Wanted<'_>]) -> Result<Vec<(String, Secret)>> {
    let names: Vec<&str> = wanted.iter().map(short).collect();
    let wrong = |why: &str| {
        let help = format!(
            "write lines of `NAME=VALUE`, with the names `{}`",
            names.join("`, `")
        );
        Error::new(Code::InvalidUsage, format!("the input {why}")).help(help)
    };
    let mut lines = Vec::new();
    let mut input = io::stdin().lock().take(MAX_BYTES + 1);
    let mut read = 0;
    loop {
        let mut line = Vec::new();
        let bytes = input
            .read_until(b'\n', &mut line)
            .map_err(|cause| wrong("cannot be read").caused_by(cause))?;
        read += bytes as u64;
        let line = String::from_utf8(line)
            .map(Secret::new)
            .map_err(|_| wrong("is no text"))?;
        if read > MAX_BYTES {
            return Err(wrong("is too long"));
        }
        if bytes == 0 {
            return Ok(lines);
        }
        let text = line.expose().trim();
        if text.is_empty() {
            continue;
        }
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| wrong("has a line without `=`"))?;
        let name = name.trim();
        if !names.contains(&name) {
            // What stands there may be a credential: only the number of the line is told.
            return Err(wrong(&format!(
                "names no credential that is asked for, in line {}",
                lines.len() + 1
            )));
        }
        if lines.iter().any(|(known, _)| known == name) {
            return Err(wrong(&format!("names `{name}` twice")));
        }
        lines.push((name.to_owned(), Secret::new(value.trim())));
    }
}

fn line_of(lines: &[(String, Secret)], wanted: &Wanted<'_>) -> Option<Secret> {
    let name = short(wanted);
    let found = lines.iter().find(|(known, _)| known == name);
    found
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty())
}

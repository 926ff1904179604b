//! `bridged explain`: the page of an error code, or the list of all codes.

use serde_json::json;

use super::args::Format;
use super::env::Env;
use super::exit::Exit;
use super::findings;
use super::outcome::{Ended, Outcome};
use super::text::{BOLD, DIM, HINT, line, paint, wrap};
use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::error::{Error, Result};
use crate::foundation::fixed_by::FixedBy;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, as an error shows it in brackets; every code is listed without it.
    pub code: Option<String>,

    /// The form of the report: text or json.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// Looks the code up.
pub fn execute(args: &Args, env: &Env) -> Ended {
    let Some(word) = &args.code else {
        return Ok(list());
    };
    let code = parse(word)?;
    let result = json!({
        "code": code.as_str(),
        "title": code.title(),
        "fixed_by": code.fixed_by().map(FixedBy::as_str),
        "page": code.page(),
    });
    Ok(Outcome::new(Exit::Done, result, page(code, env.width)))
}

/// The code that `word` spells.
///
/// # Errors
/// `unknown-code`, with the nearest code.
pub fn parse(word: &str) -> Result<Code> {
    word.parse().map_err(|_| unknown(word))
}

fn unknown(word: &str) -> Error {
    let near = nearest(word, Code::ALL.iter().map(|code| code.as_str()));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`bridged explain` without a code lists them all".to_owned(),
    };
    Error::new(Code::UnknownCode, format!("there is no code `{word}`")).help(help)
}

fn list() -> Outcome {
    let mut codes = Code::ALL.to_vec();
    codes.sort_unstable_by_key(|code| code.as_str());
    let width = codes
        .iter()
        .map(|code| code.as_str().len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for code in &codes {
        let name = paint(HINT, format_args!("{:width$}", code.as_str()));
        line(&mut text, format_args!("{name}  {}", code.title()));
    }
    let rows: Vec<_> = codes
        .iter()
        .map(|code| {
            let who = code.fixed_by().map(FixedBy::as_str);
            json!({ "code": code.as_str(), "title": code.title(), "fixed_by": who })
        })
        .collect();
    Outcome::new(Exit::Done, json!({ "codes": rows }), text)
}

/// The page, its paragraphs wrapped to `width` columns and its code blocks indented.
fn page(code: Code, width: usize) -> String {
    let mut out = format!(
        "{}: {}\n",
        paint(HINT.bold(), code),
        paint(BOLD, code.title())
    );
    if let Some(who) = code.fixed_by() {
        line(&mut out, format_args!("{}", findings::text::turn(who)));
    }
    let mut paragraph = String::new();
    let (mut in_block, mut gap) = (false, false);
    for text in code.page().lines().skip(1).chain([""]) {
        let heading = text.strip_prefix("## ");
        let fence = text.starts_with("```");
        if !in_block && (text.is_empty() || heading.is_some() || fence || text.starts_with("- ")) {
            flush(&mut out, &mut paragraph, width);
        }
        match heading {
            _ if fence => in_block = !in_block,
            _ if in_block => line(&mut out, format_args!("    {}", paint(DIM, text))),
            Some(heading) => line(&mut out, format_args!("\n{}", paint(BOLD, heading))),
            None if text.is_empty() => {}
            None => {
                if gap && paragraph.is_empty() {
                    out.push('\n');
                }
                paragraph.push_str(text);
                paragraph.push('\n');
            }
        }
        gap = text.is_empty() && !out.ends_with(":\n");
    }
    out
}

fn flush(out: &mut String, paragraph: &mut String, width: usize) {
    let text = std::mem::take(paragraph);
    let hang = if text.starts_with("- ") { "    " } else { "  " };
    for (index, row) in wrap(&text, width.saturating_sub(4)).iter().enumerate() {
        let indent = if index == 0 { "  " } else { hang };
        line(out, format_args!("{indent}{row}"));
    }
}

//! Findings and errors for people, as a compiler shows them.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::super::text::{self, BAD, BOLD, CAUTION, HINT, clean, line, paint, wrap};
use crate::foundation::diagnostic::{Diagnostic, Place, Severity};
use crate::foundation::error::Error;
use crate::foundation::fixed_by::FixedBy;

/// Columns of a help line, behind what stands before it: a line of 80 is not broken by the terminal.
const HELP_WIDTH: usize = 68;

/// Columns that a shown source line may take before it is cut.
const WIDTH: usize = 120;

/// Every finding with its source lines, and a closing count; empty where there are none.
pub fn render(findings: &[Diagnostic]) -> String {
    let mut out = String::new();
    for finding in findings {
        out.push_str(&one(finding));
        out.push_str("\n\n");
    }
    if !findings.is_empty() {
        out.push_str(&summary(findings));
        out.push('\n');
    }
    out
}

/// One finding, styled, without a final newline.
pub fn one(finding: &Diagnostic) -> String {
    if finding.place.is_none() && finding.related.is_none() {
        return plain(finding);
    }
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(
        level
            .primary_title(clean(&finding.message))
            .id(finding.code.as_str()),
    );
    let label = finding.label.as_deref().map(clean);
    match (&finding.place, &finding.related) {
        (Some(place), Some((other, why))) if place.file == other.file => {
            let both = [primary(place, label), context(other, why)];
            group = group.element(snippet(place).annotations(both));
        }
        (place, related) => {
            if let Some(place) = place {
                group = group.element(snippet(place).annotation(primary(place, label)));
            }
            if let Some((other, why)) = related {
                group = group.element(snippet(other).annotation(context(other, why)));
            }
        }
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(wrap(&clean(help), HELP_WIDTH).join("\n")));
    }
    if let Some(who) = finding.fixed_by() {
        group = group.element(Level::NOTE.with_name("who").message(who.in_words()));
    }
    Renderer::styled().term_width(WIDTH).render(&[group])
}

/// A finding about no file: it has no lines to draw a frame around.
fn plain(finding: &Diagnostic) -> String {
    let style = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => CAUTION,
    };
    let word = finding.severity.as_str();
    let head = paint(style, format_args!("{word}[{}]", finding.code));
    let mut out = head + &paint(BOLD, format_args!(": {}", clean(&finding.message)));
    if let Some(help) = &finding.help {
        out.push('\n');
        out.push_str(&paint(HINT.bold(), "help"));
        out.push_str(": ");
        out.push_str(&clean(help));
    }
    if let Some(who) = finding.fixed_by() {
        out.push('\n');
        out.push_str(&turn(who));
    }
    out
}

/// `who: a Salesforce administrator`.
pub fn turn(who: FixedBy) -> String {
    format!("{}: {who}", paint(HINT.bold(), "who"))
}

fn snippet(place: &Place) -> Snippet<'_, Annotation<'_>> {
    Snippet::source(visible(&place.file.text))
        .line_start(place.file.first_line)
        .path(clean(&place.file.path))
}

fn primary<'a>(place: &Place, label: Option<Cow<'a, str>>) -> Annotation<'a> {
    AnnotationKind::Primary.span(bounded(place)).label(label)
}

fn context<'a>(place: &Place, why: &'a str) -> Annotation<'a> {
    AnnotationKind::Context
        .span(bounded(place))
        .label(clean(why))
}

/// The span within the text, on character boundaries, whatever the place says.
fn bounded(place: &Place) -> Range<usize> {
    let text = &place.file.text;
    let end = text.floor_char_boundary(place.span.end);
    text.floor_char_boundary(place.span.start).min(end)..end
}

/// The text with those unsafe characters replaced which the renderer would print; no offset moves, as each is replaced by
/// one of the same length.
fn visible(text: &str) -> Cow<'_, str> {
    let printed = |c: char| c > '\u{7f}' && text::is_unsafe(c);
    if !text.contains(printed) {
        return Cow::Borrowed(text);
    }
    let replace = |c: char| match c.len_utf8() {
        _ if !printed(c) => c,
        2 => '¿',
        3 => '\u{fffd}',
        _ => '\u{1fbc4}',
    };
    Cow::Owned(text.chars().map(replace).collect())
}

/// `2 errors and 1 warning in 2 files`.
pub fn summary(findings: &[Diagnostic]) -> String {
    let errors = super::tally(findings, Severity::Error);
    let warnings = super::tally(findings, Severity::Warning);
    let counted = match (errors, warnings) {
        (0, _) => paint(CAUTION, text::count(warnings, "warning")),
        (_, 0) => paint(BAD, text::count(errors, "error")),
        _ => format!(
            "{} and {}",
            paint(BAD, text::count(errors, "error")),
            paint(CAUTION, text::count(warnings, "warning"))
        ),
    };
    let mut files: Vec<_> = findings
        .iter()
        .filter_map(|finding| finding.place.as_ref().map(|place| place.file.path.as_str()))
        .collect();
    files.sort_unstable();
    files.dedup();
    if files.is_empty() {
        return counted;
    }
    format!("{counted} in {}", text::count(files.len() as u64, "file"))
}

/// An error with its causes and its help.
pub fn render_error(error: &Error) -> String {
    let mut out = String::new();
    let message = paint(BOLD, format_args!(": {}", clean(error.message())));
    let head = paint(BAD, format_args!("error[{}]", error.code()));
    line(&mut out, format_args!("{head}{message}"));
    for cause in super::causes(error) {
        line(&mut out, format_args!("  caused by: {}", clean(&cause)));
    }
    if let Some(step) = &error.context().step {
        line(&mut out, format_args!("  in step: {}", clean(step)));
    }
    if let Some(help) = error.help_text() {
        let head = paint(HINT.bold(), "help");
        line(&mut out, format_args!("{head}: {}", clean(help)));
    }
    if let Some(who) = error.fixed_by() {
        line(&mut out, format_args!("{}", turn(who)));
    }
    out
}

//! Findings as GitHub workflow commands, which a pull request shows beside the lines they are about.
//!
//! Form and escapes follow "Workflow commands for GitHub Actions", section "Setting an error message", and the escapes of
//! the `@actions/core` package, which that page refers to.

use std::fmt::Write as _;

use super::super::text::clean;
use crate::foundation::diagnostic::Diagnostic;

/// One line a finding. `prefix` is the way from the repository's root to the project, empty or with a final `/`.
pub fn render(findings: &[Diagnostic], prefix: &str) -> String {
    let mut out = String::new();
    for finding in findings {
        let mut properties = Vec::new();
        if let Some(place) = &finding.place {
            let (start, end) = (place.start(), place.end());
            let file = format!("{prefix}{}", clean(&place.file.path));
            properties.push(format!("file={}", property(&file)));
            properties.push(format!("line={},col={}", start.line, start.column));
            properties.push(format!("endLine={},endColumn={}", end.line, end.column));
        }
        properties.push(format!("title={}", property(finding.code.as_str())));
        let mut message = clean(&finding.message).into_owned();
        if let Some(help) = &finding.help {
            message.push_str("\nhelp: ");
            message.push_str(&clean(help));
        }
        if let Some(who) = finding.fixed_by() {
            message.push_str("\nwho: ");
            message.push_str(who.in_words());
        }
        let command = finding.severity.as_str();
        let _ = writeln!(
            out,
            "::{command} {}::{}",
            properties.join(","),
            data(&message)
        );
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

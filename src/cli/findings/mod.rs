//! The same findings in four forms: for people, for programs, for GitHub's annotations, for SARIF readers.

pub mod github;
pub mod json;
pub mod sarif;
pub mod text;

use crate::foundation::diagnostic::{Diagnostic, Severity};
use crate::foundation::error::Error;

/// Sorts findings by file and place; those about no file come first.
pub fn sort(findings: &mut [Diagnostic]) {
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
}

fn key(finding: &Diagnostic) -> Option<(&str, usize, usize)> {
    let place = finding.place.as_ref()?;
    Some((&place.file.path, place.span.start, place.span.end))
}

/// How many findings are of a severity.
pub fn tally(findings: &[Diagnostic], severity: Severity) -> u64 {
    findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .count() as u64
}

/// The causes beneath an error, outermost first.
pub fn causes(error: &Error) -> Vec<String> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
        .map(ToString::to_string)
        .collect()
}

/// An error in the shape of a finding about no file, for forms that know only findings.
pub fn of_error(error: &Error) -> Diagnostic {
    Diagnostic::from(error)
}

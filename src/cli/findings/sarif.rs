//! Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0").

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, Severity};

/// What a path segment of a URI may not hold in clear (RFC 3986, section 3.3), and `%` itself.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// One log with one run. `prefix` is the way from the repository's root to the project, empty or with a final `/`.
pub fn render(findings: &[Diagnostic], prefix: &str) -> Value {
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<_> = findings
        .iter()
        .map(|found| result(found, &codes, prefix))
        .collect();
    let failed = findings.iter().any(Diagnostic::is_error);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "bridged",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                "ROOT": { "description": { "text": "the root of the repository" } },
            },
            "invocations": [{ "executionSuccessful": true, "exitCode": if failed { 2 } else { 0 } }],
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    let mut rule = json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "fullDescription": { "text": section(code.page(), "Cause") },
        "help": { "text": section(code.page(), "Remedy"), "markdown": code.page() },
    });
    if let Some(who) = code.fixed_by() {
        rule["properties"] = json!({ "fixed_by": who.as_str() });
    }
    rule
}

/// The text of one section of a code's page, its lines joined.
fn section(page: &str, heading: &str) -> String {
    page.lines()
        .skip_while(|line| line.strip_prefix("## ") != Some(heading))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}

fn result(finding: &Diagnostic, codes: &[Code], prefix: &str) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let message = match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.code.as_str(),
        "ruleIndex": codes.binary_search(&finding.code).unwrap_or_default(),
        "level": level,
        "message": { "text": message },
        "locations": finding.place.iter().map(|at| location(at, prefix)).collect::<Vec<_>>(),
    });
    if let Some((place, why)) = &finding.related {
        let mut related = location(place, prefix);
        related["message"] = json!({ "text": why });
        result["relatedLocations"] = json!([related]);
    }
    result
}

fn location(place: &Place, prefix: &str) -> Value {
    let (start, end) = (place.start(), place.end());
    let path = format!("{prefix}{}", place.file.path);
    json!({
        "physicalLocation": {
            "artifactLocation": {
                "uri": utf8_percent_encode(&path, PATH).to_string(),
                "uriBaseId": "ROOT",
            },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    })
}

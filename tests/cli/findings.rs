//! The same findings in every form.

use std::sync::Arc;

use bridged::cli::findings::{github, json, sarif, sort, text};
use bridged::foundation::code::Code;
use bridged::foundation::diagnostic::{Diagnostic, Place, SourceFile};
use bridged::foundation::error::Error;
use serde_json::Value;

use crate::support::golden::assert_golden;

const PIPELINE: &str = "\
version: 1
name: lead-sync
schedule: [daily
source:
  object: Lead # Ünïcode, 100%
  name: again
";

/// The place of the first `part` behind `from` in the text.
fn place(file: &Arc<SourceFile>, from: usize, part: &str) -> Place {
    let start = from + file.text[from..].find(part).expect("part of the text");
    Place {
        file: file.clone(),
        span: start..start + part.len(),
    }
}

fn file(path: &str, text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile {
        path: path.into(),
        text: text.into(),
        first_line: 1,
    })
}

/// Findings of every shape: with all parts, in another file, about no file, with characters that forms must escape.
fn findings() -> Vec<Diagnostic> {
    let pipeline = file("pipelines/lead sync.yaml", PIPELINE);
    let project = file("bridged.yaml", "version: 1\nname: acme\n");
    let behind = PIPELINE.find("object").expect("part of the text");
    let mut findings = vec![
        Diagnostic::error(Code::YamlSyntax, "key `name` is given twice")
            .at(place(&pipeline, behind, "name"))
            .label("given again")
            .related(place(&pipeline, 0, "name"), "first given here")
            .help("remove one of the two"),
        Diagnostic::warning(Code::InvalidUsage, "100% of `a,b:c` is odd\nreally")
            .at(place(&pipeline, 0, "Ünïcode, 100%"))
            .related(place(&project, 0, "acme"), "the project"),
        Diagnostic::error(Code::YamlSyntax, "bracket is never closed").at(place(&pipeline, 0, "[")),
        Diagnostic::error(Code::Bug, "no file at all"),
    ];
    sort(&mut findings);
    findings
}

fn plain(styled: &str) -> String {
    anstream::adapter::strip_str(styled).to_string()
}

#[test]
fn text_shows_code_place_source_and_help() {
    assert_golden("cli/findings.txt", &plain(&text::render(&findings())));
}

#[test]
fn every_form_tells_the_same_findings() {
    let findings = findings();
    let told = findings.len();
    let objects: Vec<Value> = findings.iter().map(json::finding).collect();
    assert_golden(
        "cli/findings.json",
        &format!("{:#}\n", Value::Array(objects)),
    );
    let commands = github::render(&findings, "sub/");
    assert_eq!(commands.lines().count(), told);
    assert_golden("cli/findings.github", &commands);
    let log = sarif::render(&findings, "sub/");
    assert_eq!(
        log["runs"][0]["results"].as_array().map(Vec::len),
        Some(told)
    );
    assert_golden("cli/findings.sarif", &format!("{log:#}\n"));
}

#[test]
fn sarif_obeys_its_published_schema() {
    let schema = include_str!("../data/sarif-schema-2.1.0.json");
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    // The published pattern has a bracket too many, which only lenient engines take.
    for holder in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][holder]["properties"]["language"];
        language["pattern"] = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
    }
    let validator = jsonschema::draft7::new(&schema).unwrap();
    for findings in [findings(), Vec::new()] {
        let log = sarif::render(&findings, "");
        let wrong: Vec<_> = validator.iter_errors(&log).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    let broken = serde_json::json!({ "version": "2.1.0", "runs": [{ "tool": 1 }] });
    assert!(!validator.is_valid(&broken));
}

#[test]
fn no_findings_are_no_text() {
    assert_eq!(text::render(&[]), "");
    assert_eq!(github::render(&[], ""), "");
}

#[test]
fn a_place_beyond_the_text_does_not_stop_the_report() {
    let source = file("a.yaml", "é\n");
    for span in [0..99, 1..2, 50..60, 3..3] {
        let place = Place {
            file: source.clone(),
            span,
        };
        let finding = Diagnostic::error(Code::Bug, "somewhere").at(place);
        let all = std::slice::from_ref(&finding);
        assert!(plain(&text::render(all)).contains("error[bug]: somewhere"));
        assert!(github::render(all, "").contains("::error file=a.yaml"));
    }
}

#[test]
fn x32_nothing_from_a_file_reaches_the_terminal_unescaped() {
    let evil = "\u{1b}[31m\u{202e}\u{9b}2J\u{200b}\u{2028}\r\u{7}";
    let source = file(&format!("p{evil}.yaml"), &format!("key{evil}: value\n"));
    let finding = Diagnostic::error(Code::Bug, format!("message {evil}"))
        .at(place(&source, 0, "key"))
        .label(format!("label {evil}"))
        .related(place(&source, 0, "value"), format!("related {evil}"))
        .help(format!("help {evil}"));
    let all = std::slice::from_ref(&finding);
    let error = Error::new(Code::Bug, evil)
        .help(evil)
        .caused_by(evil)
        .in_step(evil);
    let github = github::render(all, "");
    let shown = [
        plain(&text::render(all)),
        plain(&text::render_error(&error)),
        github.clone(),
    ];
    for text in shown {
        let unsafe_left = text
            .replace('\n', "")
            .contains(bridged::cli::text::is_unsafe);
        assert!(!unsafe_left, "{text:?}");
    }
    assert_eq!(github.lines().count(), 1);
}

#[test]
fn an_error_shows_its_causes_and_its_help() {
    let inner = Error::new(Code::Bug, "connection refused");
    let error = Error::new(Code::Interrupted, "the query of `leads` failed")
        .caused_by(inner)
        .in_step("read")
        .help("run the same command again")
        .with(|context| context.http_status = Some(503));
    assert_golden("cli/error.txt", &plain(&text::render_error(&error)));
    assert_golden("cli/error.json", &format!("{:#}\n", json::error(&error)));
}

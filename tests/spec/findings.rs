//! Every fixture under `tests/golden/spec` says what its file says: `NAME.yaml` beside `NAME.txt`.

use std::fs;

use bridged::foundation::diagnostic::Diagnostic;
use bridged::spec::read;

use crate::support::golden;

/// One finding a line: `code line:column-line:column message | related | help`.
pub(crate) fn listed(findings: &[Diagnostic]) -> String {
    findings
        .iter()
        .map(|finding| line(finding) + "\n")
        .collect()
}

fn line(finding: &Diagnostic) -> String {
    let place = finding.place.as_ref().map_or("-".to_owned(), |place| {
        let (start, end) = (place.start(), place.end());
        format!(
            "{}:{}-{}:{}",
            start.line, start.column, end.line, end.column
        )
    });
    let mut line = format!("{} {place} {}", finding.code, finding.message);
    if let Some((place, text)) = &finding.related {
        let start = place.start();
        let at = format!(" | {text} at {}:{}", start.line, start.column);
        line.push_str(&at);
    }
    if let Some(help) = &finding.help {
        line.extend([" | ", help.as_str()]);
    }
    line
}

/// The findings of a file, by whether its name says that it is a project.
fn findings(name: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    if name.starts_with("project") {
        read::project(name, bytes).findings
    } else {
        read::pipeline(name, bytes).findings
    }
}

#[test]
fn each_fixture_has_exactly_the_findings_beside_it() {
    let folder = golden::folder().join("spec");
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 60, "{} fixtures", names.len());
    for name in names {
        let path = golden::folder().join(format!("spec/{name}.yaml"));
        let found = listed(&findings(&name, &fs::read(path).unwrap()));
        golden::assert_golden(&format!("spec/{name}.txt"), &found);
    }
}

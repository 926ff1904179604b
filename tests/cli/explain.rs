//! `bridged explain`.

use crate::support::golden::assert_golden;
use crate::support::project::Project;

#[test]
fn a_code_is_explained_by_its_page() {
    let ran = Project::empty()
        .bridged(&["explain", "yaml-syntax"])
        .expect(0);
    assert_golden("cli/explain-yaml-syntax.txt", &ran.transcript());
}

#[test]
fn a_mistyped_code_names_the_nearest() {
    let ran = Project::empty()
        .bridged(&["explain", "yaml-sintax"])
        .expect(2);
    assert_golden("cli/explain-unknown-code.txt", &ran.transcript());
}

#[test]
fn every_code_is_listed_with_its_title() {
    let ran = Project::empty()
        .bridged(&["explain", "--format", "json"])
        .expect(0);
    let codes = ran.json()["result"]["codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), bridged::foundation::code::Code::ALL.len());
    assert!(
        codes
            .iter()
            .all(|row| row["title"].as_str().is_some_and(|title| !title.is_empty()))
    );
}

#[test]
fn an_unknown_code_is_a_finding_in_json() {
    let ran = Project::empty()
        .bridged(&["explain", "nothing-like-it", "--format", "json"])
        .expect(2);
    let report = ran.json();
    assert_eq!(report["ok"], false);
    assert_eq!(report["command"], "explain");
    assert_eq!(report["findings"][0]["code"], "unknown-code");
    assert_eq!(report["result"], serde_json::Value::Null);
}

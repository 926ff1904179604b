//! `bridged plan`, `bridged test` and `bridged schema`: what is shown without touching anything.

use serde_json::json;

use super::sample::{LEADS, with};
use crate::support::golden::{assert_golden, masked};
use crate::support::project::Project;

const TESTED: &str = "\
version: 1
name: tested
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
tests:
  - { name: the last name is kept, given: { LastName: Lovelace }, expect: { profile: { name: Lovelace } } }
";

#[test]
fn a_plan_shows_its_steps_its_query_and_its_cost() {
    let ran = with(LEADS)
        .bridged(&["plan", "leads", "--records", "1000"])
        .expect(0);
    assert_golden("cli/plan.txt", &masked(&ran.transcript()));
}

#[test]
fn a_plan_is_drawn_in_two_languages_and_told_in_json() {
    let project = with(LEADS);
    let mermaid = project
        .bridged(&["plan", "--format", "mermaid"])
        .expect(0)
        .stdout;
    assert!(mermaid.contains("flowchart LR"), "{mermaid}");
    let dot = project
        .bridged(&["plan", "--format", "dot"])
        .expect(0)
        .stdout;
    assert!(dot.contains("digraph \"leads\""), "{dot}");
    let report = project
        .bridged(&["plan", "--format", "json"])
        .expect(0)
        .json();
    let plan = &report["result"]["plans"][0];
    assert_eq!(plan["pipeline"], "leads");
    assert_eq!(report["fingerprint"], plan["fingerprint"]);
}

#[test]
fn i2_what_validate_shows_is_what_plan_shows_and_run_runs() {
    let project = with(LEADS);
    let validated = project
        .bridged(&["validate", "--format", "json"])
        .expect(0)
        .json();
    let planned = project
        .bridged(&["plan", "--format", "json"])
        .expect(0)
        .json();
    let ran = project
        .bridged(&[
            "--sandbox",
            "run",
            "leads",
            "--limit",
            "1",
            "--format",
            "json",
        ])
        .expect(0)
        .json();
    assert_eq!(validated["fingerprint"], planned["fingerprint"]);
    assert_eq!(
        validated["fingerprint"],
        ran["result"]["runs"][0]["fingerprint"]
    );
}

#[test]
fn a_pipeline_with_findings_is_not_planned() {
    let project = with(&LEADS.replace("direction: read", "direction: raed"));
    let ran = project.bridged(&["plan", "pipelines/leads.yaml"]).expect(2);
    assert_eq!(ran.stdout, "");
    assert_golden("cli/plan-findings.txt", &ran.transcript());
}

#[test]
fn an_unknown_pipeline_names_the_nearest() {
    let ran = with(LEADS).bridged(&["plan", "laeds"]).expect(2);
    assert_golden("cli/plan-unknown-pipeline.txt", &ran.transcript());
    let report = with(LEADS)
        .bridged(&["plan", "nothing-like", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(report["findings"][0]["code"], "unknown-pipeline");
}

#[test]
fn tests_that_pass_are_listed() {
    let ran = with(TESTED).bridged(&["test"]).expect(0);
    assert_golden("cli/test.txt", &ran.transcript());
}

#[test]
fn a_test_that_fails_shows_what_differs() {
    let project = with(&TESTED.replace("name: Lovelace }", "name: Byron }"));
    let ran = project.bridged(&["test", "tested"]).expect(1);
    assert_golden("cli/test-failed.txt", &ran.transcript());
    let report = project
        .bridged(&["test", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(report["findings"][0]["code"], "test-failed");
    assert_eq!(report["findings"][0]["line"], 7);
    let mismatch = &report["result"]["pipelines"][0]["tests"][0]["mismatches"][0];
    let expected =
        json!({ "what": "profile.name", "expected": "\"Byron\"", "found": "\"Lovelace\"" });
    assert_eq!(*mismatch, expected);
}

#[test]
fn a_pipeline_without_tests_says_so() {
    let ran = with(LEADS).bridged(&["test"]).expect(0);
    assert!(ran.stdout.contains("no tests"), "{}", ran.stdout);
}

#[test]
fn the_printed_schemas_are_the_committed_ones() {
    for file in ["pipeline", "project"] {
        let ran = Project::empty().bridged(&["schema", file]).expect(0);
        let committed = std::fs::read_to_string(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("schemas/{file}.schema.json")),
        );
        assert_eq!(ran.stdout, committed.unwrap());
    }
    Project::empty().bridged(&["schema", "pipelin"]).expect(2);
}

#[test]
fn a_test_can_expect_a_rejection_by_its_code() {
    let pipeline = TESTED
        .replace("{{ LastName }}", "{{ LastName | int }}")
        .replace(
            "expect: { profile: { name: Lovelace } }",
            "expect: { rejected: { code: template-filter-failed, field: name } }",
        );
    with(&pipeline).bridged(&["test"]).expect(0);
    let other = pipeline.replace("template-filter-failed", "key-missing");
    let report = with(&other)
        .bridged(&["test", "--format", "json"])
        .expect(1)
        .json();
    let mismatch = &report["result"]["pipelines"][0]["tests"][0]["mismatches"][0];
    assert_eq!(mismatch["what"], "rejected.code");
}

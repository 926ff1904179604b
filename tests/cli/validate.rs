//! `bridged validate`.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sample::{LEADS, PROJECT, with};
use crate::support::golden::{assert_golden, masked};
use crate::support::project::Project;

const BROKEN: &str = "\
version: 1
name: leads
direction: read
scedule: hourly
source: { object: Lead }
batch: { size: 80 }
field_map:
  name: \"{{ LastName }}\"
";

const BAD_NAMES: &str = "\
version: 1
name: names
direction: read
source: { object: Lead, where: \"IsConverted = = false\" }
field_map:
  phone: \"{{ MobilePhone | e146 }}\"
filter: \"{{ phne is not none }}\"
";

fn broken() -> Project {
    with(BROKEN).file("pipelines/names.yaml", BAD_NAMES)
}

#[test]
fn a_sound_project_lists_its_plans() {
    let ran = with(LEADS).bridged(&["validate"]).expect(0);
    assert_golden("cli/validate.txt", &masked(&ran.transcript()));
}

#[test]
fn every_finding_of_every_file_is_told_in_one_pass() {
    let ran = broken().bridged(&["validate"]).expect(2);
    assert_golden("cli/validate-findings.txt", &masked(&ran.transcript()));
}

#[test]
fn the_same_findings_are_told_in_every_format() {
    let project = broken();
    let json = project
        .bridged(&["validate", "--format", "json"])
        .expect(2)
        .json();
    let findings = json["findings"].as_array().unwrap();
    assert_eq!(json["ok"], false);
    assert!(findings.len() >= 4, "{findings:#?}");
    let sarif = project
        .bridged(&["validate", "--format", "sarif"])
        .expect(2)
        .json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let github = project
        .bridged(&["validate", "--format", "github"])
        .expect(2)
        .stdout;
    let text = project.bridged(&["validate"]).expect(2).stdout;
    assert_eq!(results.len(), findings.len());
    assert_eq!(github.lines().count(), findings.len());
    for ((finding, result), command) in findings.iter().zip(results).zip(github.lines()) {
        let code = finding["code"].as_str().unwrap();
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!(result["ruleId"], code);
        assert_eq!(region["startLine"], finding["line"]);
        assert_eq!(region["endColumn"], finding["end_column"]);
        assert!(command.contains(&format!(
            "line={},col={}",
            finding["line"], finding["column"]
        )));
        assert!(command.contains(&format!("title={code}::")), "{command}");
        let place = format!(
            "{}:{}:{}",
            finding["file"].as_str().unwrap(),
            finding["line"],
            finding["column"]
        );
        assert!(
            text.contains(&format!("[{code}]")) && text.contains(&place),
            "{code} {place}"
        );
    }
}

#[test]
fn findings_of_other_files_do_not_hinder_a_pipeline_named_alone() {
    let project = with(LEADS).file("pipelines/names.yaml", BAD_NAMES);
    for wanted in ["leads", "pipelines/leads.yaml"] {
        let report = project
            .bridged(&["validate", wanted, "--format", "json"])
            .expect(0)
            .json();
        assert_eq!(report["findings"], serde_json::json!([]));
        assert_eq!(report["result"]["valid"][0]["pipeline"], "leads");
        assert_eq!(
            report["fingerprint"],
            report["result"]["valid"][0]["fingerprint"]
        );
    }
    project.bridged(&["validate", "names"]).expect(2);
    project.bridged(&["validate", "pipelines"]).expect(2);
}

#[test]
fn a_folder_without_a_project_says_how_to_get_one() {
    let ran = Project::empty().bridged(&["validate"]).expect(2);
    assert!(
        ran.stdout.contains("error[project-not-found]"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("bridged init"), "{}", ran.stdout);
}

#[test]
fn github_and_sarif_name_files_from_the_repositorys_root() {
    let outer = Project::empty()
        .file("crm/bridged.yaml", PROJECT)
        .file("crm/pipelines/leads.yaml", BROKEN);
    let github = outer
        .bridged(&["-C", "crm", "validate", "--format", "github"])
        .expect(2);
    assert!(
        github
            .stdout
            .starts_with("::error file=crm/pipelines/leads.yaml,"),
        "{}",
        github.stdout
    );
    let sarif = outer
        .bridged(&["-C", "./crm/", "validate", "--format", "sarif"])
        .expect(2)
        .json();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        location["artifactLocation"]["uri"],
        "crm/pipelines/leads.yaml"
    );
}

#[test]
fn asked_online_a_missing_field_is_found_at_its_template() {
    let pipeline = LEADS.replace("{{ Email }}", "{{ Emial }}");
    let project = with(&pipeline);
    project.bridged(&["validate"]).expect(0);
    let report = project
        .bridged(&["--sandbox", "validate", "--online", "--format", "json"])
        .expect(2)
        .json();
    let finding = &report["findings"][0];
    assert_eq!(finding["code"], "unknown-field");
    assert_eq!(finding["help"], "did you mean `Email`?");
    assert_eq!(finding["line"], 7);
    assert_eq!(report["result"]["valid"], serde_json::json!([]));
}

#[test]
fn asked_online_an_unknown_object_is_found_where_it_is_named() {
    let project = with(&LEADS.replace("object: Lead", "object: Leed"));
    let report = project
        .bridged(&["--sandbox", "validate", "--online", "--format", "json"])
        .expect(2)
        .json();
    let finding = &report["findings"][0];
    assert_eq!(finding["code"], "object-unavailable");
    assert_eq!(finding["line"], 4);
}

#[test]
fn a_kept_description_is_held_against_the_templates_offline() {
    let project = with(&LEADS.replace("{{ Email }}", "{{ Emial }}"));
    project
        .bridged(&["--sandbox", "describe", "pull", "Lead"])
        .expect(0);
    let report = project
        .bridged(&["validate", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(report["findings"][0]["code"], "unknown-field");
    project.write("schemas/salesforce/Lead.json", "{ \"name\":");
    let report = project
        .bridged(&["validate", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(report["findings"][0]["code"], "snapshot-unreadable");
}

#[test]
fn i7_a_hostile_file_is_refused_at_once() {
    let bomb = (1..=9).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let aliases = vec![format!("*a{}", n - 1); 9].join(", ");
        text + &format!("a{n}: &a{n} [{aliases}]\n")
    });
    let deep = format!("a: {}", "[".repeat(10_000));
    for (text, code) in [(bomb, "yaml-too-large"), (deep, "yaml-too-large")] {
        let begun = Instant::now();
        let report = with(LEADS)
            .file("pipelines/x.yaml", text)
            .bridged(&["validate", "--format", "json"]);
        let report = report.expect(2).json();
        assert_eq!(report["findings"][0]["code"], code);
        assert_ne!(report["findings"][0]["line"], Value::Null);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{code}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn many_files_are_checked_in_one_go() {
    let project = Project::empty().file("bridged.yaml", PROJECT);
    for number in 0..100 {
        let pipeline = LEADS.replace("name: leads", &format!("name: leads-{number}"));
        project.write(&format!("pipelines/leads-{number}.yaml"), pipeline);
    }
    let mut broken = String::from(BAD_NAMES);
    let _ = writeln!(broken, "surplus: 1");
    project.write("pipelines/names.yaml", broken);
    let report = project
        .bridged(&["validate", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(
        report["result"]["valid"].as_array().map(Vec::len),
        Some(100)
    );
    let named = |finding: &Value| finding["file"] == "pipelines/names.yaml";
    assert!(report["findings"].as_array().unwrap().iter().all(named));
}

//! One file for each code that a pipeline's author can cause, and what raises it.

use super::sample::{LEADS, with};

/// The codes of everything that `validate` finds in a pipeline that reads leads, `rest` being what follows the source.
fn codes(args: &[&str], source: &str, rest: &str) -> Vec<String> {
    let pipeline = format!(
        "version: 1\nname: cases\ndirection: read\nsource: {{ object: Lead{source} }}\n{rest}"
    );
    let mut all = args.to_vec();
    all.extend(["validate", "--format", "json"]);
    let report = with(&pipeline).bridged(&all).json();
    let findings = report["findings"].as_array().expect("a list").clone();
    let code =
        |finding: &serde_json::Value| finding["code"].as_str().unwrap_or_default().to_owned();
    findings.iter().map(code).collect()
}

#[test]
fn each_slip_in_a_template_raises_its_code() {
    let cases = [
        ("{{ LastName is evn }}", "template-unknown-test"),
        ("{{ Phone | e164(country='XX') }}", "template-bad-argument"),
        ("{{ Phone | e146 }}", "template-unknown-filter"),
        ("{{ LastName", "template-syntax"),
        ("{{ Owner[LastName] }}", "template-name-unclear"),
        (
            "{{ Tasks | selectattr('Status') | list | length }}",
            "related-missing",
        ),
        ("{{ A__r.B__r.C__r.D__r.E__r.F__r.Name }}", "path-too-long"),
    ];
    for (template, code) in cases {
        let rest = format!("field_map:\n  x: \"{template}\"\n");
        assert_eq!(codes(&[], "", &rest), [code], "{template}");
    }
    assert_eq!(
        codes(&[], "", "field_map:\n  x: \"{{ LastName }}\"\n"),
        [""; 0]
    );
}

#[test]
fn each_slip_in_child_rows_raises_its_code() {
    let rest = "field_map:\n  x: \"{{ LastName }}\"\n";
    assert_eq!(
        codes(&[], ", related: { Tasks: {} }", rest),
        ["related-unused"]
    );
    let used = "field_map:\n  x: \"{{ Taskz | length }}\"\n";
    let online = ["--sandbox"];
    let source = ", related: { Taskz: {} }";
    assert_eq!(codes(&[], source, used), [""; 0]);
    let mut args = online.to_vec();
    args.extend(["validate", "--online", "--format", "json"]);
    let pipeline = format!(
        "version: 1\nname: cases\ndirection: read\nsource: {{ object: Lead{source} }}\n{used}"
    );
    let report = with(&pipeline).bridged(&args).expect(2).json();
    assert_eq!(report["findings"][0]["code"], "unknown-relationship");
}

#[test]
fn each_slip_between_targets_raises_its_code() {
    let target = |name: &str, other: &str| {
        format!(
            "  {name}:\n    object: Lead\n    operation: update\n    match: {{ Id: \"{{{{ salesforce_id }}}}\" }}\n    field_map: {{ Company: \"{{{{ targets.{other}.id }}}}\" }}\n"
        )
    };
    let both = |targets: &str| {
        let pipeline = LEADS.replace("direction: read", "direction: read_write");
        format!("{pipeline}targets:\n{targets}")
    };
    let cases = [
        (target("a", "b") + &target("b", "a"), "target-cycle"),
        (target("a", "c"), "unknown-target"),
    ];
    for (targets, code) in cases {
        let project = with(&both(&targets));
        let report = project
            .bridged(&["validate", "--format", "json"])
            .expect(2)
            .json();
        assert_eq!(report["findings"][0]["code"], code);
        assert_ne!(report["findings"][0]["line"], serde_json::Value::Null);
    }
}

#[test]
fn a_warning_is_told_and_does_not_fail() {
    let pipeline = LEADS.replace("page_size: 200", "related: { Tasks: {} }");
    let report = with(&pipeline)
        .bridged(&["validate", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["ok"], true);
    assert_eq!(report["findings"][0]["severity"], "warning");
}

//! `bridged status`, `bridged runs` and `bridged rejected`.

use serde_json::Value;

use super::sample::{LEADS, with};
use crate::support::golden::{assert_golden, masked};

#[test]
fn a_new_project_has_no_past() {
    let project = with(LEADS);
    let status = project.bridged(&["status"]).expect(0);
    assert_golden("cli/status-new.txt", &status.transcript());
    assert_eq!(project.bridged(&["runs"]).expect(0).stdout, "no runs yet\n");
    assert_eq!(
        project.bridged(&["rejected", "list"]).expect(0).stdout,
        "no rejected records\n"
    );
}

#[test]
fn a_run_is_found_by_its_id_and_by_the_end_of_it() {
    let project = with(LEADS);
    project
        .bridged(&["--sandbox", "run", "leads", "--limit", "5"])
        .expect(0);
    let listed = project
        .bridged(&["--sandbox", "runs", "--format", "json"])
        .expect(0)
        .json();
    let id = listed["result"]["runs"][0]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for text in [id.as_str(), &id[24..], &id[30..]] {
        let one = project
            .bridged(&["--sandbox", "runs", text, "--format", "json"])
            .expect(0)
            .json();
        assert_eq!(one["result"]["runs"][0]["run_id"], id.as_str());
    }
    let text = project.bridged(&["--sandbox", "runs", &id]).expect(0);
    assert_golden("cli/runs-one.txt", &masked(&text.stdout));
}

#[test]
fn what_is_not_there_has_a_code_and_a_way_on() {
    let project = with(LEADS);
    let cases: [(&[&str], &str); 5] = [
        (&["runs", "ffff"], "unknown-run"),
        (
            &["runs", "00000000-0000-7000-8000-000000000000"],
            "unknown-run",
        ),
        (&["rejected", "show", "7"], "unknown-dead-letter"),
        (
            &["rejected", "list", "--code", "key-mising"],
            "unknown-code",
        ),
        (&["rejected", "list", "--run", "ffff"], "unknown-run"),
    ];
    for (args, code) in cases {
        let mut args = args.to_vec();
        args.extend(["--format", "json"]);
        let report = project.bridged(&args).expect(2).json();
        assert_eq!(report["findings"][0]["code"], code, "{args:?}");
        assert_ne!(report["findings"][0]["help"], Value::Null, "{args:?}");
    }
}

//! `bridged import`, `bridged qualify` and `bridged profile`.

use std::io::Write;
use std::process::Stdio;

use bridged::foundation::event::{Ledger, Requests};
use bridged::foundation::id::{Fingerprint, PipelineName, RunId};
use bridged::foundation::record::Score;
use bridged::store::model::{Commit, NewRun};
use serde_json::{Value, json};

use super::sample::{LEADS, PROJECT, with};
use crate::support::binary::{Ran, command};
use crate::support::golden::{assert_golden, masked};
use crate::support::project::Project;

const PEOPLE: &str = r#"{"key":"ada","full_name":"Ada Lovelace","phone":"+14155550100","email":"ada@example.com","age":36,"note":null,"consent":{"whatsapp":true}}
{"key":"bob","full_name":"Bob","phone":"+14155550101","email":"team@example.com","salesforce_id":"00Q5e00000abcDE"}
{"key":"eve","full_name":"Eve","email":"TEAM@example.com"}
"#;

const OUTCOMES: &str = "\
id,profile,kind,occurred_at,summary
c-1,ada,qualified,2027-03-01T06:00:00Z,\"wants a demo, soon\"
c-2,ada,not_interested,2027-02-01T06:00:00Z,
";

const EVENTS: &str = r#"{"id":"e-1","profile":"ada","kind":"sent","at":"2020-02-01T06:00:00Z","campaign":"spring"}
{"id":"e-2","profile":"ada","kind":"replied","at":"2020-02-01T07:00:00Z"}
"#;

fn project() -> Project {
    Project::empty()
        .file("bridged.yaml", PROJECT)
        .file("people.jsonl", PEOPLE)
        .file("outcomes.csv", OUTCOMES)
        .file("events.jsonl", EVENTS)
}

/// A project with the three files imported.
fn filled() -> Project {
    let project = project();
    for (kind, file) in [
        ("profiles", "people.jsonl"),
        ("outcomes", "outcomes.csv"),
        ("engagements", "events.jsonl"),
    ] {
        project.bridged(&["import", kind, file]).expect(0);
    }
    project
}

#[test]
fn a_file_is_imported_once_however_often_it_is_given() {
    let project = project();
    let first = project.bridged(&["import", "outcomes", "outcomes.csv"]);
    assert_golden("cli/import.txt", &first.expect(0).transcript());
    let again = project
        .bridged(&["import", "outcomes", "outcomes.csv", "--format", "json"])
        .expect(0)
        .json();
    let expected = json!({
        "command": "import", "ok": true, "findings": [],
        "result": {
            "kind": "outcomes", "file": "outcomes.csv", "records": 2, "added": 0, "changed": 0,
            "unchanged": 2, "erased": 0, "invalid": 0, "slips": 0,
        },
    });
    assert_eq!(again, expected);
    project.write("outcomes.csv", OUTCOMES.replace("soon", "now"));
    let changed = project.bridged(&["import", "outcomes", "outcomes.csv"]);
    assert_golden("cli/import-changed.txt", &changed.expect(0).transcript());
}

#[test]
fn every_slip_is_shown_with_its_line_and_nothing_is_stored() {
    let project = project().file(
        "bad.csv",
        "id,profile,kind,occurred_at,summary\n\
         c-1,ada,qualified,2027-03-01,short\n\
         c-2,,qualified,2027-03-01T06:00:00Z,\"no end\n\
         c-3,ada,qualified,yesterday\n\
         c-4,ada,qualified,2027-03-01T06:00:00Z,fine\n",
    );
    let ran = project.bridged(&["import", "outcomes", "bad.csv"]);
    assert_golden("cli/import-slips.txt", &ran.expect(2).transcript());
    let report = project
        .bridged(&["import", "outcomes", "bad.csv", "--format", "json"])
        .expect(2)
        .json();
    let places: Vec<_> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|found| (found["file"].clone(), found["line"].clone()))
        .collect();
    assert_eq!(
        places,
        [2, 3, 4].map(|line| (json!("bad.csv"), json!(line)))
    );
    assert_eq!(report["result"]["added"], 0);

    let ran = project.bridged(&["import", "outcomes", "bad.csv", "--skip-invalid"]);
    assert_golden("cli/import-skip-invalid.txt", &ran.expect(3).transcript());
}

#[test]
fn json_slips_are_marked_where_they_stand() {
    let project = project().file(
        "bad.jsonl",
        "{\"key\":\"ada\",\"consent\":{\"whatsapp\":\"yes\"}}\n{\"key\":\"bob\",\"key\":\"bill\"}\n{\"kay\":\"eve\u{202e}\"}\n",
    );
    let ran = project.bridged(&["import", "profiles", "bad.jsonl"]);
    assert_golden("cli/import-json-slips.txt", &ran.expect(2).transcript());
}

#[test]
fn a_header_that_does_not_fit_is_the_only_finding() {
    let project = project().file("bad.csv", "key;name\nada;Ada\n");
    let ran = project.bridged(&["import", "profiles", "bad.csv"]);
    assert_golden("cli/import-header.txt", &ran.expect(2).transcript());
}

#[test]
fn of_many_slips_a_hundred_are_shown_and_the_rest_counted() {
    let project = project().file("bad.jsonl", "nothing\n".repeat(250));
    let ran = project
        .bridged(&["import", "profiles", "bad.jsonl"])
        .expect(2);
    assert_eq!(
        ran.stderr.matches("error[import-line-unreadable]").count(),
        100
    );
    assert!(
        ran.stdout.contains("150 slips more not shown"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("250 slips in 250 of 250 records"),
        "{}",
        ran.stdout
    );
}

#[test]
fn standard_input_is_read_where_a_dash_stands() {
    let project = project();
    let mut command = command(project.path());
    command
        .args([
            "import", "profiles", "-", "--input", "jsonl", "--format", "json",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(PEOPLE.as_bytes()).expect("written");
    drop(stdin);
    let ran = Ran::from(child.wait_with_output().expect("it ends")).expect(0);
    let result = ran.json()["result"].clone();
    assert_eq!(
        (&result["added"], &result["file"]),
        (&json!(3), &json!("standard input"))
    );
}

#[test]
fn a_file_that_cannot_be_used_has_a_code() {
    let project = project().file("people.txt", PEOPLE);
    for (args, code) in [
        (&["profiles", "none.csv"][..], "file-unreadable"),
        (&["profiles", "people.txt"], "invalid-usage"),
        (&["profiles", "-"], "invalid-usage"),
        (&["profiles"], "invalid-usage"),
        (&["leads", "people.jsonl"], "invalid-usage"),
        (
            &["profiles", "people.txt", "--input", "xml"],
            "invalid-usage",
        ),
    ] {
        let mut all = vec!["import"];
        all.extend(args);
        all.extend(["--format", "json"]);
        let report = project.bridged(&all).expect(2).json();
        assert_eq!(report["findings"][0]["code"], code, "{args:?}");
    }
    let by_option = ["import", "profiles", "people.txt", "--input", "jsonl"];
    project.bridged(&by_option).expect(0);
}

#[test]
fn the_sandbox_has_a_store_of_its_own() {
    let project = project();
    let import = ["--sandbox", "import", "profiles", "people.jsonl"];
    project.bridged(&import).expect(0);
    project.bridged(&["--sandbox", "profile", "ada"]).expect(0);
    project.bridged(&["profile", "ada"]).expect(2);
}

#[test]
fn a_person_is_shown_with_everything_that_is_known() {
    let project = filled();
    let shown = project.bridged(&["profile", "ada"]).expect(0);
    assert_golden("cli/profile.txt", &masked(&shown.transcript()));
    let report = project
        .bridged(&["profile", "ada", "--format", "json"])
        .expect(0)
        .json();
    let person = &report["result"];
    assert_eq!(person["attributes"]["age"], 36);
    assert_eq!(person["consent"], json!({ "whatsapp": true }));
    assert_eq!(person["engagement"]["replies"], 1);
    assert_eq!(person["engagement"]["last_reply"], "2020-02-01T07:00:00Z");
    let outcomes: Vec<_> = person["outcomes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|outcome| outcome["id"].clone())
        .collect();
    assert_eq!(outcomes, ["c-1", "c-2"]);
    assert_eq!(person["events"][0]["kind"], "replied");
    assert_eq!(person["scores"], json!([]));
}

#[test]
fn a_score_is_shown_with_the_rules_that_fired() {
    let project = filled();
    let kept = bridged::store::open("sqlite:.bridged/bridged.db", project.path()).expect("opens");
    let at = "2027-03-01T06:00:00Z".parse().expect("an instant");
    let pipeline = PipelineName::parse("qualification").expect("a name");
    let run = NewRun {
        run_id: RunId::generate(),
        pipeline,
        fingerprint: Fingerprint::of("a plan"),
        started_at: at,
    };
    let lock = kept.lock_pipeline(&run.pipeline).expect("free");
    kept.begin_run(&lock, &run).expect("begins");
    let score = Score {
        score: 55,
        grade: Some("Warm".to_owned()),
        qualified: true,
        reasons: vec![
            ("replied".to_owned(), 70),
            ("opted out\u{202e}".to_owned(), -15),
        ],
    };
    let scores = [("ada".to_owned(), score)];
    let commit = Commit {
        run_id: run.run_id,
        pipeline: &run.pipeline,
        at,
        profiles: &[],
        scores: &scores,
        acknowledged: &[],
        dead_letters: &[],
        settled_keys: &[],
        messages: &[],
        ledger: Ledger::default(),
        cursor: None,
        change_cursor: None,
        requests_so_far: Requests::default(),
        api_calls_so_far: 0,
    };
    kept.commit(&commit).expect("the commit");
    let ran = project.bridged(&["profile", "ada"]).expect(0);
    assert_golden("cli/profile-scored.txt", &masked(&ran.transcript()));
    let report = project
        .bridged(&["profile", "ada", "--format", "json"])
        .expect(0)
        .json();
    let expected = json!([{
        "pipeline": "qualification", "score": 55, "grade": "Warm", "qualified": true,
        "reasons": [
            { "rule": "replied", "points": 70 },
            { "rule": "opted out\u{202e}", "points": -15 },
        ],
        "since": "2027-03-01T06:00:00Z",
    }]);
    assert_eq!(report["result"]["scores"], expected);
}

#[test]
fn a_sensitive_attribute_is_masked() {
    let pipeline = LEADS.to_owned() + "sensitive: [email]\n";
    let project = with(&pipeline).file("people.jsonl", PEOPLE);
    project
        .bridged(&["import", "profiles", "people.jsonl"])
        .expect(0);
    for format in ["text", "json"] {
        let ran = project
            .bridged(&["profile", "ada", "--format", format])
            .expect(0);
        assert!(!ran.stdout.contains("ada@example.com"), "{}", ran.stdout);
        assert!(ran.stdout.contains("Ada Lovelace"), "{}", ran.stdout);
    }
}

#[test]
fn a_person_is_found_by_what_people_know() {
    let project = filled();
    let key_of = |text: &str| -> Value {
        let report = project
            .bridged(&["profile", text, "--format", "json"])
            .expect(0)
            .json();
        report["result"]["key"].clone()
    };
    for (text, key) in [
        ("ada", "ada"),
        (" ada ", "ada"),
        ("+14155550101", "bob"),
        ("ADA@example.com", "ada"),
        ("00Q5e00000abcDE", "bob"),
        ("00Q5e00000abcDEEAY", "bob"),
    ] {
        assert_eq!(key_of(text), key, "{text}");
    }
    for (text, code, help) in [
        (
            "team@example.com",
            "ambiguous-profile",
            "give the key of one of them",
        ),
        ("adda", "unknown-profile", "did you mean `ada`?"),
        (
            "(415) 555-0100",
            "unknown-profile",
            "give a phone with its country code, such as +14155550100",
        ),
        (
            "",
            "unknown-profile",
            "people come into the store with `bridged run` and `bridged import profiles`",
        ),
    ] {
        for command in ["profile", "qualify"] {
            let report = project
                .bridged(&[command, text, "--format", "json"])
                .expect(2)
                .json();
            assert_eq!(report["findings"][0]["code"], code, "{text}");
            assert_eq!(report["findings"][0]["help"], help, "{text}");
        }
    }
}

#[test]
fn a_person_is_qualified_once_a_day_and_the_summary_may_change() {
    let project = filled();
    let qualify = |more: &[&str]| -> Value {
        let mut args = vec!["qualify", "ada@example.com", "--format", "json"];
        args.extend(more);
        project.bridged(&args).expect(0).json()["result"].clone()
    };
    let first = qualify(&["--summary", "asked for a price"]);
    assert_eq!(first["settled"], "added");
    assert_eq!(first["outcome"]["profile"], "ada");
    assert_eq!(first["outcome"]["kind"], "qualified");
    assert_eq!(first["outcome"]["summary"], "asked for a price");

    // The day may change between two calls; with the id it does not matter.
    let id = first["outcome"]["id"].as_str().expect("an id");
    let again = qualify(&["--id", id]);
    assert_eq!(again["settled"], "unchanged");
    assert_eq!(again["outcome"], first["outcome"]);
    let other = qualify(&["--id", id, "--summary", "signed"]);
    assert_eq!(other["settled"], "changed");
    assert_eq!(
        other["outcome"]["occurred_at"],
        first["outcome"]["occurred_at"]
    );
    assert_eq!(qualify(&["--id", "mine"])["settled"], "added");

    let text = project.bridged(&["qualify", "bob", "--id", "by-hand"]);
    assert_golden("cli/qualify.txt", &text.expect(0).transcript());
    let text = project.bridged(&["qualify", "bob", "--id", "by-hand"]);
    assert_golden("cli/qualify-again.txt", &text.expect(0).transcript());
}

#[test]
fn an_id_that_is_another_outcome_is_refused() {
    let project = filled();
    let ran = project.bridged(&["qualify", "bob", "--id", "c-1"]);
    assert_golden("cli/qualify-taken.txt", &ran.expect(2).transcript());
    let ran = project.bridged(&["qualify", "ada", "--id", "c-2", "--format", "json"]);
    assert_eq!(ran.expect(2).json()["findings"][0]["code"], "invalid-usage");
    let ran = project.bridged(&["qualify", "ada", "--id", "", "--format", "json"]);
    assert_eq!(
        ran.expect(1).json()["findings"][0]["code"],
        "record-unstorable"
    );
}

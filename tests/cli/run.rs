//! `bridged run` and `bridged dry-run`, against a sandbox.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::sample::{KEYED, LEADS, with};
use crate::support::binary::{Ran, command};
use crate::support::golden::{assert_golden, masked};
use crate::support::sandbox::Sandbox;

#[test]
fn a_run_prints_where_every_record_went_and_the_second_finds_nothing_new() {
    let project = with(LEADS);
    let first = project
        .bridged(&["--sandbox", "run", "leads", "--format", "json"])
        .expect(0)
        .json();
    let run = &first["result"]["runs"][0];
    assert_eq!(first["ok"], true);
    assert_eq!(run["state"], "done");
    assert_eq!(run["ledger"]["delivered"], run["ledger"]["read"]);
    assert_eq!(run["fingerprint"], first["fingerprint"]);
    let second = project.bridged(&["--sandbox", "run", "leads"]).expect(0);
    assert_golden("cli/run-again.txt", &masked(&second.stdout));
}

#[test]
fn results_go_to_stdout_and_progress_to_stderr() {
    let ran = with(LEADS)
        .bridged(&["--sandbox", "--log-format", "json", "run", "leads"])
        .expect(0);
    assert!(ran.stdout.starts_with("pipeline "), "{}", ran.stdout);
    assert!(ran.stderr.lines().count() >= 2, "{}", ran.stderr);
    for line in ran.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["pipeline"], "leads");
    }
}

#[test]
fn rejected_records_make_the_exit_code_three_and_are_kept() {
    let project = with(KEYED);
    let ran = project.bridged(&["--sandbox", "run", "keyed"]).expect(3);
    assert_golden("cli/run-rejected.txt", &masked(&ran.stdout));
    let listed = project
        .bridged(&["--sandbox", "rejected", "list", "--format", "json"])
        .expect(0)
        .json();
    let letter = &listed["result"]["rejected"][0];
    assert_eq!(letter["code"], "key-missing");
    let id = letter["id"].to_string();
    let shown = project
        .bridged(&["--sandbox", "rejected", "show", &id, "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(shown["result"]["key"], letter["key"]);
    assert!(
        shown["result"]["payload"]["LastName"].is_string(),
        "{shown:#}"
    );
    let text = project
        .bridged(&["--sandbox", "rejected", "show", &id])
        .expect(0)
        .stdout;
    assert!(text.starts_with("rejected[key-missing]: "), "{text}");
}

#[test]
fn a_run_that_reads_nothing_says_why_and_is_done() {
    let project = with(&LEADS.replace("page_size: 200", "where: \"Status = 'Nope'\""));
    let ran = project.bridged(&["--sandbox", "run", "leads"]).expect(0);
    assert_golden("cli/run-nothing.txt", &masked(&ran.stdout));
    let ran = project
        .bridged(&["--sandbox", "dry-run", "leads", "--full"])
        .expect(0);
    assert_golden("cli/dry-run-nothing.txt", &masked(&ran.stdout));
}

#[test]
fn too_many_rejected_records_fail_the_run() {
    let project = with(&KEYED.replace("90%", "1"));
    let report = project
        .bridged(&["--sandbox", "run", "keyed", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(report["result"]["runs"][0]["state"], "failed");
    assert_eq!(report["findings"][0]["code"], "too-many-rejected");
}

#[test]
fn i8_a_wrong_key_is_named_and_the_key_is_not_shown() {
    let sandbox = Sandbox::start(&["--leads", "10"]);
    let project = with(LEADS);
    for (variable, code) in [
        ("SALESFORCE_CONSUMER_KEY", "wrong-consumer-key"),
        ("SALESFORCE_API_KEY", "wrong-api-key"),
    ] {
        let mut command = command(project.path());
        sandbox.connect(command.args(["-vv", "run", "leads", "--format", "json"]));
        let ran = Ran::from(command.env(variable, "hunter2hunter2").output().unwrap()).expect(1);
        assert_eq!(ran.json()["findings"][0]["code"], code);
        assert!(
            !format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn i12_a_refused_sign_in_is_not_tried_again() {
    let sandbox = Sandbox::start(&["--leads", "10"]);
    let project = with(LEADS);
    let mut command = command(project.path());
    sandbox.connect(command.args(["run", "leads", "--format", "json"]));
    let ran = Ran::from(command.env("SALESFORCE_API_KEY", "wrong").output().unwrap()).expect(1);
    assert_eq!(ran.json()["result"]["runs"][0]["requests"]["auth"], 1);
}

#[test]
fn i9_a_host_that_is_not_salesforces_is_refused_before_it_is_asked_for() {
    let project = with(LEADS);
    for host in [
        "https://acme.my.salesforce.com.evil.test",
        "http://acme.my.salesforce.com",
        "https://u@127.0.0.1",
    ] {
        let mut command = command(project.path());
        command
            .args(["run", "leads", "--format", "json"])
            .env("SALESFORCE_INSTANCE_URL", host);
        command
            .env("SALESFORCE_CONSUMER_KEY", "k")
            .env("SALESFORCE_API_KEY", "s");
        let ran = Ran::from(command.output().unwrap()).expect(1);
        assert_eq!(ran.json()["findings"][0]["code"], "host-refused", "{host}");
    }
}

#[test]
fn without_credentials_the_missing_variable_is_named() {
    let ran = with(LEADS).bridged(&["run", "leads"]).expect(1);
    assert_golden("cli/run-missing-variable.txt", &ran.transcript());
}

#[test]
fn several_runs_end_with_the_gravest_exit_and_show_them_all() {
    let project = with(LEADS).file("pipelines/keyed.yaml", KEYED);
    let report = project
        .bridged(&["--sandbox", "run", "leads", "keyed", "--format", "json"])
        .expect(3)
        .json();
    let states: Vec<_> = report["result"]["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["state"].clone())
        .collect();
    assert_eq!(states, [json!("done"), json!("partial")]);
    assert_eq!(report["ok"], false);
    assert!(report.get("fingerprint").is_none());
}

#[test]
fn i10_an_interrupted_run_commits_and_exits_130_and_the_next_continues() {
    let sandbox = Sandbox::start(&["--leads", "3000", "--latency", "60ms"]);
    let project = with(&LEADS.replace("page_size: 200", "page_size: 20"));
    let mut running = command(project.path());
    sandbox.connect(running.args(["run", "leads", "--format", "json"]));
    let child = running
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let begun = Instant::now();
    let committed = || {
        let mut asked = command(project.path());
        let ran = Ran::from(asked.args(["runs", "--format", "json"]).output().unwrap());
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        report["result"]["runs"][0]["ledger"]["delivered"]
            .as_u64()
            .unwrap_or(0)
    };
    while committed() == 0 {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "nothing was committed"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .unwrap();
    assert!(sent.success());
    let ran = Ran::from(child.wait_with_output().unwrap()).expect(130);
    let run = ran.json()["result"]["runs"][0].clone();
    assert_eq!(run["state"], "partial");
    assert_eq!(ran.json()["findings"][0]["code"], "interrupted");
    let first = run["ledger"]["delivered"].as_u64().unwrap();
    assert!(first > 0);
    let mut again = command(project.path());
    sandbox.connect(again.args(["run", "leads", "--format", "json"]));
    let report = Ran::from(again.output().unwrap()).expect(0).json();
    let ledger = &report["result"]["runs"][0]["ledger"];
    let second = ledger["delivered"].as_u64().unwrap();
    assert!(second > 0 && first + second >= 3000, "{first} + {second}");
}

#[test]
fn i11_a_dry_run_shows_what_a_run_would_write_and_writes_nothing() {
    let project = with(LEADS);
    let args = [
        "--sandbox",
        "dry-run",
        "leads",
        "--limit",
        "3",
        "--show",
        "2",
    ];
    let ran = project.bridged(&args).expect(0);
    assert_golden("cli/dry-run.txt", &masked(&ran.transcript()));
    let status = project
        .bridged(&["--sandbox", "status", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(status["result"]["profiles"], 0);
    assert_eq!(
        status["result"]["pipelines"][0]["last_run"],
        serde_json::Value::Null
    );
    project.bridged(&["--sandbox", "run", "leads"]).expect(0);
    let report = project
        .bridged(&[
            "--sandbox",
            "dry-run",
            "leads",
            "--full",
            "--format",
            "json",
        ])
        .expect(0)
        .json();
    assert_eq!(report["result"]["created"], 0);
    assert_eq!(report["result"]["unchanged"], report["result"]["read"]);
}

#[test]
fn a_dry_run_shows_what_would_be_rejected() {
    let ran = with(KEYED)
        .bridged(&["--sandbox", "dry-run", "keyed", "--format", "json"])
        .expect(3);
    let report = ran.json();
    assert!(report["result"]["rejected"].as_u64().unwrap() > 0);
    let changes = report["result"]["changes"].as_array().unwrap();
    assert!(
        changes
            .iter()
            .any(|change| change["code"] == "key-missing" || change["change"] == "create")
    );
}

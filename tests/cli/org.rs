//! `bridged check`, `bridged describe` and `bridged sandbox`.

use std::process::Command;

use serde_json::{Value, json};

use super::sample::{LEADS, PROJECT, with};
use crate::support::binary::{Ran, command};
use crate::support::golden::{assert_golden, masked};
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

#[test]
fn a_connection_that_works_passes_every_step() {
    let ran = with(LEADS).bridged(&["--sandbox", "check"]).expect(0);
    assert_golden("cli/check.txt", &masked(&ran.transcript()));
}

#[test]
fn a_field_that_the_user_cannot_read_fails_its_step_with_a_code() {
    let project = with(&LEADS.replace("{{ Email }}", "{{ Emial }}"));
    let ran = project.bridged(&["--sandbox", "check"]).expect(1);
    assert_golden("cli/check-unknown-field.txt", &masked(&ran.transcript()));
    let report = project
        .bridged(&["--sandbox", "check", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(report["findings"][0]["code"], "unknown-field");
    let failed: Vec<&Value> = report["result"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["passed"] == false)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["step"], "Emial");
}

#[test]
fn an_object_that_is_not_there_fails_its_step() {
    let project = with(&LEADS.replace("object: Lead", "object: Leed"));
    let report = project
        .bridged(&["--sandbox", "check", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(report["findings"][0]["code"], "object-unavailable");
}

#[test]
fn a_refused_sign_in_ends_the_list_with_its_code() {
    let sandbox = Sandbox::start(&["--leads", "5"]);
    let project = with(LEADS);
    let mut command = command(project.path());
    sandbox.connect(command.args(["check", "--format", "json"]));
    let ran = Ran::from(command.env("SALESFORCE_API_KEY", "wrong").output().unwrap()).expect(1);
    let steps = ran.json()["result"]["steps"].as_array().unwrap().clone();
    let last = steps.last().unwrap();
    assert_eq!(
        (&last["step"], &last["code"]),
        (&json!("sign-in"), &json!("wrong-api-key"))
    );
}

#[test]
fn nobody_at_the_address_fails_the_first_step() {
    let project = with(LEADS);
    let mut command = command(project.path());
    command.args(["check", "--format", "json"]);
    // Port 1 of the loopback is a reserved one where nothing listens.
    command.env("SALESFORCE_INSTANCE_URL", "http://127.0.0.1:1");
    command
        .env("SALESFORCE_CONSUMER_KEY", "k")
        .env("SALESFORCE_API_KEY", "s");
    let report = Ran::from(command.output().unwrap()).expect(1).json();
    assert_eq!(report["result"]["steps"][0]["step"], "DNS and TLS");
    assert_eq!(report["findings"][0]["code"], "connection-failed");
}

#[test]
fn an_unknown_connection_names_the_nearest() {
    let report = with(LEADS)
        .bridged(&["check", "salesfroce", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(report["findings"][0]["code"], "unknown-connection");
    assert_eq!(report["findings"][0]["help"], "did you mean `salesforce`?");
}

#[test]
fn a_description_is_kept_and_shown() {
    let project = with(LEADS);
    let pulled = project
        .bridged(&["--sandbox", "describe", "pull"])
        .expect(0);
    assert!(
        pulled.stdout.contains("schemas/salesforce/Lead.json"),
        "{}",
        pulled.stdout
    );
    let first = project.read("schemas/salesforce/Lead.json");
    project
        .bridged(&["--sandbox", "describe", "pull", "Lead"])
        .expect(0);
    assert_eq!(project.read("schemas/salesforce/Lead.json"), first);
    let shown = project
        .bridged(&["describe", "show", "lead"])
        .expect(0)
        .stdout;
    assert!(shown.contains("LastName"), "{shown}");
    let json = project
        .bridged(&["describe", "show", "Lead", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["result"]["name"], "Lead");
}

#[test]
fn a_description_that_is_not_kept_or_not_there_is_said_so() {
    let project = with(LEADS);
    let report = project
        .bridged(&["describe", "show", "Lead", "--format", "json"])
        .expect(2)
        .json();
    assert_eq!(report["findings"][0]["code"], "unknown-snapshot");
    let report = project
        .bridged(&["--sandbox", "describe", "pull", "Leed", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(report["findings"][0]["code"], "object-unavailable");
    assert!(!project.path().join("schemas/salesforce/Leed.json").exists());
}

#[test]
fn a_sandbox_says_one_line_and_ends_when_it_is_told_to() {
    let mut sandbox = Sandbox::start(&["--leads", "5", "--seed", "7"]);
    for name in [
        "salesforce_url",
        "consumer_key",
        "api_key",
        "username",
        "password",
        "callback_url",
        "whatsapp_url",
        "whatsapp_token",
        "whatsapp_phone_number_id",
        "whatsapp_business_account_id",
    ] {
        assert_ne!(sandbox.value(name), "", "{name}");
    }
    let id = sandbox.child().id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(sandbox.child().wait().unwrap().code(), Some(0));
}

#[test]
fn a_sandbox_that_cannot_start_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let project = Project::empty()
        .file("faults.json", "{ \"not\": \"a list\" }")
        .file("bridged.yaml", PROJECT);
    let cases: [(&[&str], i32, &str); 4] = [
        (&["sandbox", "--listen", &address], 1, "sandbox-start"),
        (&["sandbox", "--listen", "0.0.0.0:0"], 1, "sandbox-start"),
        (
            &[
                "sandbox",
                "--listen",
                "127.0.0.1:0",
                "--faults",
                "faults.json",
            ],
            1,
            "sandbox-faults",
        ),
        (&["sandbox", "--latency", "soon"], 2, "invalid-usage"),
    ];
    for (args, exit, code) in cases {
        let ran = project.bridged(args).expect(exit);
        assert!(
            ran.stderr.contains(&format!("error[{code}]")),
            "{args:?}\n{}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
}

//! Credentials: in the environment, and nowhere else that a run leaves behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::binary::command;
use crate::support::project::Project;

const PROJECT: &str = "version: 1
name: secrets
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
";

const PIPELINE: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
";

/// Every file below a folder, with what it holds.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

/// A sandbox in a process of its own, and the line it prints when it is ready.
fn sandbox() -> (Child, Value) {
    let mut sandbox = command(Path::new("."))
        .args([
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--leads",
            "300",
            "--latency",
            "5ms",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(sandbox.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (sandbox, serde_json::from_str(&line).unwrap())
}

#[test]
fn i8_x44_a_run_leaves_no_credential_in_arguments_logs_reports_or_files() {
    let (mut sandbox, ready) = sandbox();
    let value = |name: &str| ready[name].as_str().unwrap().to_owned();
    let project = Project::empty()
        .file("bridged.yaml", PROJECT)
        .file("pipelines/leads.yaml", PIPELINE);
    for arguments in [
        vec![
            "-vv",
            "--log-format",
            "json",
            "run",
            "leads",
            "--format",
            "json",
        ],
        vec!["-vv", "check", "--format", "json"],
        vec!["-vv", "dry-run", "leads", "--full"],
    ] {
        let child = command(project.path())
            .args(&arguments)
            .env("SALESFORCE_INSTANCE_URL", value("salesforce_url"))
            .env("SALESFORCE_CONSUMER_KEY", value("consumer_key"))
            .env("SALESFORCE_API_KEY", value("api_key"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut places = contents(project.path());
        places.push(("arguments".to_owned(), shown));
        places.push(("stdout".to_owned(), output.stdout));
        places.push(("stderr".to_owned(), output.stderr));
        // The session token begins with the org's id and an exclamation mark.
        for secret in [
            value("api_key"),
            value("consumer_key"),
            "00Dbg0000000001!".to_owned(),
        ] {
            for (place, bytes) in &places {
                assert!(
                    !holds(bytes, &secret),
                    "{arguments:?}: {place} holds a credential"
                );
            }
        }
    }
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
}

#[test]
fn x46_the_sandbox_refuses_an_address_that_others_can_reach() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let output = command(Path::new("."))
            .args(["sandbox", "--listen", address])
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(0), "{address}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("loopback"), "{address}: {told}");
    }
}

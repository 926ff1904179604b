//! Signals and rivals: a run that is asked to stop, and two that want the same pipeline.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::binary::command;
use crate::support::project::Project;

/// A project whose run takes a few seconds against a slow sandbox of its own.
fn slow() -> (Project, Sandbox) {
    let sandbox = Sandbox::start(&["--leads", "2000", "--latency", "20ms"]);
    let project = Project::empty()
        .file("bridged.yaml", "version: 1
name: signals
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
")
        .file("pipelines/leads.yaml", "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
");
    (project, sandbox)
}

struct Sandbox {
    child: std::process::Child,
    ready: Value,
}

impl Sandbox {
    fn start(args: &[&str]) -> Self {
        use std::io::{BufRead, BufReader};
        let mut child = command(std::path::Path::new("."))
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            ready: serde_json::from_str(&line).unwrap(),
        }
    }

    fn run(&self, project: &Project) -> Command {
        let value = |name: &str| self.ready[name].as_str().unwrap().to_owned();
        let mut command = command(project.path());
        command
            .args(["run", "leads", "--format", "json"])
            .env("SALESFORCE_INSTANCE_URL", value("salesforce_url"))
            .env("SALESFORCE_CONSUMER_KEY", value("consumer_key"))
            .env("SALESFORCE_API_KEY", value("api_key"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the run has committed something.
fn wait_for_commit(project: &Project) {
    for _ in 0..1_000 {
        std::thread::sleep(Duration::from_millis(10));
        let Ok(store) = bridged::store::open("sqlite:.bridged/bridged.db", project.path()) else {
            continue;
        };
        if store.profile_count().is_ok_and(|count| count > 0) {
            return;
        }
    }
    panic!("the run committed nothing");
}

fn signal(child: &std::process::Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn i10_r01_a_signal_finishes_the_records_in_hand_and_exits_130() {
    for name in ["TERM", "INT"] {
        let (project, sandbox) = slow();
        let child = sandbox.run(&project).spawn().unwrap();
        wait_for_commit(&project);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{name}: {told}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let run = &report["result"]["runs"][0];
        assert_eq!(run["state"], "partial", "{report}");
        let read = run["ledger"]["read"].as_u64().unwrap();
        assert!(read > 0 && read < 2_000, "{report}");
        let next = sandbox.run(&project).output().unwrap();
        assert_eq!(
            next.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&next.stderr)
        );
        let next: Value = serde_json::from_slice(&next.stdout).unwrap();
        let rest = next["result"]["runs"][0]["ledger"]["read"]
            .as_u64()
            .unwrap();
        let store = bridged::store::open("sqlite:.bridged/bridged.db", project.path()).unwrap();
        assert_eq!(
            store.profile_count().unwrap(),
            read + rest,
            "{name}: nothing twice, nothing left out"
        );
    }
}

#[test]
fn i13_r03_a_second_process_on_one_pipeline_is_refused_clearly() {
    let (project, sandbox) = slow();
    let mut first = sandbox.run(&project).spawn().unwrap();
    wait_for_commit(&project);
    let second = sandbox.run(&project).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&second.stdout).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(finding["code"], "pipeline-locked", "{report}");
    assert!(
        finding["message"]
            .as_str()
            .unwrap()
            .contains(&first.id().to_string()),
        "it names the holder: {report}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
}

//! `bridged serve` as a process: its line, its probes, its signals; and the whole loop alive.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::campaigns::leads;
use crate::support::binary::command;
use crate::support::project::Project;
use crate::support::sandbox::Sandbox;

const PROJECT: &str = "version: 1
name: acme
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
  whatsapp:
    type: whatsapp
    phone_number_id: \"106540352242922\"
    business_account_id: \"102290129340398\"
    access_token: ${WHATSAPP_TOKEN}
    app_secret: ${WHATSAPP_APP_SECRET}
    verify_token: ${WHATSAPP_VERIFY_TOKEN}
    api_url: ${WHATSAPP_URL}
";

const LEADS: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\" }
";

/// A server as a process; it is ended when the value is dropped.
pub(super) struct Serving {
    child: Child,
    ready: Value,
}

impl Serving {
    pub(super) fn start(project: &Project, sandbox: Option<&Sandbox>) -> Self {
        Self::start_with(project, sandbox, &[])
    }

    /// The same with further variables.
    pub(super) fn start_with(
        project: &Project,
        sandbox: Option<&Sandbox>,
        variables: &[(&str, &str)],
    ) -> Self {
        // For clients of the test's own; another test may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = command(project.path());
        command.envs(variables.iter().copied());
        match sandbox {
            None => {
                command.args(["--sandbox"]);
            }
            Some(sandbox) => connect(&mut command, sandbox),
        }
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("a line");
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut told = String::new();
            child
                .stderr
                .take()
                .expect("a pipe")
                .read_to_string(&mut told)
                .expect("text");
            panic!("the server did not start: {told}");
        };
        Self { child, ready }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["url"].as_str().expect("an address"))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended by itself, and not well.
    pub(super) fn wait_for_its_death(mut self) {
        let status = self.child.wait().expect("it ends");
        assert!(!status.success(), "{status}");
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Stops it in good order; what it logged.
    pub(super) fn stop(mut self) -> String {
        self.signal("TERM");
        let status = self.child.wait().expect("it ends");
        let mut told = String::new();
        self.child
            .stderr
            .take()
            .expect("a pipe")
            .read_to_string(&mut told)
            .expect("text");
        assert_eq!(status.code(), Some(0), "{told}");
        told
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that was stopped is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gives a command everything that the project's connections name.
pub(super) fn connect(command: &mut Command, sandbox: &Sandbox) {
    sandbox
        .connect(command)
        .env("WHATSAPP_TOKEN", sandbox.value("whatsapp_token"))
        .env("WHATSAPP_URL", sandbox.value("whatsapp_url"))
        .env("WHATSAPP_APP_SECRET", sandbox.value("whatsapp_app_secret"))
        .env(
            "WHATSAPP_VERIFY_TOKEN",
            sandbox.value("whatsapp_verify_token"),
        )
        .env("BRIDGED_KEY", crate::e2e::scene::KEY);
}

pub(super) fn project(pipelines: &[(&str, &str)]) -> Project {
    let mut project = Project::empty().file("bridged.yaml", PROJECT);
    for (name, yaml) in pipelines {
        project = project.file(&format!("pipelines/{name}.yaml"), yaml);
    }
    project
}

async fn get(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a body"),
    )
}

/// Waits until a condition holds.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..300 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r01_a_server_tells_where_it_is_answers_probes_and_ends_in_good_order() {
    let project = project(&[("leads", LEADS)]);
    let serving = Serving::start(&project, None);
    assert_eq!(serving.ready["pipelines"], 1);
    assert_eq!(get(&serving.url("/healthz")).await.0, 200);
    let (status, ready) = get(&serving.url("/readyz")).await;
    assert_eq!(status, 200, "{ready}");
    assert_eq!(get(&serving.url("/metrics")).await.0, 401);
    let second = project
        .bridged(&["--sandbox", "serve", "--listen", "127.0.0.1:0"])
        .expect(1);
    assert!(
        second.stderr.contains("server-running"),
        "{}",
        second.stderr
    );
    serving.stop();
}

#[test]
fn a_project_with_errors_does_not_start() {
    let project = project(&[("leads", &LEADS.replace("LastName }}", "LastName"))]);
    let refused = project
        .bridged(&["--sandbox", "serve", "--listen", "127.0.0.1:0"])
        .expect(2);
    assert!(
        refused.stderr.contains("pipelines/leads.yaml"),
        "{}",
        refused.stderr
    );
}

#[test]
fn x46_a_public_address_needs_tls_or_a_word() {
    let project = project(&[("leads", LEADS)]);
    let refused = project
        .bridged(&["--sandbox", "serve", "--listen", "0.0.0.0:0"])
        .expect(1);
    assert!(
        refused.stderr.contains("public-address-refused"),
        "{}",
        refused.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_server_sign_in_once_and_tell_what_is_left() {
    let project = project(&[("leads", LEADS)]);
    let created = project.bridged(&[
        "--sandbox",
        "token",
        "create",
        "night",
        "--role",
        "operator",
    ]);
    let token = created.expect(0).stdout.trim().to_owned();
    let serving = Serving::start(&project, None);
    let http = reqwest::Client::new();
    let asked = |method: reqwest::Method, path: &str| {
        let request = http.request(method, serving.url(path));
        request.bearer_auth(&token).send()
    };
    let runs = async || -> Vec<Value> {
        let answer = asked(reqwest::Method::GET, "/api/v1/runs").await.unwrap();
        let listed: Value = answer.json().await.unwrap();
        let all = listed["runs"].as_array().unwrap().clone();
        all.into_iter()
            .filter(|run| run["state"] == "done")
            .collect()
    };
    for done in 1..=3 {
        let answer = asked(reqwest::Method::POST, "/api/v1/pipelines/leads/run").await;
        assert_eq!(answer.unwrap().status(), 202);
        until("the run has ended", || async { runs().await.len() == done }).await;
    }
    let store = rusqlite::Connection::open(project.path().join(".bridged/sandbox.db")).unwrap();
    let log_ins: i64 = store
        .query_row("SELECT sum(requests_auth) FROM runs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(log_ins, 1);
    let page = asked(reqwest::Method::GET, "/metrics").await.unwrap();
    let page = page.text().await.unwrap();
    let left = page
        .lines()
        .find_map(|line| line.strip_prefix("bridged_api_calls_left{connection=\"salesforce\"} "))
        .unwrap_or_else(|| panic!("{page}"));
    assert!(left.parse::<u64>().unwrap() > 0, "{left}");
    serving.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn i25_sighup_takes_a_good_revision_and_leaves_a_broken_one() {
    let project = project(&[("leads", LEADS)]);
    let serving = Serving::start(&project, None);
    let revision = serving.ready["revision"]
        .as_str()
        .expect("a hash")
        .to_owned();
    project.write(
        "pipelines/leads.yaml",
        LEADS.replace("LastName }}", "LastName"),
    );
    serving.signal("HUP");
    let ready = serving.url("/readyz");
    until("the broken files were looked at", || async {
        get(&ready).await.1.contains("have errors")
    })
    .await;
    assert!(
        get(&ready).await.1.contains(&revision),
        "the revision before goes on"
    );
    project.write(
        "pipelines/leads.yaml",
        LEADS.replace("LastName", "FirstName"),
    );
    serving.signal("HUP");
    until("the good files run", || async {
        !get(&ready).await.1.contains(&revision)
    })
    .await;
    assert_eq!(get(&ready).await.0, 200);
    serving.stop();
}

pub(super) const ACTIVATION: &str = "version: 1
name: activation
playbook: activation
direction: read
schedule: { every: 10s }
jitter: 0s
source: { object: Lead, where: \"Company = 'Loop'\" }
field_map: { full_name: \"{{ LastName }}\", phone: \"{{ MobilePhone }}\" }
consent: { whatsapp: \"{{ WhatsApp_Opt_In__c }}\" }
broadcast:
  connection: whatsapp
  template: { name: spring_offer, language: en_US, parameters: [\"{{ full_name }}\"] }
  to: \"{{ phone }}\"
  campaign: loop
";

const QUALIFICATION: &str = "version: 1
name: qualification
playbook: qualification
direction: read_write
schedule: realtime
source: { object: Lead, where: \"Company = 'Loop'\" }
field_map: { full_name: \"{{ LastName }}\" }
score:
  base: 0
  rules:
    - { name: delivered, when: \"{{ engagement.delivered > 0 }}\", points: 20 }
    - { name: replied, when: \"{{ engagement.replies > 0 }}\", points: 40 }
  clamp: [0, 100]
  grades: { Hot: 60, Warm: 20, Cold: 0 }
targets:
  lead:
    object: Lead
    operation: update
    match: { Id: \"{{ salesforce_id }}\" }
    field_map: { Lead_Score__c: \"{{ score }}\", Rating: \"{{ grade }}\" }
";

const NURTURE: &str = "version: 1
name: nurture
playbook: nurture
direction: write
schedule: realtime
source: { records: outcomes }
targets:
  conversation:
    object: Conversation__c
    operation: upsert
    match: { Bridged_Id__c: \"{{ outcome.id }}\" }
    field_map: { Outcome__c: \"{{ outcome.kind }}\", Summary__c: \"{{ outcome.summary }}\" }
";

pub(super) async fn control(http: &reqwest::Client, address: &str, call: &str, body: Value) {
    let request = http.post(format!("{address}/_sandbox/{call}")).json(&body);
    let answer = request.send().await.expect("an answer");
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.unwrap_or_default()
    );
}

pub(super) async fn rows(http: &reqwest::Client, address: &str, object: &str) -> Vec<Value> {
    let request = http.get(format!("{address}/_sandbox/records/{object}"));
    let answer = request.send().await.expect("an answer");
    answer.json().await.expect("rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_loop_runs_by_itself() {
    let sandbox = Sandbox::start(&["--leads", "0"]);
    let address = sandbox.value("salesforce_url").to_owned();
    let http = reqwest::Client::new();
    let control = |call, body| control(&http, &address, call, body);
    control("records/Lead", leads(12)).await;
    let project = project(&[
        ("activation", ACTIVATION),
        ("qualification", QUALIFICATION),
        ("nurture", NURTURE),
    ]);
    let serving = Serving::start(&project, Some(&sandbox));
    control(
        "whatsapp/events",
        json!({ "webhook": serving.url("/webhooks/whatsapp"), "read": 1.0, "replied": 1.0, "opted_out": 0.0, "duplicates": 1, "shuffled": true }),
    )
    .await;
    let rows = |object| rows(&http, &address, object);
    // Read, sent, delivered, read, replied, scored, written back.
    until("every lead is hot", || async {
        rows("Lead")
            .await
            .iter()
            .filter(|row| row["Company"] == "Loop")
            .all(|row| row["Lead_Score__c"] == 60.0)
    })
    .await;
    let recipients: Value = reqwest::get(format!("{address}/_sandbox/whatsapp/recipients"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let recipients = recipients.as_object().unwrap();
    assert_eq!(recipients.len(), 12);
    assert!(
        recipients.values().all(|one| one["posts"] == 1),
        "{recipients:?}"
    );

    // An outcome comes in, and is logged.
    let made = project
        .bridged(&["token", "create", "crm", "--role", "ingest"])
        .expect(0);
    let key = rows("Lead").await[0]["Id"].as_str().unwrap().to_owned();
    let outcome = json!({ "id": "o-1", "profile": key, "kind": "qualified", "occurred_at": "2026-11-26T10:00:00Z", "summary": "Wants an offer." });
    let answer = http
        .post(serving.url("/api/v1/outcomes"))
        .bearer_auth(made.stdout.trim())
        .json(&outcome)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    until("the conversation is there", || async {
        rows("Conversation__c")
            .await
            .iter()
            .any(|row| row["Bridged_Id__c"] == "o-1")
    })
    .await;
    let log = serving.stop();
    assert!(!log.contains("7946"), "no number in the log: {log}");
}

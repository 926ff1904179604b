//! A sandbox that outlives the runs that are killed against it, and the real binary to be killed.

use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bridged::foundation::event::Ledger;
use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::Settings;
use bridged::store::model::{RunFilter, RunRow};
use bridged::store::{self, Store};
use serde_json::{Value, json};

use crate::support::binary::command;
use crate::support::project::Project;

const PROJECT: &str = "version: 1
name: kill
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
    budget: { daily_share: 100% }
  whatsapp:
    type: whatsapp
    phone_number_id: \"106540352242922\"
    business_account_id: \"102290129340398\"
    access_token: ${WHATSAPP_TOKEN}
    api_url: ${WHATSAPP_URL}
";

/// Seals what the vault keeps; any key of the right form does.
pub(crate) const KEY: &str = "bk1_83tydxIwIAEKSLQGfBhkTYyllqgIQBYd6dotdJ6sa8DdI7c9";

/// The sandbox, and the one pipeline that is run against it.
pub(super) struct Scene {
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
    pipeline: &'static str,
    yaml: &'static str,
}

impl Scene {
    /// A sandbox with so many leads, whose answers wait for `latency`.
    pub(super) fn start(
        leads: usize,
        latency: Duration,
        (pipeline, yaml): (&'static str, &'static str),
    ) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let settings = Settings {
            leads,
            latency,
            ..Settings::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(settings)).unwrap();
        Self {
            runtime,
            sandbox,
            pipeline,
            yaml,
        }
    }

    /// A project with the pipeline and an empty store.
    pub(super) fn project(&self) -> Project {
        Project::empty()
            .file("bridged.yaml", PROJECT)
            .file(&format!("pipelines/{}.yaml", self.pipeline), self.yaml)
    }

    /// Starts `bridged run`, to die at `failpoint` where one is named.
    pub(super) fn spawn(&self, project: &Project, failpoint: Option<&str>) -> Child {
        let ready = self.sandbox.ready();
        let mut command = command(project.path());
        command
            .args(["run", self.pipeline, "--format", "json"])
            .env("SALESFORCE_INSTANCE_URL", &ready.salesforce_url)
            .env("SALESFORCE_CONSUMER_KEY", &ready.consumer_key)
            .env("SALESFORCE_API_KEY", &ready.api_key)
            .env("WHATSAPP_TOKEN", &ready.whatsapp_token)
            .env("WHATSAPP_URL", &ready.whatsapp_url)
            .env("BRIDGED_KEY", KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(failpoint) = failpoint {
            command.env("BRIDGED_FAILPOINT", failpoint);
        }
        command.spawn().unwrap()
    }

    /// Runs to the end, which must be a good one; returns the run's part of the report.
    pub(super) fn complete(&self, project: &Project) -> Value {
        let output = self.spawn(project, None).wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let report = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{told}\n{report}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["result"]["runs"][0]["state"], "done", "{report}");
        report["result"]["runs"][0].clone()
    }

    /// Runs to the end, whatever it says of its records.
    pub(super) fn end(&self, project: &Project) {
        let output = self.spawn(project, None).wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).expect(&told);
        let state = &report["result"]["runs"][0]["state"];
        assert!(*state == "done" || *state == "partial", "{told}\n{report}");
    }

    /// Lets a run die at `failpoint`; whether it got there.
    pub(super) fn dies_at(&self, project: &Project, failpoint: &str) -> bool {
        let died = self.spawn(project, Some(failpoint)).wait_with_output();
        died.unwrap().status.code().is_none()
    }

    /// Kills a run after so long; whether it was at work still.
    pub(super) fn killed_after(&self, project: &Project, moment: Duration) -> bool {
        let mut child = self.spawn(project, None);
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }

    /// The rows of an object that are not deleted.
    pub(super) fn rows(&self, object: &str) -> Vec<Value> {
        let url = format!(
            "{}/_sandbox/records/{object}",
            self.sandbox.ready().salesforce_url
        );
        let rows: Vec<Value> = self
            .runtime
            .block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() });
        rows.into_iter()
            .filter(|row| row["IsDeleted"] == false)
            .collect()
    }

    /// What a control call of the sandbox shows.
    pub(super) fn look(&self, call: &str) -> Value {
        let url = format!("{}/_sandbox/{call}", self.sandbox.ready().salesforce_url);
        self.runtime
            .block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() })
    }

    /// Posts to a control call of the sandbox.
    pub(super) fn control(&self, call: &str, body: &Value) {
        let url = format!("{}/_sandbox/{call}", self.sandbox.ready().salesforce_url);
        self.runtime.block_on(async {
            let answer = reqwest::Client::new().post(url).json(body).send().await;
            let answer = answer.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "{call}: {status} {text}");
        });
    }

    /// Moves the sandbox's clock to a second in which nothing was written yet.
    pub(super) fn advance(&self) {
        self.control("clock", &json!({ "advance": "3s" }));
    }
}

/// The store of a project.
pub(super) fn open(project: &Project) -> Arc<dyn Store> {
    store::open("sqlite:.bridged/bridged.db", project.path()).unwrap()
}

/// All runs of a store and their account together; every ledger balances.
#[track_caller]
pub(super) fn account(store: &dyn Store, what: &str) -> (Vec<RunRow>, Ledger) {
    let filter = RunFilter {
        limit: Some(10_000),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter).unwrap();
    let mut total = Ledger::default();
    for run in &runs {
        assert!(run.ledger.balances(), "{what}: {run:?}");
        total.add(&run.ledger);
    }
    (runs, total)
}

/// The seed of random moments: `BRIDGED_KILL_SEED`, or another one each time.
pub(super) fn seed() -> u64 {
    std::env::var("BRIDGED_KILL_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap())
}

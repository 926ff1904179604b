//! Killing the real binary: at every named point, and at random moments. Whatever happens, the next run goes on, and in the
//! end every record is in the store once and the ledgers add up.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;

use bridged::engine::settle;
use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::Settings;
use bridged::store::model::RunFilter;
use bridged::store::{self, sqlite};
use serde_json::Value;

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
";

const PIPELINE: &str = "version: 1
name: leads
direction: read
source: { object: Lead }
field_map: { name: \"{{ LastName }}\", company: \"{{ Company }}\" }
";

/// Random kills in one test run; each is a process of its own.
const KILLS: u32 = 200;

struct Scene {
    runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
}

impl Scene {
    fn start(leads: usize, latency: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let settings = Settings {
            leads,
            latency,
            ..Settings::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(settings)).unwrap();
        Self { runtime, sandbox }
    }

    fn project() -> Project {
        Project::empty()
            .file("bridged.yaml", PROJECT)
            .file("pipelines/leads.yaml", PIPELINE)
    }

    /// Starts `bridged run leads`, to die at `failpoint` where one is named.
    fn spawn(&self, project: &Project, failpoint: Option<&str>) -> Child {
        let ready = self.sandbox.ready();
        let mut command = command(project.path());
        command
            .args(["run", "leads", "--format", "json"])
            .env("SALESFORCE_INSTANCE_URL", &ready.salesforce_url)
            .env("SALESFORCE_CONSUMER_KEY", &ready.consumer_key)
            .env("SALESFORCE_API_KEY", &ready.api_key)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(failpoint) = failpoint {
            command.env("BRIDGED_FAILPOINT", failpoint);
        }
        command.spawn().unwrap()
    }

    /// Runs to the end, which must be a good one; returns the run's part of the report.
    fn complete(&self, project: &Project) -> Value {
        let output = self.spawn(project, None).wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["result"]["runs"][0]["state"], "done", "{report}");
        report["result"]["runs"][0].clone()
    }

    /// What the store must hold: each live lead by its Id.
    fn expected(&self) -> BTreeMap<String, Value> {
        let url = format!(
            "{}/_sandbox/records/Lead",
            self.sandbox.ready().salesforce_url
        );
        let rows: Vec<Value> = self.runtime.block_on(async {
            let _ = rustls::crypto::ring::default_provider().install_default();
            reqwest::get(url).await.unwrap().json().await.unwrap()
        });
        rows.into_iter()
            .filter(|row| row["IsDeleted"] == false)
            .map(|row| {
                (
                    row["Id"].as_str().unwrap().to_owned(),
                    row["LastName"].clone(),
                )
            })
            .collect()
    }
}

/// Everything is there once, and the ledgers of all runs together say so.
fn check(project: &Project, expected: &BTreeMap<String, Value>, what: &str) {
    let store = store::open("sqlite:.bridged/bridged.db", project.path()).unwrap();
    let stored: BTreeMap<String, Value> = store
        .profiles(None, u32::MAX)
        .unwrap()
        .into_iter()
        .map(|stored| {
            (
                stored.profile.key,
                stored.profile.attributes["name"].clone(),
            )
        })
        .collect();
    assert_eq!(&stored, expected, "{what}");
    let runs = store
        .runs(&RunFilter {
            limit: Some(10_000),
            ..RunFilter::default()
        })
        .unwrap();
    for run in &runs {
        assert!(run.ledger.balances(), "{what}: {run:?}");
    }
    let delivered: u64 = runs.iter().map(|run| run.ledger.delivered).sum();
    assert_eq!(
        delivered,
        expected.len() as u64,
        "{what}: each record is delivered once over all runs"
    );
}

#[test]
fn i3_s08_s09_a_crash_at_any_named_point_loses_and_doubles_nothing() {
    let scene = Scene::start(160, Duration::ZERO);
    let expected = scene.expected();
    let names = settle::FAILPOINTS.iter().chain(sqlite::FAILPOINTS);
    let mut reached = 0;
    for name in names {
        for nth in 1..=3 {
            let project = Scene::project();
            let failpoint = format!("{name}@{nth}");
            let died = scene
                .spawn(&project, Some(&failpoint))
                .wait_with_output()
                .unwrap();
            reached += u32::from(died.status.code().is_none());
            scene.complete(&project);
            check(&project, &expected, &failpoint);
        }
    }
    let points = settle::FAILPOINTS.len() + sqlite::FAILPOINTS.len();
    assert!(
        reached as usize >= points,
        "only {reached} of {points} named points were reached"
    );
}

#[test]
fn r02_two_hundred_kills_at_random_moments_lose_and_double_nothing() {
    let seed = std::env::var("BRIDGED_KILL_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(seed);
    let scene = Scene::start(600, Duration::from_millis(2));
    let expected = scene.expected();
    let mut project = Scene::project();
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let what = format!("kill {kill} of BRIDGED_KILL_SEED={seed}");
        let mut child = scene.spawn(&project, None);
        std::thread::sleep(Duration::from_millis(random.u64(5..150)));
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        unfinished += u32::from(ended.code().is_none());
        if kill % 8 == 7 {
            scene.complete(&project);
            check(&project, &expected, &what);
            project = Scene::project();
        }
    }
    assert!(
        unfinished > KILLS / 4,
        "only {unfinished} of {KILLS} kills met a run at work (seed {seed})"
    );
}

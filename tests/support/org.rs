//! A sandbox in the test's own process, with its control calls, and runs of the engine against it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bridged::engine::cancel::{self, Canceller};
use bridged::engine::{Options, Outside, run};
use bridged::foundation::clock::Clock;
use bridged::foundation::error::Result;
use bridged::foundation::event::{RunEvent, RunReport};
use bridged::foundation::secret::Secret;
use bridged::plan::Plan;
use bridged::plan::compile::{Input, compile};
use bridged::plan::snapshot::Snapshots;
use bridged::salesforce::client::Client;
use bridged::salesforce::settings::Settings as ClientSettings;
use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::Settings;
use bridged::spec::read;
use bridged::store::{self, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A sandbox and a store.
pub(crate) struct Org {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: Arc<dyn Store>,
    /// Keeps the store's folder as long as the store is used.
    _folder: TempDir,
    http: reqwest::Client,
}

impl Org {
    /// A sandbox with so many seeded leads, its clock held at a fixed noon.
    pub(crate) async fn with_leads(leads: usize) -> Self {
        Self::start(Settings {
            leads,
            clock: Some("2027-03-01T12:00:00Z".parse().unwrap()),
            ..Settings::default()
        })
        .await
    }

    /// A sandbox of these settings.
    pub(crate) async fn start(settings: Settings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(settings).await.expect("the sandbox starts");
        let folder = TempDir::new().expect("a temporary folder");
        let store = store::open("sqlite:.bridged/bridged.db", folder.path()).expect("a store");
        Self {
            sandbox,
            store,
            _folder: folder,
            http: reqwest::Client::new(),
        }
    }

    /// The sandbox's address.
    pub(crate) fn url(&self) -> &str {
        &self.sandbox.ready().salesforce_url
    }

    /// A fresh client: no token, no clock, nothing counted.
    pub(crate) fn client(&self) -> Client {
        client(&self.sandbox)
    }

    /// Posts to a control call.
    pub(crate) async fn control(&self, call: &str, body: Value) -> Value {
        let url = format!("{}/_sandbox/{call}", self.url());
        let answer = self
            .http
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{call}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// All rows of an object, deleted ones too.
    pub(crate) async fn rows(&self, object: &str) -> Vec<Value> {
        let url = format!("{}/_sandbox/records/{object}", self.url());
        self.http
            .get(url)
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("rows")
    }

    /// Every request the sandbox answered.
    pub(crate) async fn ledger(&self) -> Value {
        let url = format!("{}/_sandbox/ledger", self.url());
        self.http
            .get(url)
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("a ledger")
    }

    /// Puts leads in; returns their ids.
    pub(crate) async fn put_leads(&self, rows: Vec<Value>) -> Vec<String> {
        let answer = self.control("records/Lead", Value::Array(rows)).await;
        answer["ids"]
            .as_array()
            .expect("ids")
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// Moves the sandbox's clock.
    pub(crate) async fn advance(&self, by: &str) {
        self.control("clock", json!({ "advance": by })).await;
    }

    /// Puts faults in force.
    pub(crate) async fn faults(&self, rules: Value) {
        self.control("faults", rules).await;
    }

    /// Runs a pipeline, with a fresh client: no token, no clock, nothing counted.
    pub(crate) async fn run(&self, yaml: &str) -> Result<RunReport> {
        self.run_with(yaml, Options::default()).await
    }

    /// Runs a pipeline with options.
    pub(crate) async fn run_with(&self, yaml: &str, options: Options) -> Result<RunReport> {
        self.listen(yaml, options, |_, _| {}).await
    }

    /// Runs a pipeline, handing every event to `hear`, which may stop it.
    pub(crate) async fn listen(
        &self,
        yaml: &str,
        options: Options,
        hear: impl Fn(&RunEvent, &Canceller) + Send + Sync + 'static,
    ) -> Result<RunReport> {
        let (canceller, cancel) = cancel::pair();
        let canceller = Arc::new(Mutex::new(canceller));
        let outside = Outside {
            client: client(&self.sandbox),
            store: Arc::clone(&self.store),
            clock: Clock::system(),
            observer: Arc::new(move |event| {
                let canceller = canceller.lock().unwrap_or_else(PoisonError::into_inner);
                hear(event, &canceller);
            }),
            cancel,
        };
        run::run(&Arc::new(plan(yaml)), &outside, options).await
    }
}

fn client(sandbox: &Sandbox) -> Client {
    let ready = sandbox.ready();
    let mut settings = ClientSettings::new(
        ready.salesforce_url.clone(),
        ready.consumer_key.clone(),
        Secret::new(ready.api_key.clone()),
    );
    settings.budget.daily_share = 1.0;
    settings.retry.base = Duration::from_millis(1);
    settings.retry.slow_base = Duration::from_millis(1);
    settings.retry.cap = Duration::from_millis(5);
    Client::new(settings).expect("a client")
}

/// A project with one connection that may touch everything.
pub(crate) const PROJECT: &str = "version: 1
name: test
connections:
  salesforce:
    type: salesforce
    instance_url: ${SALESFORCE_INSTANCE_URL}
    auth: { method: api_key, consumer_key: \"${SALESFORCE_CONSUMER_KEY}\", api_key: \"${SALESFORCE_API_KEY}\" }
  whatsapp: { type: whatsapp, phone_number_id: \"106540352242922\", access_token: \"${WHATSAPP_TOKEN}\", graph_version: v25.0 }
";

/// The plan of a pipeline that has no fault.
#[track_caller]
pub(crate) fn plan(yaml: &str) -> Plan {
    let (plan, findings) = planned(yaml);
    plan.unwrap_or_else(|| panic!("{findings:#?}"))
}

/// What compiling a well-formed pipeline gives.
#[track_caller]
pub(crate) fn planned(
    yaml: &str,
) -> (
    Option<Plan>,
    Vec<bridged::foundation::diagnostic::Diagnostic>,
) {
    let pipeline = read::pipeline("pipelines/test.yaml", yaml.as_bytes());
    let project = read::project("bridged.yaml", PROJECT.as_bytes());
    let document = pipeline
        .document
        .unwrap_or_else(|| panic!("{:#?}", pipeline.findings));
    let project = project
        .document
        .unwrap_or_else(|| panic!("{:#?}", project.findings));
    compile(&Input {
        pipeline: &document,
        project: &project,
        snapshots: &Snapshots::default(),
    })
}

//! A sandbox in the test's own process, with its control calls, and runs of the engine against it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bridged::engine::broadcast::{Messaging, Reach};
use bridged::engine::cancel::{self, Canceller};
use bridged::engine::preview::{self, Preview, ReadSide};
use bridged::engine::replay::{self, Replayed};
use bridged::engine::saved::{Header, Saved, Saving};
use bridged::engine::{Options, Outside, apply, run};
use bridged::foundation::clock::Clock;
use bridged::foundation::error::Result;
use bridged::foundation::event::{RunEvent, RunReport};
use bridged::foundation::identity::IdentityKey;
use bridged::foundation::record::{Engagement, EngagementKind, Outcome, Profile};
use bridged::foundation::secret::Secret;
use bridged::plan::Plan;
use bridged::plan::compile::{Input, compile};
use bridged::plan::snapshot::Snapshots;
use bridged::salesforce::client::Client;
use bridged::salesforce::settings::Settings as ClientSettings;
use bridged::sandbox::server::Sandbox;
use bridged::sandbox::settings::Settings;
use bridged::spec::read;
use bridged::store::model::{DeadLetterRow, LetterFilter};
use bridged::store::read_only::ReadOnly;
use bridged::store::{self, Store};
use bridged::whatsapp::client::Client as WhatsAppClient;
use bridged::whatsapp::pace::Pace;
use bridged::whatsapp::send::Messenger;
use bridged::whatsapp::settings::Settings as WhatsAppSettings;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A sandbox and a store.
pub(crate) struct Org {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: Arc<dyn Store>,
    /// Keeps the store's folder as long as the store is used.
    folder: TempDir,
    http: reqwest::Client,
    /// What runs take for the time of day.
    pub(crate) clock: Clock,
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

    /// A second connection to the store's file.
    pub(crate) fn store_file(&self) -> rusqlite::Connection {
        let path = self.folder.path().join(".bridged/bridged.db");
        rusqlite::Connection::open(path).expect("the store's file")
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
            folder,
            http: reqwest::Client::new(),
            clock: Clock::system(),
        }
    }

    /// The sandbox's address.
    pub(crate) fn url(&self) -> &str {
        &self.sandbox.ready().salesforce_url
    }

    /// A fresh client: no token, no clock, nothing counted.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.settings()).expect("a client")
    }

    /// What the client is made with; it waits next to nothing between tries.
    pub(crate) fn settings(&self) -> ClientSettings {
        settings(&self.sandbox)
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
        self.run_by(self.client(), yaml, options, hear).await
    }

    /// Runs a pipeline with a client of the test's own.
    pub(crate) async fn run_by(
        &self,
        client: Client,
        yaml: &str,
        options: Options,
        hear: impl Fn(&RunEvent, &Canceller) + Send + Sync + 'static,
    ) -> Result<RunReport> {
        let outside = self.outside(client, hear);
        run::run(&Arc::new(plan(yaml)), &outside, options).await
    }

    /// Runs a pipeline with a client that may use a share of the org's daily calls.
    pub(crate) async fn run_within(&self, yaml: &str, daily_share: f64) -> Result<RunReport> {
        let mut settings = settings(&self.sandbox);
        settings.budget.daily_share = daily_share;
        let client = Client::new(settings).expect("a client");
        self.run_by(client, yaml, Options::default(), |_, _| {})
            .await
    }

    /// The key under whose hashes people are remembered here.
    pub(crate) fn key() -> IdentityKey {
        IdentityKey::new(&Secret::new("a test's people"))
    }

    /// What sends to the sandbox's WhatsApp; it waits next to nothing between tries.
    pub(crate) fn messaging(&self) -> Messaging {
        let ready = self.sandbox.ready();
        let token = Secret::new(&ready.whatsapp_token);
        let mut settings = WhatsAppSettings::new(&ready.whatsapp_phone_number_id, token);
        settings.api_url.clone_from(&ready.whatsapp_url);
        settings.business_account_id = Some(ready.whatsapp_business_account_id.clone());
        settings.retry.base = Duration::from_millis(1);
        let client = WhatsAppClient::new(settings).expect("a client");
        Messaging {
            messenger: Messenger::new(client.clone()),
            number: Arc::new(Pace::of_a_number()),
            rest: Duration::from_millis(1),
            reach: Reach {
                client,
                key: Self::key(),
            },
        }
    }

    /// A control call that only looks.
    pub(crate) async fn look(&self, call: &str) -> Value {
        let url = format!("{}/_sandbox/{call}", self.url());
        let answer = self.http.get(url).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    /// The outside of a run that a server starts.
    pub(crate) fn outside_for(&self, cancel: cancel::Cancel, actor: &str) -> Outside {
        Outside {
            cancel,
            actor: actor.into(),
            ..self.outside(self.client(), |_, _| {})
        }
    }

    pub(crate) fn outside(
        &self,
        client: Client,
        hear: impl Fn(&RunEvent, &Canceller) + Send + Sync + 'static,
    ) -> Outside {
        let (canceller, cancel) = cancel::pair();
        let canceller = Arc::new(Mutex::new(canceller));
        Outside {
            client,
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            observer: Arc::new(move |event| {
                let canceller = canceller.lock().unwrap_or_else(PoisonError::into_inner);
                hear(event, &canceller);
            }),
            cancel,
            actor: "a test".into(),
            messaging: Some(Arc::new(self.messaging())),
        }
    }

    fn side(&self) -> ReadSide {
        ReadSide {
            client: self.client(),
            store: ReadOnly::new(Arc::clone(&self.store)),
            clock: self.clock.clone(),
            cancel: cancel::pair().1,
            reach: Some(Arc::new(self.messaging().reach)),
        }
    }

    /// What a run would do, with every change it would make.
    pub(crate) async fn preview(&self, yaml: &str) -> Result<Preview> {
        let (side, plan) = (self.side(), Arc::new(plan(yaml)));
        let whole = Options::default();
        preview::preview(&plan, &side, whole, usize::MAX, &mut |_| Ok(())).await
    }

    /// Saves what a run would write, as `dry-run --out FILE` does; how many rows the file holds.
    pub(crate) async fn save(&self, yaml: &str, file: &Path) -> Result<u64> {
        let (side, plan) = (self.side(), Arc::new(plan(yaml)));
        let header = Header::new(
            plan.pipeline.to_string(),
            plan.fingerprint.to_string(),
            apply::org_of(&side.client).await?,
            side.clock.now(),
            apply::position_in(&side.store, &plan)?,
        );
        let mut saving = Saving::begin(file, &header)?;
        let mut keep = |row: &_| saving.add(row);
        preview::preview(&plan, &side, Options::default(), 0, &mut keep).await?;
        saving.end()
    }

    /// Writes a saved plan.
    pub(crate) async fn apply(&self, yaml: &str, file: &Path) -> Result<RunReport> {
        self.apply_heard(yaml, file, |_, _| {}).await
    }

    /// Writes a saved plan, handing every event to `hear`, which may stop it.
    pub(crate) async fn apply_heard(
        &self,
        yaml: &str,
        file: &Path,
        hear: impl Fn(&RunEvent, &Canceller) + Send + Sync + 'static,
    ) -> Result<RunReport> {
        let saved = Saved::open(file)?;
        let outside = self.outside(self.client(), hear);
        run::apply(&Arc::new(plan(yaml)), &outside, &saved).await
    }

    /// Replays every open dead letter through a pipeline, handed over newest first, as a list of letters is.
    pub(crate) async fn replay(&self, yaml: &str) -> Result<Replayed> {
        let outside = self.outside(self.client(), |_, _| {});
        let letters: Vec<DeadLetterRow> = self.letters().into_iter().rev().collect();
        let chosen = serde_json::Map::new();
        replay::replay(&Arc::new(plan(yaml)), &outside, &letters, &chosen).await
    }

    /// What such a replay would do.
    pub(crate) async fn foresee_replay(&self, yaml: &str) -> Result<Preview> {
        let (side, plan) = (self.side(), Arc::new(plan(yaml)));
        replay::foresee(&plan, &side, &self.letters(), usize::MAX).await
    }

    /// Every open dead letter, oldest first.
    pub(crate) fn letters(&self) -> Vec<DeadLetterRow> {
        let all = LetterFilter {
            limit: Some(10_000),
            ..LetterFilter::default()
        };
        let mut letters = self.store.dead_letters(&all).expect("letters");
        letters.reverse();
        letters
    }

    /// Imports profiles, each `{ "key", …attributes }`.
    pub(crate) fn import_profiles(&self, profiles: &[Value]) {
        let profiles: Vec<Profile> = profiles.iter().map(profile).collect();
        self.store
            .import_profiles(&profiles, Clock::system().now())
            .expect("profiles");
    }

    /// Imports outcomes, each `{ "id", "profile", "kind", …fields }`.
    pub(crate) fn import_outcomes(&self, outcomes: &[Value]) {
        let outcomes: Vec<Outcome> = outcomes.iter().map(outcome).collect();
        self.store
            .import_outcomes(&outcomes, Clock::system().now())
            .expect("outcomes");
    }

    /// Imports so many events of a kind for a profile, all of them now.
    pub(crate) fn engage(&self, profile: &str, kind: EngagementKind, count: usize) {
        let at = Clock::system().now();
        let events: Vec<Engagement> = (0..count)
            .map(|n| Engagement {
                id: format!("{profile} {} {n}", kind.as_str()),
                profile: profile.to_owned(),
                kind,
                at,
                campaign: None,
            })
            .collect();
        self.store.import_engagements(&events, at).expect("events");
    }

    /// The rows of an object that are not deleted.
    pub(crate) async fn live(&self, object: &str) -> Vec<Value> {
        let mut rows = self.rows(object).await;
        rows.retain(|row| row["IsDeleted"] == false);
        rows
    }

    /// The one live row whose field has this value.
    #[track_caller]
    pub(crate) fn row(
        &self,
        object: &str,
        field: &str,
        value: &str,
    ) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        let asked = (object.to_owned(), field.to_owned(), value.to_owned());
        async move {
            let (object, field, value) = asked;
            let mut rows = self.live(&object).await;
            rows.retain(|row| row[&field] == value.as_str());
            assert_eq!(rows.len(), 1, "{place}: {object} {field} = {value}");
            rows.remove(0)
        }
    }

    /// Every request that was to change rows, as the sandbox's ledger has it.
    pub(crate) async fn writes(&self) -> Vec<Value> {
        let ledger = self.ledger().await;
        let requests = ledger["requests"].as_array().expect("requests");
        requests
            .iter()
            .filter(|entry| {
                let path = entry["path"].as_str().unwrap_or_default();
                entry["method"] != "GET" && path.contains("/composite/sobjects")
            })
            .cloned()
            .collect()
    }

    /// Changes one row behind the client's back, as another program of the org would.
    pub(crate) async fn change(&self, object: &str, id: &str, field: &str, value: &Value) {
        let row = json!({ "Id": id, field: value });
        self.control(&format!("records/{object}"), row).await;
    }

    /// Calls `then` and waits for it, from inside an observer.
    pub(crate) fn meanwhile<T>(then: impl Future<Output = T>) -> T {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(then))
    }
}

fn profile(value: &Value) -> Profile {
    let mut attributes = value.as_object().expect("an object").clone();
    let key = attributes.remove("key").expect("a key");
    Profile {
        key: key.as_str().expect("a text").to_owned(),
        salesforce_id: None,
        object: None,
        attributes,
        consent: serde_json::Map::new(),
        deleted: false,
    }
}

fn outcome(value: &Value) -> Outcome {
    let mut fields = value.as_object().expect("an object").clone();
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => text,
        other => panic!("`{name}` is {other:?}"),
    };
    Outcome {
        id: text("id"),
        profile: text("profile"),
        kind: text("kind"),
        occurred_at: "2027-02-01T08:00:00Z".parse().expect("an instant"),
        fields,
    }
}

fn settings(sandbox: &Sandbox) -> ClientSettings {
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
    settings.breaker.first_wait = Duration::from_millis(1);
    settings.breaker.longest_wait = Duration::from_millis(5);
    settings.breaker.patience = Duration::from_secs(1);
    settings
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

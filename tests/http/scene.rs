//! A server's HTTP side with a store of its own and a control that the test looks at.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bridged::connections::connect::Signing;
use bridged::foundation::clock::Clock;
use bridged::foundation::code::Code;
use bridged::foundation::error::{Error, Result};
use bridged::foundation::id::{Fingerprint, PipelineName, RunId};
use bridged::foundation::secret::Secret;
use bridged::serve::control::{Asked, CallsLeft, Control, Health, Reloaded, Standing};
use bridged::serve::http::{self, App, KnownAs, Listen, WebhookSecrets};
use bridged::serve::metrics::Metrics;
use bridged::store::model::{ApiToken, AuditAction, NewAudit, Role};
use bridged::store::{self, Store};
use jiff::Timestamp;
use ring::hmac;
use tempfile::TempDir;
use tokio::sync::watch;

pub(super) const APP_SECRET: &str = "the app secret of a test";
pub(super) const VERIFY_TOKEN: &str = "the verify token of a test";

/// What was asked of the server.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) asked: Mutex<Vec<Asked>>,
    pub(super) changed: Mutex<u64>,
    pub(super) stopping: Mutex<bool>,
}

impl Control for Fake {
    fn pipelines(&self) -> Vec<Standing> {
        vec![Standing {
            pipeline: PipelineName::parse("leads").unwrap(),
            fingerprint: Fingerprint::of("a plan"),
            schedule: "every hour".to_owned(),
            next: None,
            running: None,
            last_done: Some(Timestamp::UNIX_EPOCH),
            skipped: 2,
        }]
    }

    fn start(&self, asked: &Asked) -> Result<RunId> {
        if *self.stopping.lock().unwrap() {
            return Err(Error::new(Code::ServerStopping, "the server is stopping"));
        }
        match asked.pipeline.as_str() {
            "leads" => {
                self.asked.lock().unwrap().push(asked.clone());
                Ok(RunId::generate())
            }
            "busy" => Err(Error::new(Code::PipelineLocked, "it runs")),
            _ => Err(Error::new(Code::UnknownPipeline, "there is none")),
        }
    }

    fn calls_left(&self) -> Vec<CallsLeft> {
        vec![CallsLeft {
            connection: "salesforce".to_owned(),
            left: 11_900,
            used: 100,
            max: 15_000,
        }]
    }

    fn signing(&self, _: &str, _: &str) -> Result<Signing> {
        Err(Error::new(Code::UnknownConnection, "there is none"))
    }

    fn cancel(&self, _: RunId) -> bool {
        false
    }

    fn reload(&self) -> Reloaded {
        Reloaded::Unchanged("one".to_owned())
    }

    fn health(&self) -> Health {
        let stopping = *self.stopping.lock().unwrap();
        Health {
            is_ready: !stopping,
            reasons: if stopping {
                vec!["the server is stopping".to_owned()]
            } else {
                Vec::new()
            },
            revision: "one".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            reload_refused: false,
        }
    }

    fn records_changed(&self) {
        *self.changed.lock().unwrap() += 1;
    }
}

/// A listening server.
pub(super) struct Scene {
    pub(super) url: String,
    pub(super) address: SocketAddr,
    pub(super) store: Arc<dyn Store>,
    pub(super) fake: Arc<Fake>,
    pub(super) http: reqwest::Client,
    pub(super) folder: TempDir,
    _stop: watch::Sender<bool>,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let store = store::open("sqlite:bridged.db", folder.path()).unwrap();
        let bound = Listen {
            address: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            public_url: Some("https://hooks.example.com".parse().unwrap()),
            allow_plain_http: false,
        }
        .bind()
        .await
        .unwrap();
        let fake = Arc::new(Fake::default());
        let secrets = WebhookSecrets {
            app_secrets: vec![("whatsapp".to_owned(), Secret::new(APP_SECRET))],
            verify_tokens: vec![Secret::new(VERIFY_TOKEN)],
        };
        let url = bound.url.clone();
        let app = App::new(
            Arc::clone(&fake) as _,
            Arc::clone(&store),
            Clock::system(),
            Arc::new(Metrics::default()),
            secrets,
            KnownAs {
                hosts: bound.hosts.clone(),
                origin: "https://hooks.example.com".to_owned(),
            },
        );
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(http::serve(bound, app, stopped));
        Self {
            address: url.trim_start_matches("http://").parse().unwrap(),
            url,
            store,
            fake,
            http: reqwest::Client::new(),
            folder,
            _stop: stop,
        }
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A token of a role; its name is the role's word.
    pub(super) fn token(&self, role: Role) -> String {
        let text = format!("bridged_{}", role.as_str());
        let token = ApiToken {
            name: role.as_str().to_owned(),
            hash: http::digest(&text),
            role,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        };
        self.store.add_token(&token, &audit()).unwrap();
        text
    }
}

pub(super) fn audit() -> NewAudit {
    NewAudit {
        at: Timestamp::UNIX_EPOCH,
        action: AuditAction::TokenChanged,
        subject: "a token".to_owned(),
        actor: "a test".to_owned(),
        details: serde_json::Map::new(),
    }
}

/// A signature as Meta makes it.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body);
    let mut signature = "sha256=".to_owned();
    for byte in tag.as_ref() {
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

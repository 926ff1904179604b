//! The HTTP side: who may ask for what, and what is answered.
//!
//! `routes` is the one table of what there is; the guard, the router and the document of it (`openapi`) are made from it.

mod answer;
mod api;
mod auth;
mod guard;
mod ingest;
mod keep;
pub mod listen;
pub mod openapi;
pub mod routes;
mod sign_in;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::foundation::clock::Clock;
use crate::foundation::secret::Secret;
use crate::store::Store;

use self::auth::Tokens;
use self::keep::Keeper;
use self::sign_in::Doors;
use super::control::Control;
use super::metrics::Metrics;

pub use self::auth::digest;
pub use self::listen::{Listen, serve};

/// What the handlers work with.
pub struct App {
    control: Arc<dyn Control>,
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Arc<Metrics>,
    tokens: Tokens,
    keeper: Keeper,
    webhook: WebhookSecrets,
    hosts: Vec<String>,
    /// The address under which others know the server.
    origin: String,
    doors: Doors,
    /// Told when a delivery was kept.
    arrived: Arc<Notify>,
}

/// Under what names a server is reached.
#[derive(Debug, Clone)]
pub struct KnownAs {
    /// The names and ports under which it is asked; others are refused.
    pub hosts: Vec<String>,
    /// The address that is told to others: `https://host`.
    pub origin: String,
}

/// What Meta's deliveries are checked with.
#[derive(Debug, Clone, Default)]
pub struct WebhookSecrets {
    /// The connections with the secrets that their deliveries are signed with.
    pub app_secrets: Vec<(String, Secret)>,
    /// What the set-up of a webhook asks for.
    pub verify_tokens: Vec<Secret>,
}

/// How long a delivery may wait to be kept. Meta delivers again what is not taken.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

impl App {
    /// For a server.
    pub fn new(
        control: Arc<dyn Control>,
        store: Arc<dyn Store>,
        clock: Clock,
        metrics: Arc<Metrics>,
        webhook: WebhookSecrets,
        known_as: KnownAs,
    ) -> Arc<Self> {
        Arc::new(Self {
            tokens: Tokens::new(Arc::clone(&store)),
            keeper: Keeper::start(Arc::clone(&store)),
            control,
            store,
            clock,
            metrics,
            webhook,
            hosts: known_as.hosts,
            origin: known_as.origin,
            doors: Doors::default(),
            arrived: Arc::default(),
        })
    }

    /// Told whenever a delivery of Meta's was kept.
    pub fn arrived(&self) -> Arc<Notify> {
        Arc::clone(&self.arrived)
    }
}

//! Everything a client must know before its first request.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::foundation::error::Error;
use crate::foundation::secret::Secret;

use super::credentials::Credentials;
use super::resolver::{Lookup, SystemLookup};
use super::wire::Network;

/// A connection to one org, and how to sign in there.
#[derive(Clone)]
pub struct Settings {
    /// The org's My Domain address, or an address on loopback.
    pub instance_url: String,
    /// How the client signs in.
    pub credentials: Credentials,
    /// The REST API's version, as `67.0`.
    pub api_version: String,
    /// The name under which changes are told from those of other programs (REST API Developer Guide, "Call Options Header").
    pub client_name: String,
    /// How much of the org's API bridged may use.
    pub budget: Budget,
    /// How long each part of an exchange may take.
    pub timeouts: Timeouts,
    /// When and how often a passing failure is tried again.
    pub retry: RetryPolicy,
    /// When requests wait for an org that does not answer, and for how long.
    pub breaker: BreakerPolicy,
    /// The most bytes one answer's body may have, after decompression.
    pub max_answer_bytes: usize,
    /// Certificate authorities to trust besides the system's, each a PEM bundle.
    pub extra_ca: Vec<Vec<u8>>,
    /// Hosts outside Salesforce's own domains that may receive credentials, each `host` or `host:port`.
    pub allowed_hosts: Vec<String>,
    /// A proxy's URL, which may carry its credentials; the environment's proxy variables are never used.
    pub proxy: Option<Secret>,
    /// How names become addresses.
    pub lookup: Arc<dyn Lookup>,
    /// Is told of each wait before a further try.
    pub on_retry: Option<RetryObserver>,
    /// Is told when the org stops answering, and when it answers again; without one the log is.
    pub on_outage: Option<OutageObserver>,
}

/// Is told of each wait before a further try.
pub type RetryObserver = Arc<dyn Fn(&Retry<'_>) + Send + Sync>;

/// A failure that is about to be tried again.
#[derive(Debug)]
pub struct Retry<'a> {
    /// What failed.
    pub error: &'a Error,
    /// How long the client waits first.
    pub wait: Duration,
    /// The number of the coming try, counted from 1.
    pub attempt: u32,
}

/// Is told when the org stops answering, and when it answers again.
pub type OutageObserver = Arc<dyn Fn(&Outage) + Send + Sync>;

/// The begin or the end of a time in which an org does not answer; its text is fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outage {
    /// Requests wait from now on.
    Began {
        /// The failure that was one too many.
        reason: String,
        /// How long they wait at most.
        patience: Duration,
    },
    /// Requests leave again.
    Over {
        /// How long they waited.
        lasted: Duration,
        /// How many requests asked meanwhile, the answered one included.
        probes: u32,
    },
}

/// How much of the org's API bridged may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// The share of the org's daily calls, 0 to 1, past which reads are refused, whoever made the calls. Writes go on
    /// half-way from there to the whole limit.
    pub daily_share: f64,
    /// The most requests in any second; `None` for no limit.
    pub requests_per_second: Option<NonZeroU32>,
}

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS together.
    pub connect: Duration,
    /// From the request to the answer's header. Salesforce lets a query run for two minutes
    /// (Salesforce Developer Limits and Allocations Quick Reference, "SOQL and SOSL Limits").
    pub answer: Duration,
    /// Between two pieces of a body.
    pub read: Duration,
    /// The whole exchange.
    pub total: Duration,
    /// For another process that is renewing the same connection's tokens.
    pub renewal: Duration,
}

/// When and how often a passing failure is tried again: exponential back-off with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most tries of one request, the first included.
    pub attempts: u32,
    /// The longest first wait; each further one may be twice as long.
    pub base: Duration,
    /// The least first wait when Salesforce says that too much runs at once.
    pub slow_base: Duration,
    /// The longest wait the client chooses by itself.
    pub cap: Duration,
    /// The longest wait a gateway's `Retry-After` may ask for; a longer one ends the tries.
    pub retry_after_cap: Duration,
}

/// When requests wait for an org that stopped answering. Failures that count are those of the connection, answers that come
/// too late, and 5xx; a refusal or a limit is an answer. An org that never answered is not waited for.
///
/// While they wait, one request at a time asks whether the org answers again, and its failures are no tries of
/// [`RetryPolicy::attempts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// So many failures in a row, of whatever requests of the client, make all of them wait. Below
    /// [`RetryPolicy::attempts`], so that one request alone can find it out.
    pub failures: u32,
    /// The longest wait before the first probe, and half of it the shortest; each further one may be twice as long.
    pub first_wait: Duration,
    /// The longest wait between two probes. For so long requests are also refused at once after an outage was given up.
    pub longest_wait: Duration,
    /// How long an outage may last until requests fail; zero for no waiting at all.
    pub patience: Duration,
}

impl Settings {
    /// The settings of a connection that signs in by client credentials, with the defaults for everything else.
    pub fn new(
        instance_url: impl Into<String>,
        consumer_key: impl Into<String>,
        consumer_secret: Secret,
    ) -> Self {
        let credentials = Credentials::ApiKey {
            consumer_key: consumer_key.into(),
            consumer_secret,
        };
        Self::signed_in_by(instance_url, credentials)
    }

    /// The settings of a connection that signs in in any way, with the defaults for everything else.
    pub fn signed_in_by(instance_url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            instance_url: instance_url.into(),
            credentials,
            api_version: "67.0".to_owned(),
            client_name: "bridged".to_owned(),
            budget: Budget::default(),
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            max_answer_bytes: 32 << 20,
            extra_ca: Vec::new(),
            allowed_hosts: Vec::new(),
            proxy: None,
            lookup: Arc::new(SystemLookup),
            on_retry: None,
            on_outage: None,
        }
    }

    /// What the wire has to know of them.
    pub(super) fn network(&self) -> Network<'_> {
        Network {
            timeouts: self.timeouts,
            max_answer_bytes: self.max_answer_bytes,
            extra_ca: &self.extra_ca,
            proxy: self.proxy.as_ref(),
            lookup: Arc::clone(&self.lookup),
        }
    }

    /// The same for somebody who waits before a screen: what fails is tried once more and told, and an org that does not
    /// answer is not waited for.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        self.retry.attempts = 2;
        self.retry.slow_base = self.retry.base;
        self.retry.retry_after_cap = self.retry.cap;
        self.breaker.patience = Duration::ZERO;
        self.timeouts.answer = Duration::from_secs(30);
        self
    }
}

/// The longest wait behind the try of this number, counted from 1, where the first is `base`: it doubles up to `cap`.
pub(crate) fn doubled(base: Duration, cap: Duration, attempt: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX);
    base.checked_mul(factor)
        .map_or(cap, |longest| longest.min(cap))
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            daily_share: 1.0,
            requests_per_second: None,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(150),
            read: Duration::from_mins(1),
            total: Duration::from_mins(10),
            renewal: Duration::from_mins(1),
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            base: Duration::from_secs(1),
            slow_base: Duration::from_secs(20),
            cap: Duration::from_mins(1),
            retry_after_cap: Duration::from_mins(10),
        }
    }
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            patience: Duration::from_mins(5),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("instance_url", &self.instance_url)
            .field("credentials", &self.credentials)
            .field("api_version", &self.api_version)
            .field("budget", &self.budget)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

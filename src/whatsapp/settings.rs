//! Everything a client of the Graph API must know before its first request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::foundation::secret::Secret;
use crate::salesforce::resolver::{Lookup, SystemLookup};
use crate::salesforce::settings::Timeouts;
use crate::salesforce::wire::Network;
use crate::spec::host;
use crate::spec::project::GraphVersion;

/// A WhatsApp number, and the token that may use it.
#[derive(Clone)]
pub struct Settings {
    /// The address of the Graph API: Meta's own, or one on loopback.
    pub api_url: String,
    /// The version of the Graph API, as `v25.0`.
    pub graph_version: GraphVersion,
    /// The id of the number; digits.
    pub phone_number_id: String,
    /// The id of the business account, which its templates are looked up by; digits.
    pub business_account_id: Option<String>,
    /// The token that signs requests.
    pub access_token: Secret,
    /// How long each part of an exchange may take.
    pub timeouts: Timeouts,
    /// When and how often a passing failure is tried again.
    pub retry: Retry,
    /// The most bytes one answer's body may have, after decompression.
    pub max_answer_bytes: usize,
    /// How names become addresses.
    pub lookup: Arc<dyn Lookup>,
}

/// When and how often a read that failed for a passing reason is made again: exponential back-off with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The most tries of one request, the first included.
    pub attempts: u32,
    /// The longest first wait; each further one may be twice as long.
    pub base: Duration,
    /// The longest wait, whatever an answer's `Retry-After` asks for; a longer one ends the tries.
    pub cap: Duration,
}

impl Settings {
    /// The settings of a number at Meta's own address, with the defaults for everything else.
    pub fn new(phone_number_id: impl Into<String>, access_token: Secret) -> Self {
        Self {
            api_url: host::GRAPH.to_owned(),
            graph_version: GraphVersion::default(),
            phone_number_id: phone_number_id.into(),
            business_account_id: None,
            access_token,
            timeouts: Timeouts {
                answer: Duration::from_secs(30),
                read: Duration::from_secs(30),
                total: Duration::from_mins(2),
                ..Timeouts::default()
            },
            retry: Retry::default(),
            max_answer_bytes: 4 << 20,
            lookup: Arc::new(SystemLookup),
        }
    }

    /// What the wire has to know of them.
    pub(super) fn network(&self) -> Network<'_> {
        Network {
            timeouts: self.timeouts,
            max_answer_bytes: self.max_answer_bytes,
            extra_ca: &[],
            proxy: None,
            lookup: Arc::clone(&self.lookup),
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 2,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("api_url", &self.api_url)
            .field("graph_version", &self.graph_version)
            .field("phone_number_id", &self.phone_number_id)
            .field("business_account_id", &self.business_account_id)
            .field("access_token", &self.access_token)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

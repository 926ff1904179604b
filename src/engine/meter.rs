//! What one run spends of a client that several runs may share.

use crate::foundation::event::Requests;
use crate::salesforce::client::Client;
use crate::whatsapp::send::Messenger;

/// Counts from a moment on.
#[derive(Clone)]
pub struct Meter {
    client: Client,
    messenger: Option<(Messenger, u64)>,
    requests: Requests,
    api_calls: u64,
}

/// Requests and calls since the meter was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests by kind.
    pub requests: Requests,
    /// Calls that count against the org's daily limit.
    pub api_calls: u64,
}

impl Meter {
    /// Starts counting.
    pub fn start(client: &Client) -> Self {
        let usage = client.usage();
        Self {
            client: client.clone(),
            messenger: None,
            requests: usage.requests,
            api_calls: usage.api_calls,
        }
    }

    /// The same, with the messages that this one sends counted as writes.
    #[must_use]
    pub fn with(self, messenger: Option<&Messenger>) -> Self {
        Self {
            messenger: messenger.map(|messenger| (messenger.clone(), messenger.requests())),
            ..self
        }
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        let usage = self.client.usage();
        let mut requests = usage.requests.since(&self.requests);
        if let Some((messenger, before)) = &self.messenger {
            requests.write += messenger.requests().saturating_sub(*before);
        }
        Spent {
            requests,
            api_calls: usage.api_calls.saturating_sub(self.api_calls),
        }
    }
}

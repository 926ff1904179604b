//! What one run spends of a client that several runs may share.

use crate::foundation::event::Requests;
use crate::salesforce::client::Client;

/// Counts from a moment on.
#[derive(Clone)]
pub struct Meter {
    client: Client,
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
            requests: usage.requests,
            api_calls: usage.api_calls,
        }
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        let usage = self.client.usage();
        Spent {
            requests: usage.requests.since(&self.requests),
            api_calls: usage.api_calls.saturating_sub(self.api_calls),
        }
    }
}

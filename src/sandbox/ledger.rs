//! Every request that came in, for tests to count.

use http::Method;
use serde::Serialize;

use super::call::Call;

/// The requests since the start or the last reset.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct RequestLedger {
    requests: Vec<Entry>,
    totals: Totals,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    /// Counted from 1, in the order in which requests were answered.
    sequence: u64,
    /// When it was answered, by the sandbox's clock.
    pub(super) at: String,
    method: String,
    /// Path and query as they were sent.
    path: String,
    /// The status of the answer; null where none was sent.
    pub(super) status: Option<u16>,
    /// Records that the answer shows or that the call carried, where no answer was sent too.
    pub(super) records: usize,
    /// Calls counted against the daily limit.
    pub(super) api_calls: u32,
    /// The kind of the fault that struck, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<&'static str>,
    /// `client` of `Sforce-Call-Options`.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// `Sforce-Auto-Assign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_assign: Option<String>,
}

impl Entry {
    /// A request that is not answered yet.
    pub(super) fn new(method: &Method, target: &str) -> Self {
        Self {
            sequence: 0,
            at: String::new(),
            method: method.to_string(),
            path: target.to_owned(),
            status: None,
            records: 0,
            api_calls: 0,
            fault: None,
            client: None,
            auto_assign: None,
        }
    }

    /// Keeps what the headers say of the one who calls and of how.
    pub(super) fn note(&mut self, call: &Call) {
        let client = call.option("sforce-call-options", "client");
        self.client = client.map(str::to_owned);
        let assign = call.header("sforce-auto-assign");
        self.auto_assign = Some(assign.to_owned()).filter(|assign| !assign.is_empty());
    }
}

/// Sums over all requests.
#[derive(Debug, Default, Clone, Copy, Serialize)]
struct Totals {
    requests: u64,
    records: u64,
    api_calls: u64,
}

/// Entries beyond this are counted and not kept: the ledger of a long run must not fill the memory.
const KEPT_MAX: usize = 1_000_000;

impl RequestLedger {
    /// Keeps a finished request.
    pub(super) fn keep(&mut self, mut entry: Entry) {
        self.totals.requests += 1;
        entry.sequence = self.totals.requests;
        self.totals.records += entry.records as u64;
        self.totals.api_calls += u64::from(entry.api_calls);
        if self.requests.len() < KEPT_MAX {
            self.requests.push(entry);
        }
    }
}

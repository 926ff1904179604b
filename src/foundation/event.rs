//! What happens in a run, as values: events while it runs, and the report at its end.

use std::fmt;

use jiff::Timestamp;

use super::id::{Fingerprint, PipelineName, RunId};

/// The account of a run: every record read is in exactly one of the other places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Records that entered the run.
    pub read: u64,
    /// Acknowledged by the destination.
    pub delivered: u64,
    /// Equal to what the destination already acknowledged, so not sent.
    pub unchanged: u64,
    /// Dropped by the pipeline's `filter`.
    pub filtered: u64,
    /// Held back by consent, an opt-out or a cap.
    pub suppressed: u64,
    /// Not sent because its time had passed.
    pub expired: u64,
    /// Kept as dead letters.
    pub rejected: u64,
    /// Sent, and the answer left it open whether it arrived.
    pub unknown: u64,
    /// Read and not yet settled.
    pub pending: u64,
}

impl Ledger {
    /// Whether `read` equals the sum of the other places.
    pub const fn balances(&self) -> bool {
        self.read
            == self.delivered
                + self.unchanged
                + self.filtered
                + self.suppressed
                + self.expired
                + self.rejected
                + self.unknown
                + self.pending
    }

    /// Adds another account to this one, place by place.
    pub const fn add(&mut self, other: &Ledger) {
        self.read += other.read;
        self.delivered += other.delivered;
        self.unchanged += other.unchanged;
        self.filtered += other.filtered;
        self.suppressed += other.suppressed;
        self.expired += other.expired;
        self.rejected += other.rejected;
        self.unknown += other.unknown;
        self.pending += other.pending;
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Everything in the window was read and settled.
    Done,
    /// Stopped early, or with rejected or unknown records; what was committed stays, the next run continues.
    Partial,
    /// Ended by an error.
    Failed,
}

impl RunState {
    /// `done`, `partial` or `failed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            RunState::Done => "done",
            RunState::Partial => "partial",
            RunState::Failed => "failed",
        }
    }

    /// Reads a state as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        [RunState::Done, RunState::Partial, RunState::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Requests sent, by what they were for. Tries count, not only successes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Query pages.
    pub query: u64,
    /// Writes and deliveries.
    pub write: u64,
    /// Token requests.
    pub auth: u64,
    /// Describes, versions, limits.
    pub other: u64,
}

impl Requests {
    /// What was sent since `earlier`, a count of the same client.
    #[must_use]
    pub const fn since(&self, earlier: &Requests) -> Requests {
        Requests {
            query: self.query.saturating_sub(earlier.query),
            write: self.write.saturating_sub(earlier.write),
            auth: self.auth.saturating_sub(earlier.auth),
            other: self.other.saturating_sub(earlier.other),
        }
    }
}

/// The durable position of an incremental read: every row up to (`stamp`, `id`) that could be seen at `window_end`
/// was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Hash of the query the position belongs to; another query must not continue from it.
    pub query_hash: String,
    /// `SystemModstamp` (or its stand-in) of the last settled row; `window_end` when the whole window was settled.
    pub stamp: Timestamp,
    /// Salesforce Id of the last settled row; empty when the whole window was settled.
    pub id: String,
    /// The server's clock when the window was opened: rows of open transactions may yet appear with a stamp
    /// shortly before it.
    pub window_end: Timestamp,
}

/// The durable position of a read of Bridged's own records: every outcome or profile up to `change` was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCursor {
    /// Hash of the source the position belongs to; another source must not continue from it.
    pub source_hash: String,
    /// The change number of the last settled record; the store counts its changes upwards from 1.
    pub change: u64,
}

/// What a run tells while it runs. Observers may fail or lag; nothing durable hangs on them.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run has its id and its lock.
    Started {
        /// The pipeline.
        pipeline: PipelineName,
        /// The run.
        run_id: RunId,
        /// The plan it executes.
        fingerprint: Fingerprint,
        /// How many records the window holds, where the source said so.
        expected: Option<u64>,
    },
    /// A page arrived.
    PageRead {
        /// Records in the page.
        records: u64,
    },
    /// A group of records was settled and the cursor moved.
    Committed {
        /// The run's account so far.
        ledger: Ledger,
    },
    /// A call failed and is tried again.
    Retrying {
        /// Why.
        reason: String,
        /// How long the run waits, in milliseconds.
        wait_ms: u64,
        /// The number of the coming try.
        attempt: u32,
    },
    /// Something the operator should know that does not stop the run.
    Warning {
        /// One sentence.
        message: String,
    },
    /// The run is over.
    Finished {
        /// The whole account.
        report: Box<RunReport>,
    },
}

/// What a run did, told at its end and kept in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The run.
    pub run_id: RunId,
    /// The plan it executed.
    pub fingerprint: Fingerprint,
    /// How it ended.
    pub state: RunState,
    /// The account.
    pub ledger: Ledger,
    /// Requests sent.
    pub requests: Requests,
    /// Calls that counted against the org's daily limit.
    pub api_calls: u64,
    /// Where the next run continues.
    pub cursor: Option<Cursor>,
    /// Where the next run continues among Bridged's own records.
    pub change_cursor: Option<ChangeCursor>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Why it ended early: the code and one line.
    pub error: Option<(super::code::Code, String)>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

//! What the HTTP side may ask of the server: the seam between the two.

use jiff::Timestamp;

use crate::connections::connect::Signing;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Result;
use crate::foundation::id::{Fingerprint, PipelineName, RunId};

/// The server, as its HTTP side sees it. No call blocks for longer than a look at the store.
pub trait Control: Send + Sync {
    /// Every pipeline of the running revision.
    fn pipelines(&self) -> Vec<Standing>;

    /// Starts a run of a pipeline now, on somebody's behalf, and returns its id.
    ///
    /// # Errors
    /// `unknown-pipeline`; `pipeline-locked` where it runs already; `server-stopping`.
    fn start(&self, asked: &Asked) -> Result<RunId>;

    /// Asks a run to stop as an interruption would (I10); whether it goes on here.
    fn cancel(&self, run: RunId) -> bool;

    /// Loads the files again. A broken revision changes nothing (I25).
    fn reload(&self) -> Reloaded;

    /// What it takes to sign a connection in, in a browser, on somebody's behalf.
    ///
    /// # Errors
    /// `unknown-connection`; what the connection lacks.
    fn signing(&self, connection: &str, actor: &str) -> Result<Signing>;

    /// What is left of the orgs' daily API calls, as far as runs were told.
    fn calls_left(&self) -> Vec<CallsLeft>;

    /// How the server stands.
    fn health(&self) -> Health;

    /// Tells that records of Bridged's own changed: pipelines that run on them in real time are started.
    fn records_changed(&self);
}

/// A pipeline of the running revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its name.
    pub pipeline: PipelineName,
    /// What runs.
    pub fingerprint: Fingerprint,
    /// The schedule in words.
    pub schedule: String,
    /// When it is due next; `None` for `manual` and `realtime`.
    pub next: Option<Timestamp>,
    /// The run that goes on.
    pub running: Option<RunId>,
    /// When its last run ended well.
    pub last_done: Option<Timestamp>,
    /// Ticks that came while a run went on or nobody was there, and were skipped or made up for by one run.
    pub skipped: u64,
}

/// What is left of one org's daily API calls, as the last answer to any run told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallsLeft {
    /// The connection.
    pub connection: String,
    /// Calls until the budget's share is used up.
    pub left: u64,
    /// Calls of the last 24 hours, made by every program of the org.
    pub used: u64,
    /// Calls that the org allows in 24 hours.
    pub max: u64,
}

/// A run that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The pipeline.
    pub pipeline: PipelineName,
    /// On whose behalf, as the audit log names them.
    pub actor: String,
    /// Read everything again.
    pub full: bool,
    /// End after so many records.
    pub limit: Option<u64>,
}

/// What a reload came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reloaded {
    /// The files are those that run.
    Unchanged(String),
    /// A new revision runs: its hash.
    Replaced(String),
    /// The files have errors, and the revision before goes on.
    Refused(Vec<Diagnostic>),
}

/// How the server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it takes work: false from the first signal to stop.
    pub is_ready: bool,
    /// Why not, or what is wrong besides.
    pub reasons: Vec<String>,
    /// The hash of the files that run.
    pub revision: String,
    /// Since when the process serves.
    pub since: Timestamp,
    /// Whether the last reload was refused.
    pub reload_refused: bool,
}

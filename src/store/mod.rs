//! Durable state: what survives a crash. The contract of a store, in numbered sentences, and how one is opened.
//!
//! The sentences are kept by every implementation; the conformance suite has one function for each (`st1_…`).
//!
//! Locks and runs
//! - **ST1** A pipeline has at most one lock at a time, over all processes; a second try is refused at once with
//!   `pipeline-locked`, which names the holder where it is known. Other pipelines are not affected.
//! - **ST2** A lock ends when it is dropped, and when its process ends in whatever way.
//! - **ST3** Beginning a run closes every unfinished run of that pipeline as failed with `crashed`; what those runs
//!   committed stays, in their ledger too.
//! - **ST4** Commits to, and the end of, a run that is not open are refused with `run-superseded`, and write nothing.
//! - **ST5** A finished run reads back as it was reported; its settled places equal the sum of its commits, or the
//!   report is refused.
//!
//! Commits
//! - **ST6** A commit is one transaction: profiles, dead letters, ledger, requests and cursor are all there
//!   afterwards, or none is, whatever ends the process. What was acknowledged survives a loss of power.
//! - **ST7** A commit whose ledger does not give each record exactly one place is refused and writes nothing.
//! - **ST8** A profile is `delivered` when something of it was written, `unchanged` when nothing differs from what is
//!   stored; an unchanged profile is not touched, its `updated_at` neither. Values differ when their JSON texts do.
//! - **ST9** Attributes and consent are laid over what is stored: a value replaces, null is kept as null (known to be
//!   empty), an absent name stays as it was. Several pipelines may feed one profile.
//! - **ST10** Of two profiles with one key in one commit the later is laid over the earlier; each is counted.
//! - **ST11** A tombstone keeps what the profile held and is marked deleted; it is not found by phone or email and not
//!   counted. A later profile that is not deleted lifts the mark.
//! - **ST12** A profile is found by its attributes `phone` (as it is) and `email` (without regard to case), and by no
//!   value it held before.
//!
//! Cursors, dead letters, describes
//! - **ST13** A pipeline's cursor is what its last commit with a cursor said; resetting removes it.
//! - **ST14** A cursor that is not well-formed is refused with `cursor-corrupt`, when written and when read back, and
//!   is never reset by itself.
//! - **ST15** A dead letter reads back whole; its id is never given to another. Lists are newest first and bounded.
//! - **ST16** Profiles are listed in the byte order of their keys, each once, behind any given key.
//! - **ST17** A describe reads back as it was put last, its object named without regard to case.
//! - **ST18** Instants are kept in whole milliseconds; the rest is cut off.
//! - **ST19** A commit with a profile that [`model::check_profile`] refuses is refused whole, with `profile-unstorable`.
//! - **ST20** Runs are listed with the latest begun first; a run that goes on has no state.
//!
//! Calls block; they are made from a thread of their own. Secrets never reach a store.

pub mod model;
pub mod read_only;
pub mod sqlite;
mod location;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use crate::foundation::error::Result;
use crate::foundation::event::{Cursor, RunReport};
use crate::foundation::id::{PipelineName, RunId};

use self::location::Location;
use self::model::{
    CachedDescribe, Commit, Committed, DeadLetterRow, LetterFilter, NewRun, RunFilter, RunLock,
    RunRow, StoredProfile,
};
use self::sqlite::{Options, SqliteStore};

/// Durable state. The module's documentation holds the contract.
///
/// Every call may fail with the codes of the medium: `store-busy`, `store-full`, `store-io`, `store-corrupt`,
/// `store-failed`.
pub trait Store: Send + Sync + Debug {
    /// Takes the pipeline for one run (ST1, ST2).
    fn lock_pipeline(&self, pipeline: &PipelineName) -> Result<RunLock>;

    /// Opens a run of the locked pipeline and returns the runs it closed as crashed (ST3).
    fn begin_run(&self, lock: &RunLock, run: &NewRun) -> Result<Vec<RunId>>;

    /// Makes one acknowledged group of records durable (ST4, ST6 to ST14).
    fn commit(&self, commit: &Commit<'_>) -> Result<Committed>;

    /// Closes the run with its report (ST4, ST5).
    fn finish_run(&self, report: &RunReport) -> Result<()>;

    /// Where the pipeline's next incremental read continues (ST13, ST14).
    fn cursor(&self, pipeline: &PipelineName) -> Result<Option<Cursor>>;

    /// Forgets the pipeline's cursor, also one that is not well-formed; whether there was one.
    fn reset_cursor(&self, pipeline: &PipelineName) -> Result<bool>;

    /// Runs, the latest begun first.
    fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>>;

    /// One run.
    fn run(&self, id: RunId) -> Result<Option<RunRow>>;

    /// The latest run of the pipeline that ended as `done`.
    fn last_done(&self, pipeline: &PipelineName) -> Result<Option<RunRow>>;

    /// Dead letters, newest first (ST15).
    fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<DeadLetterRow>>;

    /// One dead letter.
    fn dead_letter(&self, id: i64) -> Result<Option<DeadLetterRow>>;

    /// One profile by its key; tombstones too.
    fn profile(&self, key: &str) -> Result<Option<StoredProfile>>;

    /// The profiles with this `phone`, in key order, at most 100 (ST11, ST12).
    fn profiles_by_phone(&self, phone: &str) -> Result<Vec<StoredProfile>>;

    /// The profiles with this `email`, in key order, at most 100 (ST11, ST12).
    fn profiles_by_email(&self, email: &str) -> Result<Vec<StoredProfile>>;

    /// Up to `limit` profiles, tombstones too, whose keys stand behind `after` (ST16).
    fn profiles(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoredProfile>>;

    /// How many profiles there are, tombstones left out.
    fn profile_count(&self) -> Result<u64>;

    /// The cached describe of an object (ST17).
    fn describe(&self, connection: &str, object: &str) -> Result<Option<CachedDescribe>>;

    /// Keeps a describe in place of an earlier one (ST17).
    fn put_describe(&self, connection: &str, object: &str, describe: &CachedDescribe)
    -> Result<()>;
}

/// Opens the store that a project names, creating it where there is none.
///
/// `url` is `sqlite:PATH`, the path absolute or relative to `base_dir`. Fails with `store-url-invalid`,
/// `store-not-supported`, or with what [`SqliteStore::open`] says.
pub fn open(url: &str, base_dir: &Path) -> Result<Arc<dyn Store>> {
    match Location::parse(url, base_dir)? {
        Location::Sqlite(path) => Ok(Arc::new(SqliteStore::open(&path, &Options::default())?)),
    }
}

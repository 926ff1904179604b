//! The store in one SQLite file: each call is one short transaction, durable when it returns.
//!
//! `FILE` holds the data, `FILE-wal` and `FILE-shm` belong to it while it is open, `FILE-locks/` holds the locks of
//! running pipelines and of connections whose tokens are being renewed, `FILE-erased` the erasure list. All are their
//! owner's alone.

mod audit;
mod campaigns;
mod cards;
mod changes;
mod commit;
mod cursor;
mod describes;
mod engagements;
mod erase;
mod erasures;
mod error;
mod files;
mod import;
mod letters;
mod lock;
mod merge;
mod messages;
mod migrate;
mod outcomes;
mod privacy;
mod profiles;
mod query;
mod runs;
mod sealed;
mod sending;
mod serving;
mod shift;
mod statuses;
mod suppressions;
mod targets;
mod tokens;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor, RunReport};
use crate::foundation::failpoint::reach;
use crate::foundation::id::{PipelineName, RunId};
use crate::foundation::record::{Engagement, Outcome, Profile, RecordError, Score};

use super::Store;
use super::model::{
    Acknowledged, Ahead, Applied, AuditEntry, AuditHead, CachedDescribe, Card, Changed, Closed,
    Commit, Committed, ConnectionChange, ConnectionLock, DeadLetterRow, Engaged, EngagementSummary,
    Imported, LetterFilter, NewAudit, NewRun, OutcomeOf, RecordKind, RunFilter, RunLock, RunRow,
    Sealed, StoredProfile, check_connection, check_engagement, check_outcome, check_profile,
};

use self::error::cannot;

/// Where a test can kill the process inside this module, in the order in which a first run passes them.
pub const FAILPOINTS: &[&str] = &[
    "store-created",
    "store-before-migration",
    "store-mid-migration",
    "store-after-migration",
    "store-before-begin",
    "store-after-begin",
    "store-mid-commit",
    "store-before-commit",
    "store-after-commit",
    "store-before-finish",
    "store-after-finish",
];

/// The same for a change of a connection, which no run makes.
pub const CHANGE_FAILPOINTS: &[&str] = &[
    "store-before-change",
    "store-mid-change",
    "store-end-of-change",
    "store-after-change",
];

/// The same for messages and webhooks.
pub const SENDING_FAILPOINTS: &[&str] = &[
    "store-before-reserve",
    "store-after-reserve",
    "store-before-settle",
    "store-after-settle",
    "store-before-keep",
    "store-after-keep",
    "store-before-apply",
    "store-after-apply",
];

/// The same for an erasure.
pub const ERASING_FAILPOINTS: &[&str] =
    &["store-mid-erase", "store-before-erase", "store-after-erase"];

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long a call waits for another process's transaction before it fails with `store-busy`.
    pub busy_timeout: Duration,
    /// The most pages that the file may grow to, 8,192 bytes each in a new one; past it calls fail with `store-full`.
    pub max_pages: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(30),
            max_pages: None,
        }
    }
}

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    lock_dir: PathBuf,
    list: PathBuf,
    known: privacy::Known,
}

impl SqliteStore {
    /// Opens the file, creates it where it is missing, and brings an earlier layout up to date.
    ///
    /// Fails with `store-not-a-database` and `store-newer` (the file stays untouched), `store-unopenable`,
    /// `store-corrupt`, `store-full`, `store-io` or `store-busy`.
    pub fn open(path: &Path, options: &Options) -> Result<Self> {
        files::look(path, migrate::NEWEST)?;
        files::prepare(path)?;
        reach("store-created");
        let lock_dir = files::lock_dir(path);
        let _opening = lock::take_opening(&lock_dir, options.busy_timeout)?;
        let mut connection = connect(path, options)?;
        migrate::migrate(&mut connection, migrate::STEPS)?;
        Ok(Self {
            connection: Mutex::new(connection),
            lock_dir,
            list: files::erasure_list(path),
            known: privacy::Known::default(),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a call rolled its transaction back, so the connection is as good as before.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path, options: &Options) -> Result<Connection> {
    let failed = cannot("be opened");
    // Without SQLITE_OPEN_URI a path is only a path; without SQLITE_OPEN_CREATE no file appears with other rights.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
    connection
        .busy_timeout(options.busy_timeout)
        .map_err(&failed)?;
    check_contents(&connection, path)?;
    configure(&connection, options).map_err(&failed)?;
    Ok(connection)
}

/// What the header alone could not tell: the write-ahead log may hold a later one.
fn check_contents(connection: &Connection, path: &Path) -> Result<()> {
    let failed = cannot("be opened");
    // Closing a refused database must not write its log back into the file.
    let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(keep_log, true).map_err(&failed)?;
    let application = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(&failed)?;
    let version = migrate::version(connection)?;
    files::check_owner(path, application, version, migrate::NEWEST)?;
    let objects: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(&failed)?;
    if version == 0 && objects > 0 {
        return Err(files::not_ours(path));
    }
    connection.set_db_config(keep_log, false).map_err(&failed)?;
    Ok(())
}

/// Durability first: with a write-ahead log and `synchronous = FULL` a commit is on the disk when it returns
/// ("SQLite: PRAGMA synchronous"). The caches are fixed, so memory does not grow with the rows.
///
/// Phones and emails fall anywhere into their indexes, so a commit changes many pages, and the next one many of the same.
/// The log is written back to the file after 8,000 pages, 64 MB, which writes each of them once for several commits. Each
/// page costs two calls to the system, and a profile of 20 attributes fills a good part of SQLite's usual 4,096 bytes.
fn configure(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    // Only a file that is still empty takes it.
    connection.execute_batch("PRAGMA page_size = 8192")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(
            mode,
            "the file system allows no write-ahead log; runs will be slower"
        );
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA cache_size = -12288;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 8000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    if let Some(pages) = options.max_pages {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

impl Store for SqliteStore {
    fn lock_pipeline(&self, pipeline: &PipelineName) -> Result<RunLock> {
        match lock::take(&self.lock_dir, pipeline.as_str())? {
            lock::Attempt::Taken(held) => Ok(RunLock::new(pipeline.clone(), held)),
            lock::Attempt::Refused(holder) => Err(self.locked(pipeline, holder)),
        }
    }

    fn begin_run(&self, lock: &RunLock, run: &NewRun) -> Result<Vec<RunId>> {
        if lock.pipeline() != &run.pipeline {
            return Err(Error::bug(format!(
                "a run of `{}` begins under the lock of `{}`",
                run.pipeline,
                lock.pipeline()
            )));
        }
        runs::begin(&mut self.connection(), run)
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<Committed> {
        commit.check()?;
        let key = self.key_of_people()?;
        commit::commit(&mut self.connection(), commit, key)
    }

    fn finish_run(&self, report: &RunReport) -> Result<()> {
        runs::finish(&mut self.connection(), report)
    }

    fn cursor(&self, pipeline: &PipelineName) -> Result<Option<Cursor>> {
        cursor::read(&self.connection(), pipeline)
    }

    fn reset_cursor(&self, pipeline: &PipelineName) -> Result<bool> {
        cursor::reset(&mut self.connection(), pipeline)
    }

    fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>> {
        runs::list(&self.connection(), filter)
    }

    fn run(&self, id: RunId) -> Result<Option<RunRow>> {
        runs::one(&self.connection(), id)
    }

    fn last_done(&self, pipeline: &PipelineName) -> Result<Option<RunRow>> {
        runs::last_done(&self.connection(), pipeline)
    }

    fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<DeadLetterRow>> {
        letters::list(&self.connection(), filter)
    }

    fn dead_letter(&self, id: i64) -> Result<Option<DeadLetterRow>> {
        letters::one(&self.connection(), id)
    }

    fn profile(&self, key: &str) -> Result<Option<StoredProfile>> {
        profiles::by_key(&self.connection(), key)
    }

    fn profiles_by_phone(&self, phone: &str) -> Result<Vec<StoredProfile>> {
        profiles::by_phone(&self.connection(), phone)
    }

    fn profiles_by_email(&self, email: &str) -> Result<Vec<StoredProfile>> {
        profiles::by_email(&self.connection(), email)
    }

    fn profiles_by_salesforce_id(&self, id: &str) -> Result<Vec<StoredProfile>> {
        profiles::by_salesforce_id(&self.connection(), id)
    }

    fn profiles(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoredProfile>> {
        profiles::list(&self.connection(), after, limit)
    }

    fn profile_count(&self) -> Result<u64> {
        profiles::count(&self.connection())
    }

    fn import_profiles(&self, profiles: &[Profile], at: Timestamp) -> Result<Vec<Imported>> {
        check_all(profiles, check_profile)?;
        let key = self.key_of_people()?;
        import::profiles(&mut self.connection(), profiles, at, key)
    }

    fn import_outcomes(&self, outcomes: &[Outcome], at: Timestamp) -> Result<Vec<Imported>> {
        check_all(outcomes, check_outcome)?;
        let key = self.key_of_people()?;
        import::outcomes(&mut self.connection(), outcomes, at, key)
    }

    fn import_engagements(
        &self,
        engagements: &[Engagement],
        _at: Timestamp,
    ) -> Result<Vec<Imported>> {
        check_all(engagements, check_engagement)?;
        let key = self.key_of_people()?;
        import::engagements(&mut self.connection(), engagements, key)
    }

    fn outcome(&self, id: &str) -> Result<Option<Outcome>> {
        outcomes::one(&self.connection(), id)
    }

    fn outcomes_of(&self, profile: &str, limit: u32) -> Result<Vec<Outcome>> {
        outcomes::of_profile(&self.connection(), profile, limit)
    }

    fn newest_change(&self) -> Result<u64> {
        changes::newest(&self.connection())
    }

    fn changed_outcomes(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<OutcomeOf>>> {
        outcomes::changed(&self.connection(), changes::between(after, until), limit)
    }

    fn engaged_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<Engaged>>> {
        profiles::engaged(&self.connection(), changes::between(after, until), limit)
    }

    fn changed_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<StoredProfile>>> {
        profiles::changed(&self.connection(), changes::between(after, until), limit)
    }

    fn count_changed(&self, kind: RecordKind, after: u64, until: u64) -> Result<u64> {
        let sql = match kind {
            RecordKind::Profiles => profiles::COUNT_CHANGED,
            RecordKind::Outcomes => outcomes::COUNT,
        };
        changes::count(&self.connection(), sql, changes::between(after, until))
    }

    fn change_cursor(&self, pipeline: &PipelineName) -> Result<Option<ChangeCursor>> {
        cursor::read_change(&self.connection(), pipeline)
    }

    fn engagement(&self, profiles: &[&str], now: Timestamp) -> Result<Vec<EngagementSummary>> {
        engagements::summaries(&self.connection(), profiles, now)
    }

    fn engagements_of(&self, profile: &str, limit: u32) -> Result<Vec<Engagement>> {
        engagements::of_profile(&self.connection(), profile, limit)
    }

    fn acknowledged(
        &self,
        pipeline: &PipelineName,
        target: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Acknowledged>>> {
        targets::acknowledged(&self.connection(), pipeline, target, keys)
    }

    fn acknowledge_ahead(&self, ahead: &Ahead<'_>) -> Result<()> {
        targets::acknowledge_ahead(&mut self.connection(), ahead)
    }

    fn scores_of(&self, profile: &str) -> Result<Vec<(PipelineName, Score, Timestamp)>> {
        targets::scores_of(&self.connection(), profile)
    }

    fn has_open_letters(&self, pipeline: &PipelineName) -> Result<bool> {
        letters::has_open(&self.connection(), pipeline)
    }

    fn close_letters(&self, ids: &[i64], how: Closed, at: Timestamp) -> Result<u64> {
        letters::close(&mut self.connection(), ids, how, at)
    }

    fn applied(&self, digest: &str) -> Result<Option<Applied>> {
        targets::applied(&self.connection(), digest)
    }

    fn put_applied(&self, applied: &Applied) -> Result<()> {
        targets::put_applied(&self.connection(), applied)
    }

    fn describe(&self, connection: &str, object: &str) -> Result<Option<CachedDescribe>> {
        describes::read(&self.connection(), connection, object)
    }

    fn put_describe(
        &self,
        connection: &str,
        object: &str,
        describe: &CachedDescribe,
    ) -> Result<()> {
        describes::put(&self.connection(), connection, object, describe)
    }

    fn sealed(&self, connection: &str) -> Result<Vec<Sealed>> {
        sealed::of_connection(&self.connection(), connection)
    }

    fn sealed_after(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<Sealed>> {
        sealed::list(&self.connection(), after, limit)
    }

    fn change_connection(&self, change: &ConnectionChange<'_>) -> Result<()> {
        change.check()?;
        sealed::change(&mut self.connection(), change)
    }

    fn reseal(&self, old: &Sealed, new: &Sealed) -> Result<bool> {
        sealed::reseal(&self.connection(), old, new)
    }

    fn card(&self, connection: &str) -> Result<Option<Card>> {
        cards::one(&self.connection(), connection)
    }

    fn cards(&self) -> Result<Vec<Card>> {
        cards::all(&self.connection())
    }

    fn lock_connection(&self, connection: &str) -> Result<Option<ConnectionLock>> {
        check_connection(connection)?;
        // No pipeline's name begins with an underscore.
        let name = format!("_connection-{connection}");
        Ok(match lock::take(&self.lock_dir, &name)? {
            lock::Attempt::Taken(held) => Some(ConnectionLock::new(connection, held)),
            lock::Attempt::Refused(_) => None,
        })
    }

    fn append_audit(&self, entry: &NewAudit) -> Result<AuditEntry> {
        audit::append(&mut self.connection(), entry)
    }

    fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        audit::list(&self.connection(), after, limit)
    }

    fn audit_head(&self) -> Result<Option<AuditHead>> {
        audit::head(&self.connection())
    }
}

/// Refuses an import before anything of it is written (ST21).
fn check_all<T>(records: &[T], check: fn(&T) -> Result<(), RecordError>) -> Result<()> {
    records
        .iter()
        .try_for_each(check)
        .map_err(|reason| Error::new(reason.code, reason.message))
}

impl SqliteStore {
    /// The error that says who runs the pipeline, as far as the lock file and the open run tell.
    fn locked(&self, pipeline: &PipelineName, holder: Option<lock::Holder>) -> Error {
        let who = holder.map_or_else(String::new, |holder| {
            let run = runs::open_run(&self.connection(), pipeline, holder.pid);
            let run = match run {
                Ok(Some(run)) => format!(" (run `{run}`)"),
                _ => String::new(),
            };
            format!(" by process {} since {:.0}{run}", holder.pid, holder.since)
        });
        let message = format!("pipeline `{pipeline}` is being run{who}");
        Error::new(Code::PipelineLocked, message)
            .help("Wait until that run is over, or stop it; its lock ends with its process")
    }
}

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
//! - **ST12** A profile is found by its attributes `phone` (as it is) and `email` (without regard to case), by the
//!   Salesforce Id of its row, and by no value it held before.
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
//! Bridged's own records
//! - **ST21** An import is one transaction and needs no run: profiles are laid over what is stored as in a commit. An
//!   import with a record that cannot be stored is refused whole, with `profile-unstorable` or `record-unstorable`.
//! - **ST22** An outcome is known by its id and reads back as it was imported last; what is imported again as it is, is
//!   unchanged. Its profile need not be known. A profile's outcomes are listed with the latest that occurred first.
//! - **ST23** An event is known by its id and counted once, whatever comes under that id later. A summary counts the
//!   events of each kind, over all time and not earlier than 7, 30 and 90 times 24 hours before an instant; a profile
//!   without events has a summary of zeros.
//! - **ST24** Every outcome and every profile has a change number from one counter, which only grows. The record gets a
//!   new one whenever something different is written to it, and keeps it otherwise; a new event gives one to its profile.
//! - **ST25** The records changed behind a number and up to another are listed in the order of their change numbers, each
//!   once and as it is now; a record that changes meanwhile moves behind every number given before.
//! - **ST26** A pipeline's change cursor is kept as ST13 and ST14 say of its cursor; resetting removes both.
//! - **ST27** The last acknowledgement of a (pipeline, target, key) is what the last commit with one said; keys have a
//!   case.
//! - **ST28** A pipeline has one score a profile: the last that a commit brought. One that does not differ is not touched,
//!   its time neither.
//! - **ST29** A record has at most one open letter in a pipeline. A record rejected again updates its open letter, which
//!   keeps its id, and adds its attempts up; one settled later closes it, unless the same commit rejects it as well. A
//!   record without a key has a letter for each rejection. Lists leave closed letters out unless they are asked for.
//! - **ST30** A record-level plan reads back as it was written down last.
//! - **ST31** A profile that is there when an event of it is stored is listed as engaged, by the change number that the
//!   event gave it; nothing else gives or takes that number.
//! - **ST32** Acknowledgements are put, and others forgotten, ahead of the commit of their group: in one transaction, by a
//!   run that is open (ST4). Of a key in both lists the acknowledgement is kept.
//!
//! Connections
//! - **ST33** A connection's sealed secrets read back byte for byte, in the byte order of their fields. Those of all
//!   connections are listed in the byte order of connection and field, each once, behind any given one.
//! - **ST34** A change of a connection is one transaction: secrets put and taken away, the card and the audit entry are all
//!   there afterwards, or none is. A secret takes the place of the earlier one of its field; what is not named stays.
//! - **ST35** A sealed secret is re-sealed only while it is still the one that was read; else nothing is written, and the
//!   answer says so.
//! - **ST36** A card reads back as it was put last; all cards are listed in the byte order of their connections.
//! - **ST37** A connection has at most one lock at a time, over all processes; a second try is told at once that there is
//!   one. It ends as ST2 says, and has nothing to do with the lock of a pipeline of that name.
//!
//! The audit log
//! - **ST38** An entry gets the number behind the last one's and the last one's hash, and reads back as it was written;
//!   nothing changes or removes it. Entries are listed in the order of their numbers, behind any given one.
//! - **ST39** The head has the number and the hash of the last entry, from the same transaction; there is none before the
//!   first entry.
//!
//! The send ledger
//! - **ST40** A commit plans its messages: a person has one a campaign, found by any of their identities. A new one counts as
//!   pending; one that is refused, suppressed or expired is planned anew; any other counts as unchanged.
//! - **ST41** A reservation is durable when it returns, and is given once.
//! - **ST42** Results move messages from pending to their places, in one transaction with dead letters and events.
//! - **ST43** A run takes over what waits as read and pending, and what an ended run was sending as read and unknown.
//! - **ST44** Suppressions, the cap, rests and the campaign's state are looked at in the transaction that reserves.
//! - **ST45** A campaign has one content while any of its messages is not settled.
//! - **ST46** Statuses give the same whatever their order and number: ranks never go down, and what was delivered did not fail.
//! - **ST47** A status that comes before the answer to its message is applied at once where it names our id, and else waits.
//! - **ST48** An unknown message is resolved by a status or by a person, and by nothing else.
//! - **ST49** A reply finds its person by the message that it answers, by an identity, or by the phone; an opt-out suppresses.
//! - **ST50** A person's word about marketing suppresses it, and takes back what it put there itself.
//! - **ST51** A rest grows with each time.
//! - **ST52** A template pauses its campaigns, and takes up those that it paused.
//! - **ST64** Of a person's wishes to get messages or none the last holds, whatever order they come in; what else suppresses
//!   them stays.
//!
//! A server
//! - **ST53** A webhook is durable when it is kept, and kept once within eight days; they wait in the order of arrival.
//! - **ST54** Settled ticks never go back.
//! - **ST55** One server has the store at a time.
//! - **ST56** Tokens are known by their names, answers by caller and key.
//! - **ST57** Messages are listed with the latest planned first, and counted by state.
//! - **ST58** Identities are hashed with one key for as long as the store lives.
//!
//! Forgetting
//! - **ST59** An erasure is one transaction: afterwards nothing of the person is found, under no name, number or email, in
//!   the file and its log neither; runs, messages and their counts stay, and tell of nobody.
//! - **ST60** Nothing is taken in under a name on the erasure list: a commit counts it as suppressed, an import says so.
//! - **ST61** Numbers of erased people are suppressed for good; statuses of their messages find the message, and nobody.
//! - **ST62** A store that was restored from an older copy says which erasures it has not carried out.
//! - **ST63** Values are forgotten when their time is over: rows, states and counts stay.
//!
//! Calls block; they are made from a thread of their own. Secrets reach a store sealed, and not otherwise.

pub mod audit;
pub mod encoded;
pub mod exposure;
pub mod messages;
pub mod model;
pub mod privacy;
pub mod read_only;
pub mod serving;
pub mod sqlite;
mod location;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::foundation::event::{ChangeCursor, Cursor, RunReport};
use crate::foundation::id::{PipelineName, RunId};
use crate::foundation::record::{Engagement, Outcome, Profile, Score};

use self::location::Location;
use self::messages::Messages;
use self::model::{
    Acknowledged, Ahead, Applied, AuditEntry, AuditHead, CachedDescribe, Card, Changed, Closed,
    Commit, Committed, ConnectionChange, ConnectionLock, DeadLetterRow, Engaged, EngagementSummary,
    Imported, LetterFilter, NewAudit, NewRun, OutcomeOf, RecordKind, RunFilter, RunLock, RunRow,
    Sealed, StoredProfile,
};
use self::privacy::Privacy;
use self::serving::Serving;
use self::sqlite::{Options, SqliteStore};

/// Durable state. The module's documentation holds the contract.
///
/// Every call may fail with the codes of the medium: `store-busy`, `store-full`, `store-io`, `store-corrupt`,
/// `store-failed`.
pub trait Store: Messages + Serving + Privacy + Send + Sync + Debug {
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

    /// Forgets the pipeline's cursors, also what is not well-formed; whether there was one.
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

    /// The profiles read from the row with this Salesforce Id of 18 characters, in key order, at most 100 (ST11, ST12).
    fn profiles_by_salesforce_id(&self, id: &str) -> Result<Vec<StoredProfile>>;

    /// Up to `limit` profiles, tombstones too, whose keys stand behind `after` (ST16).
    fn profiles(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoredProfile>>;

    /// How many profiles there are, tombstones left out.
    fn profile_count(&self) -> Result<u64>;

    /// Lays profiles over what is stored, without a run; one entry for each (ST21).
    fn import_profiles(&self, profiles: &[Profile], at: Timestamp) -> Result<Vec<Imported>>;

    /// Stores outcomes by their ids; one entry for each (ST21, ST22).
    fn import_outcomes(&self, outcomes: &[Outcome], at: Timestamp) -> Result<Vec<Imported>>;

    /// Stores events by their ids; one entry for each, unchanged when its id is known (ST21, ST23).
    fn import_engagements(
        &self,
        engagements: &[Engagement],
        at: Timestamp,
    ) -> Result<Vec<Imported>>;

    /// One outcome by its id.
    fn outcome(&self, id: &str) -> Result<Option<Outcome>>;

    /// The outcomes of a profile, the latest that occurred first (ST22).
    fn outcomes_of(&self, profile: &str, limit: u32) -> Result<Vec<Outcome>>;

    /// The number of the latest change of any record; 0 before the first (ST24).
    fn newest_change(&self) -> Result<u64>;

    /// Up to `limit` outcomes whose latest change lies behind `after` and not behind `until`, in change order (ST25).
    fn changed_outcomes(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<OutcomeOf>>>;

    /// The same for profiles, tombstones too (ST25).
    fn changed_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<StoredProfile>>>;

    /// The profiles, tombstones left out, whose latest engagement was stored behind `after` and not behind `until`, in the
    /// order of these changes (ST31).
    fn engaged_profiles(&self, after: u64, until: u64, limit: u32)
    -> Result<Vec<Changed<Engaged>>>;

    /// How many records these lists hold altogether (ST25).
    fn count_changed(&self, kind: RecordKind, after: u64, until: u64) -> Result<u64>;

    /// Where the pipeline's next read of Bridged's own records continues (ST26).
    fn change_cursor(&self, pipeline: &PipelineName) -> Result<Option<ChangeCursor>>;

    /// What the events of each profile sum up to, in the order of the keys (ST23).
    fn engagement(&self, profiles: &[&str], now: Timestamp) -> Result<Vec<EngagementSummary>>;

    /// The events of a profile, the latest first (ST23).
    fn engagements_of(&self, profile: &str, limit: u32) -> Result<Vec<Engagement>>;

    /// The last acknowledgement of each record in a target, in the order of the keys (ST27).
    fn acknowledged(
        &self,
        pipeline: &PipelineName,
        target: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Acknowledged>>>;

    /// Writes down what is known of records before their group is committed (ST4, ST32).
    fn acknowledge_ahead(&self, ahead: &Ahead<'_>) -> Result<()>;

    /// The scores of a profile by pipeline name, each with the time when it last changed (ST28).
    fn scores_of(&self, profile: &str) -> Result<Vec<(PipelineName, Score, Timestamp)>>;

    /// Whether the pipeline has a dead letter that is open (ST29).
    fn has_open_letters(&self, pipeline: &PipelineName) -> Result<bool>;

    /// Closes those of the letters that are open, and says how many these were (ST29).
    fn close_letters(&self, ids: &[i64], how: Closed, at: Timestamp) -> Result<u64>;

    /// What became of a record-level plan; `None` when it was never begun (ST30).
    fn applied(&self, digest: &str) -> Result<Option<Applied>>;

    /// Writes down that a record-level plan was begun, or finished (ST30).
    fn put_applied(&self, applied: &Applied) -> Result<()>;

    /// The cached describe of an object (ST17).
    fn describe(&self, connection: &str, object: &str) -> Result<Option<CachedDescribe>>;

    /// Keeps a describe in place of an earlier one (ST17).
    fn put_describe(&self, connection: &str, object: &str, describe: &CachedDescribe)
    -> Result<()>;

    /// The sealed secrets of a connection (ST33).
    fn sealed(&self, connection: &str) -> Result<Vec<Sealed>>;

    /// Up to `limit` sealed secrets of all connections, behind `after`, a connection and a field (ST33).
    fn sealed_after(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<Sealed>>;

    /// Changes what is kept of a connection (ST34).
    fn change_connection(&self, change: &ConnectionChange<'_>) -> Result<()>;

    /// Puts `new` in the place of `old`, and says whether `old` was still there (ST35).
    fn reseal(&self, old: &Sealed, new: &Sealed) -> Result<bool>;

    /// What is connected under a name (ST36).
    fn card(&self, connection: &str) -> Result<Option<Card>>;

    /// All that is connected (ST36).
    fn cards(&self) -> Result<Vec<Card>>;

    /// Takes a connection for renewing its tokens; `None` while somebody else has it (ST37).
    fn lock_connection(&self, connection: &str) -> Result<Option<ConnectionLock>>;

    /// Writes an entry behind the last one (ST38).
    fn append_audit(&self, entry: &NewAudit) -> Result<AuditEntry>;

    /// Up to `limit` entries whose numbers are larger than `after` (ST38).
    fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>>;

    /// The end of the audit log (ST39).
    fn audit_head(&self) -> Result<Option<AuditHead>>;
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

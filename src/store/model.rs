//! What goes into a store and comes out of it, and the checks that every store makes alike.

mod activity;
mod audit;
mod inbound;
mod message;
mod privacy;
mod sealed;
mod serving;
mod written;

use std::any::Any;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{ChangeCursor, Cursor, Ledger, Requests, RunState};
use crate::foundation::id::{Fingerprint, PipelineName, RunId};
use crate::foundation::record::{DeadLetter, Profile, RecordError, Score};

pub use self::activity::{
    Changed, Engaged, EngagementCounts, EngagementSummary, MAX_WORD_BYTES, OutcomeOf, RecordKind,
    check_engagement, check_outcome,
};
pub use self::audit::{
    AuditAction, AuditEntry, AuditHead, MAX_AUDIT_DETAILS_BYTES, MAX_AUDIT_TEXT_BYTES, NewAudit,
    check_audit, hash_text, parse_hash,
};
pub use self::inbound::{
    Applied as AppliedEvents, Inbound, NewWebhook, StatusKind, Understood, WebhookRow,
};
pub use self::message::{
    Campaign, CampaignState, Cap, Hold, Lifting, MessageFilter, MessageRow, MessageState,
    NewMessage, Reserved, Reserving, Resolution, Scope, SendResult, Sending, Suppression,
};
pub use self::privacy::{Erased, Erasure, Forgotten, Listed};
pub use self::sealed::{
    Card, CardChange, ConnectionChange, ConnectionLock, MAX_CARD_TEXT_BYTES, MAX_SCOPES, Sealed,
    check_connection, check_sealed,
};
pub use self::serving::{Answered, ApiToken, Role, SettledTick};
pub use self::written::{
    Acknowledged, Acknowledgement, Ahead, Applied, Closed, Form, Incoming, Place,
};

/// The longest key of a profile, in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// How deep lists and objects may nest in one attribute; a JSON reader that stops at 128 still reads it back.
pub const MAX_DEPTH: usize = 64;
/// The most that one profile's attributes may hold, counted as their names and texts, in bytes.
pub const MAX_PROFILE_BYTES: usize = 4 << 20;

/// The right to run one pipeline, held until it is dropped.
pub struct RunLock {
    pipeline: PipelineName,
    _held: Box<dyn Any + Send + Sync>,
}

impl RunLock {
    /// Wraps what a store holds to keep others out; dropping it must let them in.
    pub fn new(pipeline: PipelineName, held: impl Any + Send + Sync) -> Self {
        Self {
            pipeline,
            _held: Box::new(held),
        }
    }

    /// The pipeline that is held.
    pub fn pipeline(&self) -> &PipelineName {
        &self.pipeline
    }
}

impl fmt::Debug for RunLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunLock({})", self.pipeline)
    }
}

/// A run about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub run_id: RunId,
    /// The pipeline; the same that is locked.
    pub pipeline: PipelineName,
    /// The plan it executes.
    pub fingerprint: Fingerprint,
    /// When it begins.
    pub started_at: Timestamp,
}

/// One acknowledged group of records, to be made durable at once.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The run, which must be open.
    pub run_id: RunId,
    /// Its pipeline.
    pub pipeline: &'a PipelineName,
    /// The time to write down as `updated_at`.
    pub at: Timestamp,
    /// The profiles to store, in the order in which they were read.
    pub profiles: &'a [Incoming],
    /// The scores of profiles, by their keys; each takes the place of the pipeline's earlier one.
    pub scores: &'a [(String, Score)],
    /// What targets acknowledged for this group.
    pub acknowledged: &'a [Acknowledgement],
    /// The records rejected in this group, as many as `ledger.rejected`.
    pub dead_letters: &'a [DeadLetter],
    /// The keys of records settled without rejection: their open letters are closed as delivered.
    pub settled_keys: &'a [String],
    /// The messages to plan, one a record. The store counts each: a new one as pending, one that its person has already in the
    /// campaign as unchanged.
    pub messages: &'a [NewMessage],
    /// What this group adds to the run's account, without the profiles of [`Place::Store`]: the store counts each of them
    /// as delivered, unchanged or, where its person was erased, suppressed. So `read` is the number of these profiles plus all other places.
    pub ledger: Ledger,
    /// Where the next read continues; `None` leaves the cursor where it is.
    pub cursor: Option<&'a Cursor>,
    /// Where the next read of Bridged's own records continues; `None` leaves it where it is.
    pub change_cursor: Option<&'a ChangeCursor>,
    /// All requests of the run so far.
    pub requests_so_far: Requests,
    /// All calls of the run so far that count against the org's limit.
    pub api_calls_so_far: u64,
}

/// What the store did with one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Something of it was written.
    Delivered,
    /// It was stored already, as it is.
    Unchanged,
    /// Its person was erased: nothing was written.
    Erased,
}

/// What an import did with one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The store did not know it.
    Added,
    /// It was known, and something of it was written.
    Changed,
    /// It was stored already, as it is.
    Unchanged,
    /// Its person was erased: nothing was written.
    Erased,
}

impl From<Imported> for Settled {
    fn from(imported: Imported) -> Self {
        match imported {
            Imported::Added | Imported::Changed => Settled::Delivered,
            Imported::Unchanged => Settled::Unchanged,
            Imported::Erased => Settled::Erased,
        }
    }
}

/// The answer to a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// One entry for each profile of the commit, in its order.
    pub profiles: Vec<Settled>,
    /// What the commit added to the run's account, the profiles among it.
    pub delta: Ledger,
    /// The run's account after the commit.
    pub total: Ledger,
}

/// A run as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub run_id: RunId,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The plan it executed.
    pub fingerprint: Fingerprint,
    /// How it ended; `None` while it runs, and after a crash until the next run of the pipeline begins.
    pub state: Option<RunState>,
    /// The account: the sum of its commits, and at the end what its report said.
    pub ledger: Ledger,
    /// Requests sent, up to the last commit or the report.
    pub requests: Requests,
    /// Calls that counted against the org's limit, up to the last commit or the report.
    pub api_calls: u64,
    /// Where the pipeline continues after the run.
    pub cursor: Option<Cursor>,
    /// Where it continues among Bridged's own records.
    pub change_cursor: Option<ChangeCursor>,
    /// When it began.
    pub started_at: Timestamp,
    /// Its last sign of life: the beginning, a commit or the end.
    pub seen_at: Timestamp,
    /// When it ended; after a crash its last sign of life.
    pub finished_at: Option<Timestamp>,
    /// Why it ended early.
    pub error: Option<(Code, String)>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The process that runs or ran it.
    pub pid: u32,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this pipeline only.
    pub pipeline: Option<PipelineName>,
    /// Begun at this instant or later.
    pub since: Option<Timestamp>,
    /// At most so many; 100 where nothing is said.
    pub limit: Option<u32>,
}

/// Which dead letters to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Of this pipeline only.
    pub pipeline: Option<PipelineName>,
    /// Of this run only.
    pub run_id: Option<RunId>,
    /// With this code only.
    pub code: Option<Code>,
    /// Rejected at this instant or later.
    pub since: Option<Timestamp>,
    /// With a smaller id than this: the last id of the page before.
    pub before: Option<i64>,
    /// At most so many; 100 where nothing is said.
    pub limit: Option<u32>,
    /// Closed ones too; only those that are open where it is false.
    pub closed: bool,
}

/// How long a list is where its caller does not say.
pub const DEFAULT_LIMIT: u32 = 100;

/// A dead letter with the id by which a person names it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetterRow {
    /// Counted upwards from 1, never given twice.
    pub id: i64,
    /// The letter.
    pub letter: DeadLetter,
    /// How and when it was closed; `None` while it is open.
    pub closed: Option<(Closed, Timestamp)>,
}

/// A profile with its times.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProfile {
    /// The profile, all pipelines' attributes together.
    pub profile: Profile,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When something of it last changed.
    pub updated_at: Timestamp,
}

/// A describe answer, kept so that the next one can be asked for with `If-Modified-Since`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedDescribe {
    /// The JSON text of the answer.
    pub body: String,
    /// The answer's `Last-Modified` header, as it was spelled.
    pub last_modified: Option<String>,
    /// When it was fetched.
    pub fetched_at: Timestamp,
}

/// Whether a store can hold the profile; the error rejects that record alone, with `profile-unstorable`.
///
/// A commit that contains a profile which does not pass is refused as a whole, so callers ask before they commit.
pub fn check_profile(profile: &Profile) -> Result<(), RecordError> {
    let values = profile.attributes.iter().chain(&profile.consent);
    check_parts(
        &profile.key,
        values.map(|(name, value)| (name.as_str(), value)),
    )
    .map(|_| ())
}

/// The check of a profile with this key and these attributes and consents; the bytes they hold, names and values.
pub(super) fn check_parts<'v>(
    key: &str,
    values: impl Iterator<Item = (&'v str, &'v Value)>,
) -> Result<usize, RecordError> {
    let refuse = |field: Option<&str>, message: String| {
        Err(RecordError {
            code: Code::ProfileUnstorable,
            field: field.map(str::to_owned),
            message,
            remote_code: None,
        })
    };
    if key.is_empty() {
        return refuse(None, "the profile's key is empty".to_owned());
    }
    if key.len() > MAX_KEY_BYTES {
        let message = format!("the profile's key is longer than {MAX_KEY_BYTES} bytes");
        return refuse(None, message);
    }
    if key.chars().any(char::is_control) {
        let message = "the profile's key holds a control character".to_owned();
        return refuse(None, message);
    }
    let mut left = MAX_PROFILE_BYTES;
    for (name, value) in values {
        let Some(size) = weigh(value, MAX_DEPTH) else {
            let message = format!("lists and objects nest deeper than {MAX_DEPTH} levels");
            return refuse(Some(name), message);
        };
        let Some(rest) = left.checked_sub(size.saturating_add(name.len())) else {
            let message = format!("the profile holds more than {MAX_PROFILE_BYTES} bytes");
            return refuse(Some(name), message);
        };
        left = rest;
    }
    Ok(MAX_PROFILE_BYTES - left)
}

/// The bytes of all names and texts inside, and eight for anything else; `None` when it nests deeper than `depth`.
fn weigh(value: &Value, depth: usize) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(items) => {
            let depth = depth.checked_sub(1)?;
            items
                .iter()
                .try_fold(8, |sum: usize, item| Some(sum + weigh(item, depth)?))
        }
        Value::Object(fields) => {
            let depth = depth.checked_sub(1)?;
            fields.iter().try_fold(8, |sum: usize, (name, item)| {
                Some(sum + name.len() + weigh(item, depth)?)
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(8),
    }
}

/// Whether a cursor can be one: a stamp and a window between 1970 and 2200, a Salesforce Id of 15
/// or 18 letters and digits or none, and a hash. What is wrong, in words, where it is not.
///
/// Whether a stamp lies in the future only the server's clock can say; that is its reader's matter.
pub fn check_cursor(cursor: &Cursor) -> Result<(), String> {
    // 2200-01-01T00:00:00Z.
    const END: i64 = 7_258_118_400_000;
    for (what, instant) in [("stamp", cursor.stamp), ("window", cursor.window_end)] {
        let millis = instant.as_millisecond();
        if millis < 0 {
            return Err(format!("its {what} `{instant}` is before 1970"));
        }
        if millis >= END {
            return Err(format!("its {what} `{instant}` is after 2199"));
        }
    }
    let id = cursor.id.as_str();
    if !matches!(id.len(), 0 | 15 | 18) || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("its id is no Salesforce Id".to_owned());
    }
    if !is_hash(&cursor.query_hash) {
        return Err("its query hash is not one".to_owned());
    }
    Ok(())
}

/// Whether a position among Bridged's own records can be one: a hash, and a number that a store can count to. What is
/// wrong, in words, where it is not.
pub fn check_change_cursor(cursor: &ChangeCursor) -> Result<(), String> {
    if i64::try_from(cursor.change).is_err() {
        return Err(format!("its change number {} is too large", cursor.change));
    }
    if !is_hash(&cursor.source_hash) {
        return Err("its source hash is not one".to_owned());
    }
    Ok(())
}

fn is_hash(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The error of a cursor that [`check_cursor`] refused, or that could not be read at all.
pub fn cursor_corrupt(pipeline: &PipelineName, why: &str) -> Error {
    Error::new(
        Code::CursorCorrupt,
        format!("the cursor of pipeline `{pipeline}` cannot be used: {why}"),
    )
    .help("Read everything again with `--full`; unchanged records are not written twice")
}

/// The error of a call for a run that is not open.
pub fn run_superseded(run_id: RunId) -> Error {
    Error::new(
        Code::RunSuperseded,
        format!("run `{run_id}` is not open in the store"),
    )
    .help("See `bridged runs`: another run of the pipeline took over, or this one is finished")
}

/// The error of a profile that [`check_profile`] refuses.
pub(super) fn unstorable(reason: RecordError) -> Error {
    Error::new(reason.code, reason.message)
}

impl Commit<'_> {
    /// The checks that come before anything is written (ST7, ST14).
    pub fn check(&self) -> Result<()> {
        let of_store = self.of_store().count();
        let counted = Ledger {
            delivered: self.ledger.delivered + of_store as u64,
            ..self.ledger
        };
        if !counted.balances() {
            return Err(Error::bug(format!(
                "a commit of {of_store} profiles does not balance: {:?}",
                self.ledger
            )));
        }
        if self.ledger.rejected != self.dead_letters.len() as u64 {
            return Err(Error::bug(format!(
                "a commit counts {} rejected records and keeps {} dead letters",
                self.ledger.rejected,
                self.dead_letters.len()
            )));
        }
        if let Some(cursor) = self.cursor {
            check_cursor(cursor).map_err(|why| cursor_corrupt(self.pipeline, &why))?;
        }
        if let Some(cursor) = self.change_cursor {
            check_change_cursor(cursor).map_err(|why| cursor_corrupt(self.pipeline, &why))?;
        }
        for incoming in self.profiles {
            // What is encoded was checked before.
            if let Form::Whole(profile) = &incoming.profile {
                check_profile(profile).map_err(unstorable)?;
            }
        }
        Ok(())
    }

    /// Where the profiles stand that the store counts.
    fn of_store(&self) -> impl Iterator<Item = usize> {
        let indexed = self.profiles.iter().enumerate();
        indexed.filter_map(|(index, incoming)| (incoming.place == Place::Store).then_some(index))
    }

    /// The commit's whole account, given what became of its profiles.
    pub fn delta(&self, profiles: &[Settled]) -> Ledger {
        let mut delta = self.ledger;
        for settled in self.of_store().filter_map(|index| profiles.get(index)) {
            match settled {
                Settled::Delivered => delta.delivered += 1,
                Settled::Unchanged => delta.unchanged += 1,
                Settled::Erased => delta.suppressed += 1,
            }
        }
        delta
    }
}

/// The part of a report that must agree with what was committed (ST5): `read` and `pending` may say more.
pub fn check_report(reported: &Ledger, committed: &Ledger) -> Result<()> {
    let settled = |ledger: &Ledger| Ledger {
        read: 0,
        pending: 0,
        ..*ledger
    };
    if settled(reported) != settled(committed) || !reported.balances() {
        return Err(Error::bug(format!(
            "the report says {reported:?}, the commits say {committed:?}"
        )));
    }
    Ok(())
}

/// How an email is compared: trimmed, lower case.
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn profile(key: &str, attributes: Value) -> Profile {
        let Value::Object(attributes) = attributes else {
            panic!("an object")
        };
        Profile {
            key: key.to_owned(),
            salesforce_id: None,
            object: None,
            attributes,
            consent: Map::new(),
            deleted: false,
        }
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn a_profile_is_storable_up_to_each_bound_and_not_behind_it() {
        let long = |length: usize| "k".repeat(length);
        let cases = [
            (profile("k", json!({})), true),
            (profile("", json!({})), false),
            (profile(&long(MAX_KEY_BYTES), json!({})), true),
            (profile(&long(MAX_KEY_BYTES + 1), json!({})), false),
            (profile("a\nb", json!({})), false),
            (profile("a\0b", json!({})), false),
            (profile("Ünïcode ✓", json!({})), true),
            (profile("k", json!({ "a": nested(MAX_DEPTH) })), true),
            (profile("k", json!({ "a": nested(MAX_DEPTH + 1) })), false),
            (
                profile("k", json!({ "a": long(MAX_PROFILE_BYTES - 1) })),
                true,
            ),
            (profile("k", json!({ "a": long(MAX_PROFILE_BYTES) })), false),
        ];
        for (index, (profile, storable)) in cases.iter().enumerate() {
            let found = check_profile(profile);
            assert_eq!(found.is_ok(), *storable, "case {index}: {found:?}");
        }
    }

    #[test]
    fn the_refused_attribute_is_named() {
        let error = check_profile(&profile("k", json!({ "a": 1, "b": nested(99) }))).unwrap_err();
        assert_eq!(error.code, Code::ProfileUnstorable);
        assert_eq!(error.field.as_deref(), Some("b"));
    }

    #[test]
    fn s18_a_cursor_is_checked_for_its_form() {
        let cursor = |stamp: &str, id: &str, hash: &str| Cursor {
            query_hash: hash.to_owned(),
            stamp: stamp.parse().unwrap(),
            id: id.to_owned(),
            window_end: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        let mut late = cursor("2026-01-01T00:00:00Z", "", "h");
        late.window_end = "2999-01-01T00:00:00Z".parse().unwrap();
        assert!(check_cursor(&late).is_err());
        for (cursor, well_formed) in [
            (
                cursor("2026-01-01T00:00:00Z", "00Q000000000001AAA", "h"),
                true,
            ),
            (cursor("2026-01-01T00:00:00Z", "00Q000000000001", "h"), true),
            (cursor("2026-01-01T00:00:00Z", "", "h"), true),
            (cursor("1970-01-01T00:00:00Z", "", "h"), true),
            (cursor("1969-12-31T23:59:59.999Z", "", "h"), false),
            (cursor("2199-12-31T23:59:59.999Z", "", "h"), true),
            (cursor("2999-01-01T00:00:00Z", "", "h"), false),
            (cursor("2026-01-01T00:00:00Z", "00Q", "h"), false),
            (
                cursor("2026-01-01T00:00:00Z", "00Q00000000000' OR", "h"),
                false,
            ),
            (cursor("2026-01-01T00:00:00Z", "", ""), false),
            (cursor("2026-01-01T00:00:00Z", "", "a b"), false),
        ] {
            assert_eq!(check_cursor(&cursor).is_ok(), well_formed, "{cursor:?}");
        }
    }
}

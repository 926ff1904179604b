//! A store that can only be read: what a dry run holds.

use std::sync::Arc;

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::foundation::event::{ChangeCursor, Cursor};
use crate::foundation::id::PipelineName;
use crate::foundation::identity::IdentityHash;
use crate::foundation::record::Outcome;

use super::Store;
use super::model::{
    Acknowledged, Applied, AuditEntry, AuditHead, CachedDescribe, Card, Changed, DeadLetterRow,
    Engaged, EngagementSummary, LetterFilter, OutcomeOf, RecordKind, RunRow, Sealed, StoredProfile,
    Suppression,
};

/// The reads of a store, and nothing else: no call of this type changes anything (I11).
#[derive(Debug, Clone)]
pub struct ReadOnly(Arc<dyn Store>);

impl ReadOnly {
    /// Gives up the right to write.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Where the pipeline's next incremental read continues.
    ///
    /// # Errors
    /// What [`Store::cursor`] says.
    pub fn cursor(&self, pipeline: &PipelineName) -> Result<Option<Cursor>> {
        self.0.cursor(pipeline)
    }

    /// One profile by its key; tombstones too.
    ///
    /// # Errors
    /// What [`Store::profile`] says.
    pub fn profile(&self, key: &str) -> Result<Option<StoredProfile>> {
        self.0.profile(key)
    }

    /// Which of these names of records are on the erasure list.
    ///
    /// # Errors
    /// What [`super::privacy::Privacy::are_erased`] says.
    pub fn are_erased(&self, names: &[&str]) -> Result<Vec<bool>> {
        self.0.are_erased(names)
    }

    /// Where the pipeline's next read of Bridged's own records continues.
    ///
    /// # Errors
    /// What [`Store::change_cursor`] says.
    pub fn change_cursor(&self, pipeline: &PipelineName) -> Result<Option<ChangeCursor>> {
        self.0.change_cursor(pipeline)
    }

    /// The number of the latest change of any record.
    ///
    /// # Errors
    /// What [`Store::newest_change`] says.
    pub fn newest_change(&self) -> Result<u64> {
        self.0.newest_change()
    }

    /// Outcomes in the order of their latest changes.
    ///
    /// # Errors
    /// What [`Store::changed_outcomes`] says.
    pub fn changed_outcomes(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<OutcomeOf>>> {
        self.0.changed_outcomes(after, until, limit)
    }

    /// Profiles in the order of their latest changes; tombstones too.
    ///
    /// # Errors
    /// What [`Store::changed_profiles`] says.
    pub fn changed_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<StoredProfile>>> {
        self.0.changed_profiles(after, until, limit)
    }

    /// The profiles whose latest engagement was stored between two change numbers.
    ///
    /// # Errors
    /// What [`Store::engaged_profiles`] says.
    pub fn engaged_profiles(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Changed<Engaged>>> {
        self.0.engaged_profiles(after, until, limit)
    }

    /// How many records changed between two numbers.
    ///
    /// # Errors
    /// What [`Store::count_changed`] says.
    pub fn count_changed(&self, kind: RecordKind, after: u64, until: u64) -> Result<u64> {
        self.0.count_changed(kind, after, until)
    }

    /// What the events of each profile sum up to, in the order of the keys.
    ///
    /// # Errors
    /// What [`Store::engagement`] says.
    pub fn engagement(&self, profiles: &[&str], now: Timestamp) -> Result<Vec<EngagementSummary>> {
        self.0.engagement(profiles, now)
    }

    /// The last acknowledgement of each record in a target, in the order of the keys.
    ///
    /// # Errors
    /// What [`Store::acknowledged`] says.
    pub fn acknowledged(
        &self,
        pipeline: &PipelineName,
        target: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Acknowledged>>> {
        self.0.acknowledged(pipeline, target, keys)
    }

    /// Dead letters, newest first.
    ///
    /// # Errors
    /// What [`Store::dead_letters`] says.
    pub fn dead_letters(&self, filter: &LetterFilter) -> Result<Vec<DeadLetterRow>> {
        self.0.dead_letters(filter)
    }

    /// What became of a record-level plan.
    ///
    /// # Errors
    /// What [`Store::applied`] says.
    pub fn applied(&self, digest: &str) -> Result<Option<Applied>> {
        self.0.applied(digest)
    }

    /// The latest run of the pipeline that ended as `done`.
    ///
    /// # Errors
    /// What [`Store::last_done`] says.
    pub fn last_done(&self, pipeline: &PipelineName) -> Result<Option<RunRow>> {
        self.0.last_done(pipeline)
    }

    /// One outcome by its id.
    ///
    /// # Errors
    /// What [`Store::outcome`] says.
    pub fn outcome(&self, id: &str) -> Result<Option<Outcome>> {
        self.0.outcome(id)
    }

    /// The cached describe of an object.
    ///
    /// # Errors
    /// What [`Store::describe`] says.
    pub fn describe(&self, connection: &str, object: &str) -> Result<Option<CachedDescribe>> {
        self.0.describe(connection, object)
    }

    /// The sealed secrets of a connection.
    ///
    /// # Errors
    /// What [`Store::sealed`] says.
    pub fn sealed(&self, connection: &str) -> Result<Vec<Sealed>> {
        self.0.sealed(connection)
    }

    /// What is connected under a name.
    ///
    /// # Errors
    /// What [`Store::card`] says.
    pub fn card(&self, connection: &str) -> Result<Option<Card>> {
        self.0.card(connection)
    }

    /// All that is connected.
    ///
    /// # Errors
    /// What [`Store::cards`] says.
    pub fn cards(&self) -> Result<Vec<Card>> {
        self.0.cards()
    }

    /// Entries of the audit log, behind a number.
    ///
    /// # Errors
    /// What [`Store::audit`] says.
    pub fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        self.0.audit(after, limit)
    }

    /// The end of the audit log.
    ///
    /// # Errors
    /// What [`Store::audit_head`] says.
    pub fn audit_head(&self) -> Result<Option<AuditHead>> {
        self.0.audit_head()
    }

    /// The suppression of each person, where one is in force.
    ///
    /// # Errors
    /// What [`super::messages::Messages::suppressed`] says.
    pub fn suppressed(
        &self,
        who: &[IdentityHash],
        now: Timestamp,
    ) -> Result<Vec<Option<Suppression>>> {
        self.0.suppressed(who, now)
    }

    /// Whether a campaign has, for a person, a message that is not to be planned anew.
    ///
    /// # Errors
    /// What [`super::messages::Messages::messaged`] says.
    pub fn messaged(&self, campaign: &str, who: &[IdentityHash]) -> Result<bool> {
        self.0.messaged(campaign, who)
    }

    /// The check of the key that hashes were made with.
    ///
    /// # Errors
    /// What [`super::messages::Messages::identity_check`] says.
    pub fn identity_check(&self) -> Result<Option<IdentityHash>> {
        self.0.identity_check()
    }
}

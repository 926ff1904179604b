//! What of a store forgets, and the key by which it recognizes those it has forgotten.

use std::sync::OnceLock;

use jiff::Timestamp;
use rusqlite::TransactionBehavior;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::identity::{IdentityHash, IdentityKey};
use crate::store::model::{
    DeadLetterRow, Erased, Erasure, Forgotten, Listed, MessageRow, NewAudit,
};
use crate::store::privacy::{KeySource, Privacy};

use super::erasures::Gate;
use super::error::cannot;
use super::{SqliteStore, audit, erase, erasures, letters, messages, suppressions};

/// The key of people's hashes, as far as the store was told where it is and needed it.
#[derive(Debug, Default)]
pub(super) struct Known {
    source: OnceLock<KeySource>,
    key: OnceLock<IdentityKey>,
}

impl SqliteStore {
    /// The key, where anybody was erased and it can be had. Asked for outside of any transaction: it comes from this store.
    pub(super) fn key_of_people(&self) -> Result<Option<&IdentityKey>> {
        if let Some(key) = self.known.key.get() {
            return Ok(Some(key));
        }
        if !erasures::any(&self.connection())? {
            return Ok(None);
        }
        let Some(source) = self.known.source.get() else {
            return Ok(None);
        };
        let key = source.find()?;
        let kept = suppressions::check(&self.connection())?;
        if kept.is_some_and(|kept| kept != key.check()) {
            return Err(Error::new(
                Code::IdentityKeyChanged,
                "people were erased under another identity key than the vault has now",
            )
            .help("restore the vault and the store from one backup"));
        }
        Ok(Some(self.known.key.get_or_init(|| key)))
    }
}

impl Privacy for SqliteStore {
    fn recognize_by(&self, source: KeySource) {
        // The first one stays: all sources of one project lead to one key.
        let _ = self.known.source.set(source);
    }

    fn erase(&self, erasure: &Erasure<'_>) -> Result<Erased> {
        let erased = erase::erase(&mut self.connection(), &self.list, erasure)?;
        if !erase::flush(&self.connection())? {
            tracing::warn!(
                "the store's log is in use; what was erased leaves it when it is written back"
            );
        }
        Ok(erased)
    }

    fn lift_erasures(&self, entries: &[Listed], entry: &NewAudit) -> Result<u64> {
        let failed = cannot("change the erasure list");
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&failed)?;
        audit::write(&transaction, entry)?;
        let lifted = erasures::remove(&transaction, entries)?;
        erasures::append(&self.list, entries, true)?;
        transaction.commit().map_err(&failed)?;
        Ok(lifted)
    }

    fn are_erased(&self, names: &[&str]) -> Result<Vec<bool>> {
        let key = self.key_of_people()?;
        let connection = self.connection();
        let mut gate = Gate::open(&connection, key)?;
        names.iter().map(|name| gate.holds(name)).collect()
    }

    fn unapplied_erasures(&self) -> Result<Vec<Listed>> {
        erasures::unapplied(&self.connection(), &self.list)
    }

    fn names(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>> {
        erase::names(&self.connection(), after, limit)
    }

    fn people_of(&self, who: &[IdentityHash]) -> Result<Vec<String>> {
        erase::people_of(&self.connection(), who)
    }

    fn messages_of(&self, profiles: &[String], who: &[IdentityHash]) -> Result<Vec<MessageRow>> {
        let connection = self.connection();
        let people: Vec<Listed> = who.iter().copied().map(Listed::Person).collect();
        let ids = erase::messages_of(&connection, profiles, &people)?;
        let rows = ids.iter().map(|id| messages::by_id(&connection, id));
        rows.filter_map(Result::transpose).collect()
    }

    fn letters_of(&self, names: &[String]) -> Result<Vec<DeadLetterRow>> {
        let connection = self.connection();
        let mut found = Vec::new();
        for name in names {
            found.extend(letters::of_key(&connection, name)?);
        }
        found.sort_by_key(|row| row.id);
        Ok(found)
    }

    fn forget(&self, before: Timestamp, limit: u32) -> Result<Forgotten> {
        erase::forget(&mut self.connection(), before, limit)
    }
}

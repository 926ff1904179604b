//! The part of a store that forgets: people who asked for it, and values whose time is over.

use std::fmt;

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::foundation::identity::{IdentityHash, IdentityKey};

use super::model::{DeadLetterRow, Erased, Erasure, Forgotten, Listed, MessageRow, NewAudit};

/// Where a store gets the key of its people's hashes from, when it needs it for the first time.
pub struct KeySource(Box<dyn Fn() -> Result<IdentityKey> + Send + Sync>);

impl KeySource {
    /// Asks `find` each time, until it gives a key.
    pub fn new(find: impl Fn() -> Result<IdentityKey> + Send + Sync + 'static) -> Self {
        Self(Box::new(find))
    }

    /// The key.
    ///
    /// # Errors
    /// What keeps it from being had, `identity-key-missing` before all.
    pub fn find(&self) -> Result<IdentityKey> {
        (self.0)()
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource")
    }
}

/// Forgetting.
pub trait Privacy {
    /// Tells the store where the key of its people's hashes is. A store whose erasure list holds somebody takes no record in
    /// without it; one that holds nobody never asks.
    fn recognize_by(&self, source: KeySource);

    /// I26: erases, in one transaction, everything that is kept of people, and puts them on the erasure list. What is on
    /// its way to them is sent to its end and kept without them.
    fn erase(&self, erasure: &Erasure<'_>) -> Result<Erased>;

    /// Takes entries off the erasure list, with the suppressions that came with them; how many were on it.
    fn lift_erasures(&self, entries: &[Listed], audit: &NewAudit) -> Result<u64>;

    /// I26: which of these names of records are on the erasure list, in their order. Asks for no key where nobody is.
    fn are_erased(&self, names: &[&str]) -> Result<Vec<bool>>;

    /// What the erasure list beside the store holds and the store itself does not: it was restored from an older copy.
    /// What was taken off the list since is taken off here too.
    fn unapplied_erasures(&self) -> Result<Vec<Listed>>;

    /// Up to `limit` names under which anything is kept of anybody, behind `after`, in byte order, each once.
    fn names(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>>;

    /// The keys of profiles that messages to any of these identities were planned for, in byte order, at most 100.
    fn people_of(&self, who: &[IdentityHash]) -> Result<Vec<String>>;

    /// Every message that was planned for these profiles, or that went to one of these identities, in the order of their ids.
    fn messages_of(&self, profiles: &[String], who: &[IdentityHash]) -> Result<Vec<MessageRow>>;

    /// Every dead letter of records with these names, closed ones too, in the order of their ids.
    fn letters_of(&self, names: &[String]) -> Result<Vec<DeadLetterRow>>;

    /// Forgets values that are older than `before` and that nothing needs any more, up to `limit` rows of each kind; rows,
    /// states and counts stay.
    fn forget(&self, before: Timestamp, limit: u32) -> Result<Forgotten>;
}

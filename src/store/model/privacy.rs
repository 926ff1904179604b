//! What is forgotten: people who asked for it, and values whose time is over.

use jiff::Timestamp;

use crate::foundation::identity::IdentityHash;

use super::audit::NewAudit;

/// One entry of the erasure list. It tells nobody who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Listed {
    /// The name of a record: a profile's key, a Salesforce Id, an outcome's id. Nothing is taken in under it.
    Name(IdentityHash),
    /// A phone number or a user id. It is suppressed for good.
    Person(IdentityHash),
}

/// People to be erased, and everything that they are found by.
#[derive(Debug, Clone, Copy)]
pub struct Erasure<'a> {
    /// The time.
    pub at: Timestamp,
    /// The keys of their profiles.
    pub profiles: &'a [String],
    /// All names of their records: those keys, Salesforce Ids, ids of outcomes.
    pub names: &'a [String],
    /// What tells of them in free text, compared letter by letter: numbers, emails, Ids. Each is long enough to be no one else's.
    pub texts: &'a [String],
    /// What goes on the erasure list.
    pub listed: &'a [Listed],
    /// The entry of the audit log; it names nobody.
    pub audit: Option<&'a NewAudit>,
}

/// How many rows were erased, or freed of what they told of people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Profiles.
    pub profiles: u64,
    /// Outcomes.
    pub outcomes: u64,
    /// Events.
    pub engagements: u64,
    /// Scores.
    pub scores: u64,
    /// Acknowledgements of writes to Salesforce.
    pub acknowledgements: u64,
    /// Dead letters.
    pub letters: u64,
    /// Messages: their rows stay, so that counts do, and tell of nobody.
    pub messages: u64,
}

impl Erased {
    /// Whether nothing was there.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How many values were forgotten because their time was over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Records of dead letters.
    pub letters: u64,
    /// Profiles of rows that were deleted in Salesforce.
    pub profiles: u64,
    /// Webhooks that could not be read.
    pub webhooks: u64,
}

impl Forgotten {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.letters + self.profiles + self.webhooks
    }
}

//! What a commit leaves behind beside its profiles' attributes: acknowledgements, closed letters, applied plans.

use jiff::Timestamp;

use crate::foundation::id::{PipelineName, RunId};
use crate::foundation::record::Profile;
use crate::store::encoded::Encoded;

/// Who decides a profile's place in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The store: delivered when something of the profile was written, unchanged otherwise.
    Store,
    /// The caller: the record has its place in the commit's ledger already.
    Counted,
}

/// A profile as it is, or already in the form in which it is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// As it is.
    Whole(Profile),
    /// Checked and written as JSON texts, by whoever had a thread to spare.
    Encoded(Encoded),
}

impl From<Profile> for Form {
    fn from(profile: Profile) -> Self {
        Form::Whole(profile)
    }
}

/// A profile on its way into the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The profile, to be laid over what is stored.
    pub profile: Form,
    /// Who counts it.
    pub place: Place,
}

/// A profile that the store counts.
impl From<Profile> for Incoming {
    fn from(profile: Profile) -> Self {
        Self {
            profile: profile.into(),
            place: Place::Store,
        }
    }
}

impl From<Encoded> for Incoming {
    fn from(profile: Encoded) -> Self {
        Self {
            profile: Form::Encoded(profile),
            place: Place::Store,
        }
    }
}

/// What a target acknowledged for one record; it takes the place of the earlier one of (pipeline, target, key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The target, by its name in the pipeline.
    pub target: String,
    /// The record's key in that target.
    pub key: String,
    /// SHA-256 of the payload.
    pub digest: [u8; 32],
    /// The Salesforce Id that was written, where the answer named it.
    pub salesforce_id: Option<String>,
    /// The payload as a JSON text, where it is kept.
    pub fields: Option<String>,
}

/// What a run writes down ahead of the commit of a group.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    /// The run, which must be open.
    pub run_id: RunId,
    /// Its pipeline.
    pub pipeline: &'a PipelineName,
    /// The time of these acknowledgements.
    pub at: Timestamp,
    /// The target in which keys are forgotten.
    pub target: &'a str,
    /// They take the place of earlier ones.
    pub acknowledged: &'a [Acknowledgement],
    /// The keys of which nothing is known any more.
    pub forgotten: &'a [String],
}

/// The last acknowledgement of one record in one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// SHA-256 of the payload.
    pub digest: [u8; 32],
    /// The Salesforce Id that was written, where the answer named it.
    pub salesforce_id: Option<String>,
    /// The payload as a JSON text, where it was kept.
    pub fields: Option<String>,
    /// When its commit was made.
    pub at: Timestamp,
}

/// Why a dead letter is open no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closed {
    /// The record was settled later.
    Delivered,
    /// The record is not there any more.
    Gone,
    /// A later letter of the same record took its place; only stores of the first layout hold several of one record.
    Replaced,
}

impl Closed {
    /// `delivered`, `gone` or `replaced`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Closed::Delivered => "delivered",
            Closed::Gone => "gone",
            Closed::Replaced => "replaced",
        }
    }

    /// Reads a reason as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        [Closed::Delivered, Closed::Gone, Closed::Replaced]
            .into_iter()
            .find(|closed| closed.as_str() == text)
    }
}

/// A record-level plan that was begun, so that it is not applied a second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The plan's own hash.
    pub digest: String,
    /// The pipeline it writes for.
    pub pipeline: PipelineName,
    /// The run that applies it.
    pub run_id: RunId,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When all of it was written; `None` while it is not.
    pub finished_at: Option<Timestamp>,
}

//! What flows through a run: records read, profiles made of them, and the records that were refused.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::code::Code;
use super::id::{Fingerprint, RunId};

/// One row as Salesforce returned it, without its `attributes`.
///
/// Parents are nested objects or null; a child subquery is a list of objects.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Field name, in the spelling of the answer, to value.
    pub fields: Map<String, Value>,
}

impl Record {
    /// A field by name, without regard to case, as Salesforce compares names.
    pub fn get(&self, name: &str) -> Option<&Value> {
        lookup(&self.fields, name)
    }

    /// A field of a parent, or of a parent's parent; null where a link of the chain is empty.
    ///
    /// `None` when the first name, or a name inside a parent that is there, was not selected.
    pub fn path(&self, names: &[impl AsRef<str>]) -> Option<&Value> {
        let (first, rest) = names.split_first()?;
        let mut value = self.get(first.as_ref())?;
        for name in rest {
            match value {
                Value::Object(fields) => value = lookup(fields, name.as_ref())?,
                Value::Null => return Some(&Value::Null),
                _ => return None,
            }
        }
        Some(value)
    }
}

fn lookup<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| {
        fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A person as bridged knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Unique in the store; the Salesforce Id unless the pipeline says otherwise.
    pub key: String,
    /// The Salesforce Id, 18 characters, of the row the profile was read from.
    pub salesforce_id: Option<String>,
    /// The Salesforce object of that row.
    pub object: Option<String>,
    /// What the field map made. Null clears an attribute, an absent one stays as it was.
    pub attributes: Map<String, Value>,
    /// Channel name to consent, as the pipeline's `consent` section mapped it.
    pub consent: Map<String, Value>,
    /// Whether the row was deleted in Salesforce: the profile is a tombstone.
    pub deleted: bool,
}

/// A record that could not be delivered, with everything needed to explain and to replay it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The run that rejected it.
    pub run_id: RunId,
    /// The pipeline, by name.
    pub pipeline: String,
    /// The plan it was rejected under.
    pub fingerprint: Fingerprint,
    /// The step that rejected it.
    pub step: String,
    /// The record's key: its Salesforce Id where it has one.
    pub key: String,
    /// Why it was rejected.
    pub reason: RecordError,
    /// How often delivery was tried; 0 when it never got that far.
    pub attempts: u32,
    /// The record as it was read.
    pub payload: Value,
    /// When it was rejected.
    pub at: Timestamp,
}

/// Why one record was rejected. It costs that record alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// The named code.
    pub code: Code,
    /// The attribute or field at fault, where one is known.
    pub field: Option<String>,
    /// The cause in plain words; holds no value of the record.
    pub message: String,
    /// The other system's own code (`FIELD_CUSTOM_VALIDATION_EXCEPTION`), where it refused the record.
    pub remote_code: Option<String>,
}

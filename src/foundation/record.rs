//! What flows through a run: records read, profiles made of them, and the records that were refused.

use std::sync::Arc;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::code::Code;
use super::id::{Fingerprint, RunId};

/// The column names of a query's answer, in its order and spelling; the records of one page share them.
///
/// Whoever looks up many records of one page may keep a position for as long as the `Arc` is the same.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Columns(Box<[Box<str>]>);

impl Columns {
    /// Columns with these names.
    pub fn new(names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The names.
    pub fn names(&self) -> &[Box<str>] {
        &self.0
    }

    /// Where a column stands, found without regard to case, as Salesforce compares names.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name))
    }
}

/// One row as Salesforce returned it, without its `attributes`.
///
/// Parents are nested objects or null; a child subquery is a list of objects. Rows of one page share their column
/// names, because repeating them costs more than the values do.
#[derive(Debug, Clone, Default)]
pub struct Record {
    columns: Arc<Columns>,
    values: Vec<Value>,
}

impl Record {
    /// A row with one value a column; `None` when their numbers differ.
    pub fn new(columns: Arc<Columns>, values: Vec<Value>) -> Option<Self> {
        (columns.names().len() == values.len()).then_some(Self { columns, values })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// The values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, to be changed in place.
    pub fn values_mut(&mut self) -> &mut [Value] {
        &mut self.values
    }

    /// A field by name, without regard to case, as Salesforce compares names.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(self.columns.position(name)?)
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

    /// The fields in the order of the answer.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        let names = self.columns.names().iter().map(AsRef::as_ref);
        names.zip(&self.values)
    }

    /// The row as one JSON object.
    pub fn to_value(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
        )
    }
}

impl From<Map<String, Value>> for Record {
    fn from(fields: Map<String, Value>) -> Self {
        let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        Self {
            columns: Arc::new(Columns::new(names)),
            values,
        }
    }
}

/// Two rows are equal when they have the same fields in the same order, whether or not they share their columns.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns && self.values == other.values
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
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
    /// Channel name to consent, as the pipeline's `consent` section mapped it, and the [`EVIDENCE`] of it.
    pub consent: Map<String, Value>,
    /// Whether the row was deleted in Salesforce: the profile is a tombstone.
    pub deleted: bool,
}

/// What stands in a profile's consent beside the channels: where the person agreed, and when.
pub const EVIDENCE: [&str; 2] = ["source", "at"];

/// Whether a value can be evidence of a consent: a text, or null where none is known.
pub const fn is_evidence(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Null)
}

/// The result of one conversation, as it was imported.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Unique in the store: an outcome that comes again under its id is the same one.
    pub id: String,
    /// The key of the profile it is about, which the store may not know.
    pub profile: String,
    /// What came of it: `qualified`, `converted`, `not_interested` or any other word.
    pub kind: String,
    /// When the conversation ended.
    pub occurred_at: Timestamp,
    /// The summary, and whatever else the file gave.
    pub fields: Map<String, Value>,
}

/// What happened between a person and a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngagementKind {
    /// A message was accepted for delivery.
    Sent,
    /// It reached the person's device.
    Delivered,
    /// It was read.
    Read,
    /// The person answered.
    Replied,
    /// The person asked for no more messages.
    OptedOut,
    /// The person asked for messages again, or somebody took their opt-out back.
    OptedIn,
}

impl EngagementKind {
    /// Every kind, in the order in which they usually happen.
    pub const ALL: [EngagementKind; 6] = [
        EngagementKind::Sent,
        EngagementKind::Delivered,
        EngagementKind::Read,
        EngagementKind::Replied,
        EngagementKind::OptedOut,
        EngagementKind::OptedIn,
    ];

    /// `sent`, `delivered`, `read`, `replied`, `opted_out` or `opted_in`.
    pub const fn as_str(self) -> &'static str {
        match self {
            EngagementKind::Sent => "sent",
            EngagementKind::Delivered => "delivered",
            EngagementKind::Read => "read",
            EngagementKind::Replied => "replied",
            EngagementKind::OptedOut => "opted_out",
            EngagementKind::OptedIn => "opted_in",
        }
    }

    /// Reads a kind as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a person asks for by an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// No more messages.
    OptOut,
    /// Messages again, after an opt-out.
    OptIn,
}

impl Wish {
    /// The event that it becomes.
    pub const fn kind(self) -> EngagementKind {
        match self {
            Wish::OptOut => EngagementKind::OptedOut,
            Wish::OptIn => EngagementKind::OptedIn,
        }
    }
}

/// One event of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engagement {
    /// Unique in the store: an event that comes again under its id happened once.
    pub id: String,
    /// The key of the profile, which the store may not know.
    pub profile: String,
    /// What happened.
    pub kind: EngagementKind,
    /// When it happened.
    pub at: Timestamp,
    /// The campaign of the message, where it belonged to one.
    pub campaign: Option<String>,
}

/// What a pipeline's `score` section made of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The points, inside the section's `clamp`.
    pub score: i64,
    /// The grade of that score, where the section has grades.
    pub grade: Option<String>,
    /// Whether the score reaches `qualified_at`.
    pub qualified: bool,
    /// The rules that fired, with the points of each, in the order of the file.
    pub reasons: Vec<(String, i64)>,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(value: Value) -> Record {
        match value {
            Value::Object(fields) => Record::from(fields),
            _ => panic!("not an object"),
        }
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let row = record(json!({"Id": "00Q", "Owner": {"Name": "Ada", "Manager": null}}));
        assert_eq!(row.get("ID"), Some(&json!("00Q")));
        assert_eq!(row.get("Missing"), None);
        assert_eq!(row.path(&["owner", "NAME"]), Some(&json!("Ada")));
        assert_eq!(row.path(&["Owner", "Manager", "Name"]), Some(&Value::Null));
        assert_eq!(row.path(&["Owner", "Missing"]), None);
        assert_eq!(row.path(&["Id", "Name"]), None);
        assert_eq!(row.path(&[] as &[&str]), None);
    }

    #[test]
    fn a_row_has_one_value_a_column() {
        let columns = Arc::new(Columns::new(["Id", "Name"]));
        assert!(Record::new(Arc::clone(&columns), vec![json!(1)]).is_none());
        let row = Record::new(columns, vec![json!(1), json!(2)]).unwrap();
        assert_eq!(row, record(json!({"Id": 1, "Name": 2})));
        assert_ne!(row, record(json!({"Name": 2, "Id": 1})));
        assert_eq!(serde_json::to_value(&row).unwrap(), row.to_value());
    }
}

//! The calls that change an org, in a type of their own: who holds only a [`Client`] cannot write.

use std::sync::atomic::Ordering;

use http::Method;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::foundation::error::{Error, Result};
use crate::soql::text;

use super::client::{Call, Client};
use super::outcome::{self, Expected, Trace};
use super::record_id;
use super::refusal::Scrub;
use super::retry::Repeat;
use super::wire::{Answer, Purpose};

pub use super::outcome::{RowOutcome, RowRefusal};

/// The most records of one request that changes an org.
pub const MOST_RECORDS: usize = 50;

/// A signed-in writer to one org; it shares session, budget and counts with the client it was made of.
#[derive(Clone)]
pub struct Writer(Client);

/// One request that writes records of one object.
#[derive(Debug, Clone, Copy)]
pub struct WriteBatch<'a> {
    /// API name of the object.
    pub object: &'a str,
    /// How the records are written.
    pub operation: WriteOperation<'a>,
    /// The fields of 1 to 50 records: null clears a field, an absent one stays as it is.
    ///
    /// Each has its `Id` for an update, and its key for an upsert and a create with one. No key is there twice.
    pub records: &'a [Map<String, Value>],
    /// What goes with the request.
    pub options: &'a WriteOptions,
}

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOperation<'a> {
    /// Changes rows by their Id.
    Update,
    /// Changes rows by an external id, or makes them.
    Upsert {
        /// The external id's field.
        key: &'a str,
    },
    /// Makes rows.
    Create {
        /// The field whose value no two rows may share, by which a row that was made before is recognised.
        key: Option<&'a str>,
    },
}

/// What goes with a request that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// `TRUE`, `FALSE` or the id of an assignment rule (REST API Developer Guide, "Assignment Rule Header").
    pub assignment_rule: String,
    /// Whether a record that an alerting duplicate rule finds is saved all the same (REST API Developer Guide,
    /// "Duplicate Rule Header").
    pub allow_save: bool,
    /// Whether duplicates are looked for only among the records the signed-in user may see.
    pub run_as_current_user: bool,
}

impl Default for WriteOptions {
    /// No assignment rule runs, and duplicate rules do as the org set them up.
    fn default() -> Self {
        Self {
            assignment_rule: "FALSE".to_owned(),
            allow_save: false,
            run_as_current_user: false,
        }
    }
}

impl Writer {
    /// A writer over the session of a client.
    pub fn new(client: Client) -> Self {
        Self(client.for_writing())
    }

    /// The client it shares its session with.
    pub fn client(&self) -> &Client {
        &self.0
    }

    /// Writes 1 to 50 records in one request, which counts as one API call; one outcome a record, by position.
    ///
    /// An update, an upsert and a create with a key are sent again after a try whose end is unclear: the rows are the same
    /// however often they are written.
    ///
    /// # Errors
    /// A refusal of the whole request, with nothing written. An error of class [`Class::Row`] (`batch-refused`,
    /// `record-refused`) or [`Class::Split`] (`request-too-large`) is cured by halving the batch until the record at fault
    /// stands alone. `write-unclear` for a create without a key that may have made its rows.
    ///
    /// [`Class::Row`]: super::errors::Class::Row
    /// [`Class::Split`]: super::errors::Class::Split
    pub async fn write(&self, batch: &WriteBatch<'_>) -> Result<Vec<RowOutcome>> {
        batch.check()?;
        let duplicate_rule = batch.options.duplicate_rule();
        let mut call = Call {
            purpose: Purpose::Write,
            method: Method::PATCH,
            records: batch.records,
            body: Some(batch.body()?),
            headers: vec![("Sforce-Auto-Assign", &batch.options.assignment_rule)],
            repeat: Repeat::Same,
            ..Call::get(self.0.data_path("composite/sobjects"))
        };
        call.headers.extend(
            duplicate_rule
                .as_deref()
                .map(|rule| ("Sforce-Duplicate-Rule-Header", rule)),
        );
        let mut trace = Trace::Nothing;
        match batch.operation {
            WriteOperation::Update => {}
            WriteOperation::Upsert { key } => {
                let resource = format!("composite/sobjects/{}/{key}", batch.object);
                call.path = self.0.data_path(&resource);
            }
            WriteOperation::Create { key } => {
                call.method = Method::POST;
                match key {
                    Some(key) => trace = Trace::Key(key),
                    None => call.repeat = Repeat::Twice,
                }
            }
        }
        self.send(&call, batch.records.len(), trace).await
    }

    /// Puts up to 50 rows into the recycle bin in one request, which counts as one API call.
    ///
    /// # Errors
    /// A refusal of the whole request.
    pub async fn delete(&self, ids: &[&str]) -> Result<Vec<RowOutcome>> {
        check_count(ids.len())?;
        if ids.iter().any(|id| record_id::long(id).is_none()) {
            return Err(Error::bug(
                "a row to be deleted is named by something else than its id",
            ));
        }
        let call = Call {
            purpose: Purpose::Write,
            method: Method::DELETE,
            query: Some(format!("ids={}&allOrNone=false", ids.join(","))),
            repeat: Repeat::Same,
            ..Call::get(self.0.data_path("composite/sobjects"))
        };
        let mut outcomes = self.send(&call, ids.len(), Trace::Gone).await?;
        for (outcome, asked) in outcomes.iter_mut().zip(ids) {
            // A row that is gone already is often told without its id.
            if let RowOutcome::Written { id, .. } = outcome
                && id.is_empty()
            {
                *id = record_id::long(asked).unwrap_or_default();
            }
        }
        Ok(outcomes)
    }

    async fn send(
        &self,
        call: &Call<'_>,
        count: usize,
        trace: Trace<'_>,
    ) -> Result<Vec<RowOutcome>> {
        let read = |answer: &Answer, scrub: &Scrub<'_>| {
            let expected = Expected {
                records: call.records,
                count,
                creates: call.method == Method::POST,
                tried: call.maybe_done.load(Ordering::Relaxed),
                trace,
            };
            outcome::read(answer, scrub, &expected)
        };
        self.0.call(call, read).await
    }
}

impl WriteOptions {
    fn duplicate_rule(&self) -> Option<String> {
        (self.allow_save || self.run_as_current_user).then(|| {
            format!(
                "allowSave={}; runAsCurrentUser={}",
                self.allow_save, self.run_as_current_user
            )
        })
    }
}

impl WriteBatch<'_> {
    fn check(&self) -> Result<()> {
        check_count(self.records.len())?;
        let (needed, key) = match self.operation {
            WriteOperation::Update => (Some("Id"), None),
            WriteOperation::Upsert { key } => (Some(key), Some(key)),
            WriteOperation::Create { key } => (key, key),
        };
        if !text::is_name(self.object) || !key.is_none_or(text::is_name) {
            return Err(Error::bug(
                "an object or a key to be written is no API name",
            ));
        }
        let has = |record: &Map<String, Value>, name: &str| {
            record
                .iter()
                .any(|(field, value)| field.eq_ignore_ascii_case(name) && !value.is_null())
        };
        match needed {
            Some(name) if !self.records.iter().all(|record| has(record, name)) => Err(Error::bug(
                format!("a record to be written has no `{name}`"),
            )),
            _ => Ok(()),
        }
    }

    /// The JSON of the request (REST API Developer Guide, "sObject Collections").
    fn body(&self) -> Result<String> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            all_or_none: bool,
            records: Vec<Typed<'a>>,
        }
        let body = Body {
            all_or_none: false,
            records: self
                .records
                .iter()
                .map(|fields| Typed {
                    object: self.object,
                    fields,
                })
                .collect(),
        };
        serde_json::to_string(&body)
            .map_err(|error| Error::bug("records cannot be written as JSON").caused_by(error))
    }
}

/// A record with its type.
struct Typed<'a> {
    object: &'a str,
    fields: &'a Map<String, Value>,
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.fields.iter().filter(|(name, _)| *name != ATTRIBUTES);
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        map.serialize_entry(ATTRIBUTES, &serde_json::json!({ "type": self.object }))?;
        for (name, value) in fields {
            // As the guide spells it in every body.
            let is_id = name.eq_ignore_ascii_case("Id");
            map.serialize_entry(if is_id { "id" } else { name }, value)?;
        }
        map.end()
    }
}

const ATTRIBUTES: &str = "attributes";

fn check_count(count: usize) -> Result<()> {
    if (1..=MOST_RECORDS).contains(&count) {
        return Ok(());
    }
    Err(Error::bug(format!(
        "a request to write {count} records: it takes 1 to {MOST_RECORDS}"
    )))
}

//! What one record gives one target: its key and its fields, held against the description of the object.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::id::Fingerprint;
use crate::foundation::record::RecordError;
use crate::plan::step::target::Target;
use crate::salesforce::describe::ObjectDescribe;
use crate::salesforce::fit;
use crate::salesforce::record_id;
use crate::spec::target::Operation;

use super::facts::Facts;
use super::map::{condition, evaluate_all};
use crate::template::scope::Scope;

/// What is written for one record, or for several that have the same key.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The value of the field that finds the row; `None` where duplicates are accepted.
    pub key: Option<String>,
    /// Fields and values by their paths, in the author's order. Null clears a field.
    pub fields: Map<String, Value>,
}

/// Makes the payload of a record; `None` when the target's condition leaves it out.
///
/// `ids` holds `{ NAME: { id } }` of the targets that were written before.
///
/// # Errors
/// Why the record is rejected: a template that fails, a key that is empty, a value that does not fit its field.
pub fn payload(
    target: &Target,
    object: &ObjectDescribe,
    facts: &Facts,
    ids: &Map<String, Value>,
) -> Result<Option<Payload>, RecordError> {
    // A row in the recycle bin cannot be changed.
    if target.of_row && facts.is_deleted() {
        return Ok(None);
    }
    let scope = facts
        .scope()
        .with_owned("targets", Value::Object(ids.clone()));
    if let Some(when) = &target.when
        && !condition(when, &scope, "when")?
    {
        return Ok(None);
    }
    let key = key(target, &scope)?;
    if let (Some((field, _)), Some(key)) = (&target.key, &key) {
        check(object, field, &Value::from(key.as_str()))?;
    }
    let fields = evaluate_all(&target.fields, &scope)?;
    for (field, value) in &fields {
        check(object, field, value)?;
    }
    Ok(Some(Payload { key, fields }))
}

/// The comparable key of the row that a record is written to, where it gives one.
pub fn key_of(target: &Target, facts: &Facts) -> Option<String> {
    let key = key(target, &facts.scope()).ok()??;
    Some(comparable(target, &key))
}

fn key(target: &Target, scope: &Scope<'_>) -> Result<Option<String>, RecordError> {
    let Some(pair) = &target.key else {
        return Ok(None);
    };
    let values = evaluate_all(std::slice::from_ref(pair), scope)?;
    let value = values.get(&pair.0).unwrap_or(&Value::Null);
    key_text(&pair.0, value).map(Some)
}

/// How keys are compared: Salesforce's ids by their first 15 characters, external ids without regard to case.
pub(super) fn comparable(target: &Target, key: &str) -> String {
    match target.operation {
        Operation::Update => record_id::short(key).to_owned(),
        _ => key.to_lowercase(),
    }
}

fn key_text(field: &str, value: &Value) -> Result<String, RecordError> {
    match value {
        Value::String(key) if !key.trim().is_empty() => Ok(key.clone()),
        Value::Number(key) => Ok(key.to_string()),
        _ => Err(RecordError {
            code: Code::KeyMissing,
            field: Some(field.to_owned()),
            message: format!("`{field}` finds the row to write, and its value is empty"),
            remote_code: None,
        }),
    }
}

/// Whether a value fits its field; a parent's field is checked where it is written by Salesforce alone.
fn check(object: &ObjectDescribe, path: &str, value: &Value) -> Result<(), RecordError> {
    let Some(field) = object.field(path) else {
        return Ok(());
    };
    fit::fit(field, value).map_err(|misfit| RecordError {
        code: misfit.code,
        field: Some(path.to_owned()),
        message: misfit.message,
        remote_code: None,
    })
}

impl Payload {
    /// Lays a later payload of the same key over this one: its fields replace, all others stay.
    pub fn lay_over(&mut self, later: Payload) {
        self.fields.extend(later.fields);
    }

    /// The key as keys are compared.
    pub fn comparable_key(&self, target: &Target) -> Option<String> {
        self.key.as_deref().map(|key| comparable(target, key))
    }

    /// Identifies what is sent: equal payloads are not sent twice.
    pub fn digest(&self, target: &Target) -> [u8; 32] {
        let mut text = format!("{} {}", target.operation.as_str(), target.object);
        for (name, value) in &self.fields {
            let _ = write!(text, "\n{name} {value}");
        }
        Fingerprint::of(&text).bytes()
    }

    /// The record as a request carries it: the key among the fields, parents nested.
    pub fn record(&self, target: &Target, object: &ObjectDescribe) -> Map<String, Value> {
        let mut record = Map::new();
        if let (Some((field, _)), Some(key)) = (&target.key, &self.key) {
            record.insert(field.clone(), Value::from(key.as_str()));
        }
        for (path, value) in &self.fields {
            match path.split_once('.') {
                None => {
                    record.insert(path.clone(), value.clone());
                }
                // A parent that is found by nothing is a link that is cleared.
                Some((parent, _)) if value.is_null() => {
                    let link = object.parent(parent).map_or(parent, |link| &link.name);
                    record.insert(link.to_owned(), Value::Null);
                }
                Some((parent, field)) => {
                    let mut nested = Map::new();
                    nested.insert(field.to_owned(), value.clone());
                    record.insert(parent.to_owned(), Value::Object(nested));
                }
            }
        }
        record
    }

    /// The parent whose row Salesforce locks while this one is written: the value of the first reference among the fields.
    pub fn parent(&self, object: &ObjectDescribe) -> Option<&str> {
        self.fields.iter().find_map(|(path, value)| {
            let is_link = match path.split_once('.') {
                Some((parent, _)) => object.parent(parent).is_some(),
                None => object
                    .field(path)
                    .is_some_and(|field| !field.reference_to.is_empty()),
            };
            value.as_str().filter(|_| is_link)
        })
    }
}

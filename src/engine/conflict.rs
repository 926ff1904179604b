//! Two ways at once: which values of a payload differ from the row, and which of them somebody changed in Salesforce.

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::foundation::code::Code;
use crate::foundation::record::{Record, RecordError};
use crate::salesforce::describe::{FieldDescribe, FieldType, ObjectDescribe};
use crate::spec::pipeline::OnConflict;

use super::read;

/// Whether two values of a field are the same to Salesforce: numbers by the digits the field keeps, instants whatever
/// their spelling, texts without blanks around them, nothing and false alike in a boolean.
pub fn same(field: Option<&FieldDescribe>, one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    match field.map(|field| &field.kind) {
        Some(FieldType::Boolean) => {
            let truth = |value: &Value| value.as_bool().unwrap_or(false);
            truth(one) == truth(other)
        }
        Some(FieldType::Datetime) => match (instant(one), instant(other)) {
            (Some(one), Some(other)) => one.as_second() == other.as_second(),
            _ => false,
        },
        Some(FieldType::Id | FieldType::Reference) => match (one.as_str(), other.as_str()) {
            (Some(one), Some(other)) => one.get(..15) == other.get(..15) && one.len() >= 15,
            _ => false,
        },
        _ => match (one, other) {
            (Value::Number(one), Value::Number(other)) => same_number(field, one, other),
            (Value::String(one), Value::String(other)) => one.trim() == other.trim(),
            (Value::String(text), Value::Null) | (Value::Null, Value::String(text)) => {
                text.trim().is_empty()
            }
            _ => false,
        },
    }
}

fn same_number(field: Option<&FieldDescribe>, one: &Number, other: &Number) -> bool {
    let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) else {
        return false;
    };
    // Salesforce rounds to the digits behind the point that the field keeps.
    let kept = match field {
        Some(field) if field.precision > 0 => 0.5 / 10_f64.powf(f64::from(field.scale)),
        _ => 0.0,
    };
    (one - other).abs() <= kept
}

fn instant(value: &Value) -> Option<Timestamp> {
    read::instant(value.as_str()?)
}

/// What is left of a payload when it is held against a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// The fields that differ and are to be written.
    pub fields: Map<String, Value>,
    /// The fields in which Salesforce's value stays, with that value.
    pub kept: Map<String, Value>,
}

/// Holds a payload against the row as it stands now.
///
/// `before` are the values that were known: what bridged wrote last, or what the row held when it was read. A field
/// that no longer has the value known before was changed in Salesforce, and the policy decides.
///
/// # Errors
/// The conflict, where the policy is to reject it.
pub fn hold(
    object: &ObjectDescribe,
    policy: OnConflict,
    fields: &Map<String, Value>,
    row: &Record,
    before: &dyn Fn(&str) -> Option<Value>,
) -> Result<Held, RecordError> {
    let mut held = Held::default();
    for (name, ours) in fields {
        let field = object.field(name);
        let theirs = value_at(row, name);
        let Some(theirs) = theirs else {
            held.fields.insert(name.clone(), ours.clone());
            continue;
        };
        if same(field, theirs, ours) {
            continue;
        }
        let changed = before(name).is_some_and(|known| !same(field, &known, theirs));
        match policy {
            OnConflict::Reject if changed => {
                return Err(RecordError {
                    code: Code::WriteConflict,
                    field: Some(name.clone()),
                    message: format!("`{name}` was changed in Salesforce in the meantime"),
                    remote_code: None,
                });
            }
            OnConflict::Salesforce if changed => {
                held.kept.insert(name.clone(), theirs.clone());
            }
            _ => {
                held.fields.insert(name.clone(), ours.clone());
            }
        }
    }
    Ok(held)
}

/// A field of a row by its path.
pub fn value_at<'r>(row: &'r Record, path: &str) -> Option<&'r Value> {
    match path.split_once('.') {
        None => row.get(path),
        Some(_) => row.path(&path.split('.').collect::<Vec<_>>()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_as_salesforce_means_them() {
        for (kind, one, other, alike) in [
            (FieldType::Double, json!(40), json!(40.0), true),
            (FieldType::Double, json!(40), json!(41), false),
            (FieldType::Double, json!(40.127), json!(40.13), true),
            (FieldType::Double, json!(40.12), json!(40.13), false),
            (FieldType::Double, json!(null), json!(0), false),
            (FieldType::Boolean, json!(null), json!(false), true),
            (FieldType::Boolean, json!(true), json!(false), false),
            (FieldType::String, json!(" a "), json!("a"), true),
            (FieldType::String, json!("a"), json!("A"), false),
            (FieldType::String, json!(""), json!(null), true),
            (
                FieldType::Datetime,
                json!("2027-01-01T00:00:00.000+0000"),
                json!("2027-01-01T01:00:00+01:00"),
                true,
            ),
            (
                FieldType::Datetime,
                json!("2027-01-01T00:00:00Z"),
                json!("2027-01-01T00:00:01Z"),
                false,
            ),
            (
                FieldType::Reference,
                json!("00Q000000000001EAA"),
                json!("00Q000000000001"),
                true,
            ),
            (
                FieldType::Reference,
                json!("00Q000000000001EAA"),
                json!("00q000000000001"),
                false,
            ),
        ] {
            let field = FieldDescribe {
                kind,
                precision: 18,
                scale: 2,
                ..FieldDescribe::default()
            };
            assert_eq!(same(Some(&field), &one, &other), alike, "{one} {other}");
        }
    }
}

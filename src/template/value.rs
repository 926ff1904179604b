//! What operators mean over JSON values: truth, equality, order, containment, and how a value becomes text.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::error::EvaluateError;
use super::scope::kind;

/// Whether a value counts as true: null, `false`, zero, and everything empty do not.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Whether two values are equal; numbers by what they count, so that 1 equals 1.0.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right).is_eq(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| equal(a, b))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, a)| right.get(name).is_some_and(|b| equal(a, b)))
        }
        _ => left == right,
    }
}

/// The order of two numbers or two texts; `None` where one of them is null, which stands in no order.
pub(super) fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, EvaluateError> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(None),
        (Value::Number(left), Value::Number(right)) => Ok(Some(compare_numbers(left, right))),
        (Value::String(left), Value::String(right)) => Ok(Some(left.cmp(right))),
        _ => Err(EvaluateError::mismatch(format!(
            "{} and {} cannot be put in order",
            kind(left),
            kind(right)
        ))),
    }
}

/// Compares exactly, also where an integer has more digits than a float can hold.
pub(super) fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        return left.cmp(&right);
    }
    let left = left.as_f64().unwrap_or_default();
    let right = right.as_f64().unwrap_or_default();
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}

/// The number as an integer, also where it is written as a float without a fraction.
pub(super) fn integer(number: &Number) -> Option<i128> {
    // Below 2^96 every float without a fraction is an integer that i128 holds exactly.
    const EXACT: f64 = 79_228_162_514_264_337_593_543_950_336.0;
    if let Some(value) = number.as_i64() {
        return Some(i128::from(value));
    }
    if let Some(value) = number.as_u64() {
        return Some(i128::from(value));
    }
    let value = number.as_f64()?;
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i128)
}

/// Whether a list has an item, a text has a part, or a map has a key; nothing is in null.
pub(super) fn contains(container: &Value, item: &Value) -> Result<bool, EvaluateError> {
    match (container, item) {
        (Value::Array(items), item) => Ok(items.iter().any(|known| equal(known, item))),
        (Value::Null, _) | (Value::String(_) | Value::Object(_), Value::Null) => Ok(false),
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (Value::Object(fields), Value::String(key)) => Ok(fields.contains_key(key)),
        (container, item) => Err(EvaluateError::mismatch(format!(
            "{} cannot be searched for in {}",
            kind(item),
            kind(container)
        ))),
    }
}

/// A value as it stands in text: null is nothing, a list or a map is an error.
pub(super) fn text(value: &Value) -> Result<Cow<'_, str>, EvaluateError> {
    match value {
        Value::Null => Ok(Cow::Borrowed("")),
        Value::Bool(true) => Ok(Cow::Borrowed("true")),
        Value::Bool(false) => Ok(Cow::Borrowed("false")),
        Value::Number(number) => Ok(Cow::Owned(number.to_string())),
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Array(_) => Err(EvaluateError::mismatch(
            "a list cannot stand in text: join it with `| join(', ')`, or pick one item with `| first`",
        )),
        Value::Object(_) => Err(EvaluateError::mismatch(
            "a map cannot stand in text: pick one of its fields, or write it with `| tojson`",
        )),
    }
}

/// A string result as it leaves a template: a blank one is null, as Salesforce stores no empty text.
pub(super) fn settle(value: Cow<'_, Value>) -> Cow<'_, Value> {
    match &*value {
        Value::String(text) if is_blank(text) => Cow::Owned(Value::Null),
        _ => value,
    }
}

fn is_blank(text: &str) -> bool {
    // Most texts begin with a letter, and one look at it is enough.
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => false,
        _ => text.chars().all(char::is_whitespace),
    }
}

/// A rendered text as it leaves a template: trimmed, and null when nothing is left.
pub(super) fn settle_text(mut text: String) -> Value {
    text.truncate(text.trim_end().len());
    let leading = text.len() - text.trim_start().len();
    if leading > 0 {
        text.drain(..leading);
    }
    if text.is_empty() {
        Value::Null
    } else {
        Value::String(text)
    }
}

/// How many characters of text and items a value holds, as a measure of the work it makes.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + text.len(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            1 + fields
                .iter()
                .map(|(name, value)| name.len() + size(value))
                .sum::<usize>()
        }
    }
}

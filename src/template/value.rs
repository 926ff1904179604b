//! What operators mean over JSON values: truth, equality, order, containment, and how a value becomes text.

use std::borrow::Cow;

use serde_json::Value;

use super::error::EvaluateError;

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
pub(super) fn settle(value: Cow<'_, Value>) -> Value {
    match value {
        Cow::Borrowed(Value::String(text)) if text.trim().is_empty() => Value::Null,
        Cow::Owned(Value::String(text)) if text.trim().is_empty() => Value::Null,
        value => value.into_owned(),
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

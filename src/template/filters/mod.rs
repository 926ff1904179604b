//! The filters, by what they work on. Each takes null for null, unless its sentence says otherwise.

pub(super) mod contact;
pub(super) mod date;
pub(super) mod list;
pub(super) mod number;
pub(super) mod order;
pub(super) mod text;

use std::borrow::Cow;

use serde_json::Value;

use super::error::EvaluateError;
use super::scope::kind;

type Made = Result<Value, EvaluateError>;

/// The text of a value that must be one; numbers and booleans count as what they print. `None` for null.
fn text_of<'a>(input: &'a Value, filter: &str) -> Result<Option<Cow<'a, str>>, EvaluateError> {
    match input {
        Value::Null => Ok(None),
        Value::Array(_) | Value::Object(_) => Err(EvaluateError::mismatch(format!(
            "`{filter}` works on text, and it is given {}",
            kind(input)
        ))),
        scalar => super::value::text(scalar).map(Some),
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

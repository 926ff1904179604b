//! Values between JSON and the template engine.

use minijinja::Value as Engine;
use minijinja::value::ValueKind;
use serde_json::{Map, Number, Value};

use super::budget::{Budget, WORK};
use super::error::EvaluateError;

/// How deep lists and maps may nest in a value that a template makes.
const MAX_DEPTH: usize = 64;

/// A value of the engine as JSON, within the work of one evaluation.
pub(super) fn json(value: &Engine) -> Result<Value, EvaluateError> {
    json_within(value, &Budget::new(WORK))
}

/// A value of the engine as JSON. Each item is charged before it is made, because the engine's lists are lazy: one
/// that is joined with itself many times costs nothing until it is read.
pub(super) fn json_within(value: &Engine, budget: &Budget) -> Result<Value, EvaluateError> {
    nested(value, budget, 0)
}

fn nested(value: &Engine, budget: &Budget, depth: usize) -> Result<Value, EvaluateError> {
    budget.charge(1)?;
    if depth > MAX_DEPTH {
        return Err(EvaluateError::too_costly(format!(
            "the value nests deeper than {MAX_DEPTH} lists and maps"
        )));
    }
    match value.kind() {
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number => number(value),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            budget.charge_bytes(text.len())?;
            Ok(Value::String(text.to_owned()))
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|_| unusable(value))?;
            items.map(|item| nested(&item, budget, depth + 1)).collect()
        }
        ValueKind::Map => {
            let keys = value.try_iter().map_err(|_| unusable(value))?;
            let mut fields = Map::new();
            for key in keys {
                let name = key.as_str().ok_or_else(|| unusable(&key))?;
                let field = value.get_item(&key).map_err(|_| unusable(value))?;
                fields.insert(name.to_owned(), nested(&field, budget, depth + 1)?);
            }
            Ok(Value::Object(fields))
        }
        _ => Err(unusable(value)),
    }
}

fn number(value: &Engine) -> Result<Value, EvaluateError> {
    if value.is_integer() {
        return i64::try_from(value.clone())
            .map(Value::from)
            .or_else(|_| u64::try_from(value.clone()).map(Value::from))
            .map_err(|_| EvaluateError::mismatch("the whole number has more than 19 digits"));
    }
    f64::try_from(value.clone())
        .ok()
        .and_then(Number::from_f64)
        .map(Value::Number)
        .ok_or_else(|| EvaluateError::mismatch("the result of the calculation is not a number"))
}

fn unusable(value: &Engine) -> EvaluateError {
    EvaluateError::mismatch(format!("a value of type {} cannot be used", value.kind()))
}

/// A JSON value for the engine.
pub(super) fn engine(value: &Value) -> Engine {
    match value {
        Value::Null => Engine::from(()),
        Value::Bool(truth) => Engine::from(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Engine::from(whole),
            (None, Some(whole)) => Engine::from(whole),
            _ => Engine::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Engine::from(text.as_str()),
        Value::Array(items) => items.iter().map(engine).collect(),
        Value::Object(fields) => Engine::from_pairs(
            fields
                .iter()
                .map(|(name, value)| (name.as_str(), engine(value))),
        ),
    }
}

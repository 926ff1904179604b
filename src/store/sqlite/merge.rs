//! Laying a profile's maps over the stored ones, on their JSON texts.
//!
//! Stored values are carried over letter by letter and never read as numbers, so that no value drifts by being stored
//! again, and two values are equal when their texts are.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::foundation::error::{Error, Result};

use super::error::corrupt;

/// The text under which a map is stored.
pub(super) fn encode(map: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(map).map_err(unwritable)
}

/// The stored map with `incoming` laid over it; `None` when nothing of it differs.
pub(super) fn lay_over(stored: &str, incoming: &str) -> Result<Option<String>> {
    // Equal texts are the common case, and cost one comparison.
    if stored == incoming || incoming == "{}" {
        return Ok(None);
    }
    let mut map: IndexMap<String, &RawValue> = serde_json::from_str(stored)
        .map_err(|cause| corrupt("a stored profile is no JSON object").caused_by(cause))?;
    let incoming: IndexMap<String, &RawValue> =
        serde_json::from_str(incoming).map_err(unwritable)?;
    let mut changed = false;
    for (name, value) in incoming {
        let before = map.insert(name, value);
        changed |= before.map(RawValue::get) != Some(value.get());
    }
    if !changed {
        return Ok(None);
    }
    serde_json::to_string(&map).map(Some).map_err(unwritable)
}

/// Whether two maps hold the same values under the same names, in whatever order.
pub(super) fn same(stored: &str, incoming: &str) -> Result<bool> {
    if stored == incoming {
        return Ok(true);
    }
    let stored: IndexMap<String, &RawValue> = serde_json::from_str(stored)
        .map_err(|cause| corrupt("a stored outcome is no JSON object").caused_by(cause))?;
    let incoming: IndexMap<String, &RawValue> =
        serde_json::from_str(incoming).map_err(unwritable)?;
    let text = |value: Option<&&RawValue>| value.map(|value| value.get().to_owned());
    Ok(stored.len() == incoming.len()
        && incoming
            .iter()
            .all(|(name, value)| text(stored.get(name)) == text(Some(value))))
}

fn unwritable(cause: serde_json::Error) -> Error {
    Error::bug("a profile cannot be written as JSON").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::lay_over;

    fn over(stored: &str, incoming: &Value) -> Option<String> {
        lay_over(stored, &incoming.to_string()).unwrap()
    }

    #[test]
    fn only_what_differs_changes_the_text() {
        for (stored, incoming, expected) in [
            (r#"{"a":1}"#, json!({}), None),
            (r#"{"a":1}"#, json!({ "a": 1 }), None),
            (r#"{"a":1,"b":2}"#, json!({ "b": 2, "a": 1 }), None),
            (r#"{"a":1}"#, json!({ "a": 2 }), Some(r#"{"a":2}"#)),
            (r#"{"a":1}"#, json!({ "a": 1.0 }), Some(r#"{"a":1.0}"#)),
            (r#"{"a":1}"#, json!({ "a": null }), Some(r#"{"a":null}"#)),
            (r#"{"a":null}"#, json!({ "a": null }), None),
            (
                r#"{"a":1}"#,
                json!({ "b": null }),
                Some(r#"{"a":1,"b":null}"#),
            ),
            (
                r#"{"a":"x"}"#,
                json!({ "A": "x" }),
                Some(r#"{"a":"x","A":"x"}"#),
            ),
        ] {
            assert_eq!(over(stored, &incoming).as_deref(), expected, "{incoming}");
        }
    }

    #[test]
    fn a_number_that_no_float_holds_is_carried_over_as_it_was() {
        let stored = r#"{"big":123456789012345678.123456789,"a":1}"#;
        let merged = over(stored, &json!({ "a": 2 })).unwrap();
        assert_eq!(merged, r#"{"big":123456789012345678.123456789,"a":2}"#);
    }

    #[test]
    fn x31_a_stored_text_that_is_no_object_is_an_error() {
        for stored in ["", "[]", "{", r#"{"a":1}x"#, r#"{"a":NaN}"#] {
            assert!(lay_over(stored, r#"{"b":1}"#).is_err(), "{stored}");
        }
    }

    #[test]
    fn x31_depth_costs_no_stack() {
        let deep = format!("[{}1{}]", "[".repeat(100_000), "]".repeat(100_000));
        let stored = format!("{{\"a\":{deep}}}");
        let expected = format!("{{\"a\":{deep},\"b\":1}}");
        assert_eq!(over(&stored, &json!({ "b": 1 })), Some(expected));
    }
}

//! Laying a profile's maps over the stored ones, on their JSON texts.
//!
//! Stored values are carried over letter by letter and never read as numbers, so that no value drifts by being stored
//! again, and two values are equal when their texts are.

use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::foundation::error::{Error, Result};

use super::error::corrupt;

/// The text under which a map is stored.
pub(super) fn encode(map: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(map)
        .map_err(|cause| Error::bug("a profile cannot be written as JSON").caused_by(cause))
}

/// The stored map with `incoming` laid over it; `None` when nothing of it differs.
pub(super) fn lay_over(stored: &str, incoming: &Map<String, Value>) -> Result<Option<String>> {
    let mut map: IndexMap<String, Box<RawValue>> = serde_json::from_str(stored)
        .map_err(|cause| corrupt("a stored profile is no JSON object").caused_by(cause))?;
    let mut changed = false;
    for (name, value) in incoming {
        let value = to_raw_value(value).map_err(|cause| {
            Error::bug("an attribute cannot be written as JSON").caused_by(cause)
        })?;
        let same = map.get(name).is_some_and(|kept| kept.get() == value.get());
        if !same {
            map.insert(name.clone(), value);
            changed = true;
        }
    }
    if !changed {
        return Ok(None);
    }
    serde_json::to_string(&map)
        .map(Some)
        .map_err(|cause| Error::bug("a profile cannot be written as JSON").caused_by(cause))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn over(stored: &str, incoming: Value) -> Option<String> {
        let Value::Object(incoming) = incoming else {
            panic!("an object")
        };
        lay_over(stored, &incoming).unwrap()
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
            assert_eq!(
                over(stored, incoming.clone()).as_deref(),
                expected,
                "{incoming}"
            );
        }
    }

    #[test]
    fn a_number_that_no_float_holds_is_carried_over_as_it_was() {
        let stored = r#"{"big":123456789012345678.123456789,"a":1}"#;
        let merged = over(stored, json!({ "a": 2 })).unwrap();
        assert_eq!(merged, r#"{"big":123456789012345678.123456789,"a":2}"#);
    }

    #[test]
    fn x31_a_stored_text_that_is_no_object_is_an_error() {
        for stored in ["", "[]", "{", r#"{"a":1}x"#, r#"{"a":NaN}"#] {
            assert!(lay_over(stored, &Map::new()).is_err(), "{stored}");
        }
    }

    #[test]
    fn x31_depth_costs_no_stack() {
        let deep = format!("[{}1{}]", "[".repeat(100_000), "]".repeat(100_000));
        let stored = format!("{{\"a\":{deep}}}");
        let expected = format!("{{\"a\":{deep},\"b\":1}}");
        assert_eq!(over(&stored, json!({ "b": 1 })), Some(expected));
    }
}

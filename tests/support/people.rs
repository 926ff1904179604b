//! Bridged's own records as tests import them: people and the outcomes of their conversations.

use bridged::foundation::record::{Outcome, Profile};
use serde_json::{Map, Value};

/// A person with these attributes, who was read from nowhere.
#[track_caller]
pub(crate) fn person(key: impl Into<String>, attributes: Value) -> Profile {
    Profile {
        key: key.into(),
        salesforce_id: None,
        object: None,
        attributes: object(attributes),
        consent: Map::new(),
        deleted: false,
    }
}

/// A qualified conversation with this summary.
pub(crate) fn qualified(
    id: impl Into<String>,
    profile: impl Into<String>,
    summary: &str,
) -> Outcome {
    Outcome {
        id: id.into(),
        profile: profile.into(),
        kind: "qualified".to_owned(),
        occurred_at: "2027-03-01T11:00:00Z".parse().expect("an instant"),
        fields: object(serde_json::json!({ "summary": summary })),
    }
}

#[track_caller]
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("no object: {other}"),
    }
}

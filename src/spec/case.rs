//! The tests of a pipeline: a record that is given, and what is expected of it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Map, Value};

use super::name::{AttributeName, FieldPath};
use super::shape::{MAX_WHOLE, given, whole_given};

/// One example with its expectation.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    /// What the example shows, as a claim.
    #[schemars(example = &"two completed calls score twenty")]
    pub name: String,
    /// The record as the templates see it: the fields of a Salesforce row, with parents and child rows inside; or
    /// `profile` and `outcome` for Bridged's records.
    #[schemars(example = given_example())]
    pub given: Map<String, Value>,
    /// The engagement of the person, where the pipeline looks at it: counts by name.
    #[serde(default)]
    #[schemars(example = engagement_example())]
    pub engagement: Map<String, Value>,
    /// What must come out; what is not named is not looked at.
    pub expect: Expect,
}

/// What must come out of one record.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Attributes of the profile, with their values.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = profile_example())]
    pub profile: Option<Map<String, Value>>,
    /// Whether `filter` drops the record.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = true)]
    pub filtered: Option<bool>,
    /// The record is rejected, with this code or this field.
    #[serde(default, deserialize_with = "given")]
    pub rejected: Option<ExpectRejected>,
    /// The score that the rules add up to.
    #[serde(default, deserialize_with = "whole_given")]
    #[schemars(range(min = -MAX_WHOLE, max = MAX_WHOLE), example = 20)]
    pub score: Option<i64>,
    /// The grade that the score gets.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"Warm")]
    pub grade: Option<String>,
    /// Whether the record is qualified.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = false)]
    pub qualified: Option<bool>,
    /// Fields of the targets, with their values; null for a target that must not be written.
    #[serde(default)]
    #[schemars(example = targets_example())]
    pub targets: IndexMap<AttributeName, ExpectTarget>,
    /// The message that is sent; null where nobody must be written to.
    #[serde(default, deserialize_with = "given")]
    pub broadcast: Option<ExpectBroadcast>,
}

/// Why a record must be rejected; what is not named is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectRejected {
    /// The code of the reason.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"template-failed")]
    pub code: Option<String>,
    /// The attribute or field that is at fault.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"phone")]
    pub field: Option<String>,
}

/// What must be written to one target: `None` for nothing at all.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectTarget(pub Option<IndexMap<FieldPath, Value>>);

impl<'de> Deserialize<'de> for ExpectTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for ExpectTarget {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExpectTarget".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Fields with their values; null for a target that must not be written.",
            "type": ["null", "object"],
            "patternProperties": { FieldPath::PATTERN: true },
            "additionalProperties": false,
            "examples": [{ "Rating": "Cold" }],
        })
    }
}

/// The message that must be sent: `None` for none.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectBroadcast(pub Option<ExpectMessage>);

impl<'de> Deserialize<'de> for ExpectBroadcast {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for ExpectBroadcast {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExpectBroadcast".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The message that is sent; null where nobody must be written to.",
            "type": ["null", "object"],
            "properties": {
                "to": {
                    "description": "The phone number.",
                    "type": "string",
                    "examples": ["+14155550100"],
                },
                "parameters": {
                    "description": "What stands in the places of the body, in order.",
                    "type": "array",
                    "items": { "type": "string" },
                    "examples": [["Ada Lovelace"]],
                },
            },
            "additionalProperties": false,
        })
    }
}

/// Parts of a message; what is not named is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectMessage {
    /// The phone number.
    #[serde(default, deserialize_with = "given")]
    pub to: Option<String>,
    /// What stands in the places of the body, in order.
    #[serde(default, deserialize_with = "given")]
    pub parameters: Option<Vec<String>>,
}

fn given_example() -> Value {
    serde_json::json!({ "FirstName": "Ada", "LastName": "Lovelace", "Tasks": [{ "Status": "Completed" }] })
}

fn engagement_example() -> Value {
    serde_json::json!({ "sent": 2, "replies": 1 })
}

fn profile_example() -> Value {
    serde_json::json!({ "full_name": "Ada Lovelace" })
}

fn targets_example() -> Value {
    serde_json::json!({ "lead": { "Rating": "Cold" } })
}

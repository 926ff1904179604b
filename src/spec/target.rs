//! What a pipeline writes to Salesforce.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::name::{ApiName, FieldPath};
use super::pipeline::OnConflict;
use super::shape::{filled, given};
use super::text::{FieldValue, TemplateText};

/// One object that is written, once for each record that comes through.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The API name of the object that is written.
    #[schemars(example = &"Lead")]
    pub object: ApiName,
    /// How it is written.
    pub operation: Operation,
    /// The one field that finds the record, with its value: `Id` for an update, an external id that is unique for
    /// an upsert. It makes a repeat harmless.
    #[serde(default, rename = "match", deserialize_with = "given")]
    pub key: Option<KeyMatch>,
    /// A template that must be true for the record to be written.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ score is not none }}")]
    pub when: Option<TemplateText>,
    /// The fields that are written, each with a template or a constant. Null clears a field; a field that is left
    /// out is not touched.
    #[serde(deserialize_with = "filled")]
    #[schemars(extend("minProperties" = 1), example = field_map_example())]
    pub field_map: IndexMap<FieldPath, FieldValue>,
    /// What happens to a value that changed in Salesforce since it was read; the pipeline's `on_conflict` where it
    /// is left out.
    #[serde(default, deserialize_with = "given")]
    pub on_conflict: Option<OnConflict>,
    /// With `operation: create` and no `match`: `accept` says that a repeat may create the record a second time.
    #[serde(default, deserialize_with = "given")]
    pub duplicates: Option<Duplicates>,
    /// Which assignment rule runs: none (`false`), the active one (`true`), or one by its id.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub assignment_rule: AssignmentRule,
    /// How Salesforce's duplicate rules treat what is written.
    #[serde(default)]
    pub duplicate_rule: DuplicateRule,
}

/// How a target is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Changes a record that exists, found by its Id.
    Update,
    /// Changes the record with this external id, or creates it.
    Upsert,
    /// Creates a record.
    Create,
}

impl Operation {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Operation::Update => "update",
            Operation::Upsert => "upsert",
            Operation::Create => "create",
        }
    }
}

/// Consent to doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// A repeat may create the record a second time.
    Accept,
}

/// The field that finds a record, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyMatch {
    /// `Id`, or an external id.
    pub field: ApiName,
    /// Its value.
    pub value: FieldValue,
}

impl KeyMatch {
    /// Whether the record is found by its Salesforce Id. Field names are the same in any case.
    pub fn is_id(&self) -> bool {
        self.field.as_str().eq_ignore_ascii_case("Id")
    }
}

impl<'de> Deserialize<'de> for KeyMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneField;

        impl<'de> Visitor<'de> for OneField {
            type Value = KeyMatch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one field with its value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KeyMatch, A::Error> {
                let Some((field, value)) = map.next_entry()? else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                if map.next_entry::<ApiName, FieldValue>()?.is_some() {
                    return Err(A::Error::invalid_length(2, &self));
                }
                Ok(KeyMatch { field, value })
            }
        }

        deserializer.deserialize_map(OneField)
    }
}

impl JsonSchema for KeyMatch {
    fn schema_name() -> Cow<'static, str> {
        "KeyMatch".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<FieldValue>();
        json_schema!({
            "description": "The one field that finds a record, with its value.",
            "type": "object",
            "patternProperties": { ApiName::PATTERN: value },
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
            "examples": [{ "Id": "{{ salesforce_id }}" }, { "Bridged_Id__c": "{{ profile.key }}" }],
        })
    }
}

/// Which assignment rule runs when Leads, Cases and Accounts are written (`Sforce-Auto-Assign`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AssignmentRule {
    /// No rule: owners stay as they are.
    #[default]
    Off,
    /// The active rule.
    Active,
    /// The rule with this id.
    Rule(String),
}

impl AssignmentRule {
    /// The form of a rule's id in the schema: 15 or 18 letters and digits.
    pub const PATTERN: &'static str = "^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$";

    /// The value of the `Sforce-Auto-Assign` header (REST API Developer Guide, "Assignment Rule Header").
    pub fn header_value(&self) -> &str {
        match self {
            AssignmentRule::Off => "FALSE",
            AssignmentRule::Active => "TRUE",
            AssignmentRule::Rule(id) => id,
        }
    }
}

impl<'de> Deserialize<'de> for AssignmentRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = AssignmentRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or the id of an assignment rule")
            }

            fn visit_bool<E>(self, active: bool) -> Result<AssignmentRule, E> {
                Ok(if active {
                    AssignmentRule::Active
                } else {
                    AssignmentRule::Off
                })
            }

            fn visit_str<E: Error>(self, id: &str) -> Result<AssignmentRule, E> {
                let is_id = matches!(id.len(), 15 | 18)
                    && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if is_id {
                    Ok(AssignmentRule::Rule(id.to_owned()))
                } else {
                    Err(E::invalid_value(Unexpected::Str(id), &self))
                }
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for AssignmentRule {
    fn schema_name() -> Cow<'static, str> {
        "AssignmentRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Which assignment rule runs: none (`false`), the active one (`true`), or one by its id.",
            "type": ["boolean", "string"],
            "pattern": AssignmentRule::PATTERN,
            "examples": [false, true, "01Q000000000001AAA"],
        })
    }
}

/// How Salesforce's duplicate rules treat what is written (`Sforce-Duplicate-Rule-Header`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRule {
    /// Saves a record although a duplicate rule with an alert found one like it.
    #[serde(default)]
    #[schemars(extend("default" = false), example = true)]
    pub allow_save: bool,
    /// Looks for duplicates only among the records that the signed-in user may see.
    #[serde(default)]
    #[schemars(extend("default" = false), example = true)]
    pub run_as_current_user: bool,
}

fn field_map_example() -> serde_json::Value {
    serde_json::json!({ "Lead_Score__c": "{{ score }}", "Rating": "{{ grade }}" })
}

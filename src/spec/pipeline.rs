//! A pipeline file as types.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};

use super::amount::{Period, Threshold};
use super::broadcast::Broadcast;
use super::case::TestCase;
use super::name::{AttributeName, FieldPath, SlugName};
use super::schedule::{Missed, Schedule};
use super::shape::{filled, given, whole, whole_given};
use super::source::Source;
use super::target::Target;
use super::text::{FieldValue, TemplateText};

/// The most records that one write or delivery request carries.
pub const MAX_BATCH_SIZE: u32 = 50;

/// One pipeline: what is read, how it maps, what is written, when it runs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The version of the file format; always 1.
    pub version: FormatVersion,
    /// The name of the pipeline, once in a project.
    #[schemars(example = &"lead-sync")]
    pub name: SlugName,
    /// What the pipeline is for, in a sentence.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"Score open leads on their engagement and write the score back.")]
    pub description: Option<String>,
    /// The playbook the pipeline serves; it says which sections the file must have.
    #[serde(default, deserialize_with = "given")]
    pub playbook: Option<Playbook>,
    /// The Salesforce connection, by its name in `bridged.yaml`; may be left out where there is one.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"salesforce")]
    pub connection: Option<SlugName>,
    /// Which way records go.
    pub direction: Direction,
    /// When the pipeline runs by itself.
    #[serde(default)]
    #[schemars(extend("default" = "manual"))]
    pub schedule: Schedule,
    /// What happens to runs whose time passed while nothing was running.
    #[serde(default)]
    #[schemars(extend("default" = "once"))]
    pub missed: Missed,
    /// Each scheduled start is delayed by a part of this, always the same one, so that many pipelines do not start in one
    /// second; a tenth of the period, at most `5m`, where it is left out, and nothing for `cron`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"30s")]
    pub jitter: Option<Period>,
    /// What is read.
    pub source: Source,
    /// What identifies a profile; its Salesforce Id where it is left out.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ Bridged_Id__c }}")]
    pub profile_key: Option<TemplateText>,
    /// Where a person's consent to messages stands; without it nobody is messaged.
    #[serde(default, deserialize_with = "given")]
    pub consent: Option<Consent>,
    /// The attributes of a profile, each with a template over the record or a constant.
    #[serde(default)]
    #[schemars(example = field_map_example())]
    pub field_map: IndexMap<AttributeName, FieldValue>,
    /// A template that must be true after mapping; other records count as filtered.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ phone is not none }}")]
    pub filter: Option<TemplateText>,
    /// How records are scored.
    #[serde(default, deserialize_with = "given")]
    pub score: Option<Score>,
    /// What is written to Salesforce, by a name that other targets can refer to.
    #[serde(default)]
    pub targets: IndexMap<AttributeName, Target>,
    /// A WhatsApp message to each person that comes through.
    #[serde(default, deserialize_with = "given")]
    pub broadcast: Option<Broadcast>,
    /// How many records go into one request, and how many requests run at once.
    #[serde(default)]
    pub batch: Batch,
    /// How often a failed call is tried, and how many records may be rejected before the run stops.
    #[serde(default)]
    pub on_error: OnError,
    /// What happens to a value that changed in Salesforce since it was read.
    #[serde(default)]
    #[schemars(extend("default" = "reject"))]
    pub on_conflict: OnConflict,
    /// Limits that stop a run before its first write.
    #[serde(default)]
    pub guards: Guards,
    /// Attributes and target fields whose values are masked wherever they would be shown.
    #[serde(default)]
    #[schemars(example = sensitive_example())]
    pub sensitive: Vec<AttributeName>,
    /// Examples that `bridged test` runs, offline.
    #[serde(default)]
    pub tests: Vec<TestCase>,
}

/// The version of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatVersion;

impl<'de> Deserialize<'de> for FormatVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version: i64 = whole(deserializer)?;
        if version == 1 {
            return Ok(Self);
        }
        Err(D::Error::invalid_value(Unexpected::Signed(version), &"1"))
    }
}

impl JsonSchema for FormatVersion {
    fn schema_name() -> Cow<'static, str> {
        "FormatVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The version of the file format; always 1.", "type": "integer", "const": 1 })
    }
}

/// What a pipeline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Playbook {
    /// Starts conversations: reads people and broadcasts to them.
    Activation,
    /// Scores people and writes the score back.
    Qualification,
    /// Writes the outcomes of conversations to Salesforce.
    Nurture,
}

impl Playbook {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Playbook::Activation => "activation",
            Playbook::Qualification => "qualification",
            Playbook::Nurture => "nurture",
        }
    }
}

/// Which way records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From Salesforce to profiles.
    Read,
    /// From Bridged's records to Salesforce.
    Write,
    /// Both, in one pass.
    ReadWrite,
}

impl Direction {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Read => "read",
            Direction::Write => "write",
            Direction::ReadWrite => "read_write",
        }
    }

    /// Whether Salesforce is read.
    pub const fn reads(self) -> bool {
        matches!(self, Direction::Read | Direction::ReadWrite)
    }

    /// Whether Salesforce is written.
    pub const fn writes(self) -> bool {
        matches!(self, Direction::Write | Direction::ReadWrite)
    }
}

/// Where a person's consent stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// A template that is true where the person agreed to WhatsApp messages.
    #[schemars(example = &"{{ WhatsApp_Opt_In__c }}")]
    pub whatsapp: TemplateText,
    /// A template with the evidence of where they agreed: a text, or nothing where it is not known.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ LeadSource }}")]
    pub source: Option<TemplateText>,
    /// A template with the evidence of when they agreed: a text, or nothing where it is not known.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ WhatsApp_Opt_In_Date__c }}")]
    pub at: Option<TemplateText>,
}

/// How records are scored.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The points everybody starts with.
    #[serde(default, deserialize_with = "points")]
    #[schemars(range(min = -POINTS, max = POINTS), extend("default" = 0), example = 0)]
    pub base: i64,
    /// What gives points; rules are added in their order.
    #[serde(deserialize_with = "filled")]
    #[schemars(length(min = 1))]
    pub rules: Vec<ScoreRule>,
    /// The lowest and the highest score.
    #[serde(default, deserialize_with = "clamp")]
    #[schemars(schema_with = "clamp_schema")]
    pub clamp: Option<[i64; 2]>,
    /// Names for scores: each with the score from which it holds.
    #[serde(default, deserialize_with = "grades")]
    #[schemars(schema_with = "grades_schema")]
    pub grades: IndexMap<String, i64>,
    /// The score from which a record is qualified.
    #[serde(default, deserialize_with = "points_given")]
    #[schemars(range(min = -POINTS, max = POINTS), example = 60)]
    pub qualified_at: Option<i64>,
}

/// One reason for points.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreRule {
    /// The reason as people read it; it stands in `score_reasons`.
    #[schemars(example = &"replied")]
    pub name: String,
    /// A template that is true where the points are given.
    #[schemars(example = &"{{ engagement.replies > 0 }}")]
    pub when: TemplateText,
    /// The points, which may be negative.
    #[serde(deserialize_with = "points")]
    #[schemars(range(min = -POINTS, max = POINTS), example = 40)]
    pub points: i64,
}

/// How many records go into one request, and how many requests run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Records in one write or delivery request, 1 to 50.
    #[serde(default = "default_batch_size", deserialize_with = "batch_size")]
    #[schemars(range(min = 1, max = MAX_BATCH_SIZE), extend("default" = MAX_BATCH_SIZE), example = 50)]
    pub size: u32,
    /// Requests that run at once, 1 to 25.
    #[serde(default = "default_concurrency", deserialize_with = "concurrency")]
    #[schemars(range(min = 1, max = MAX_CONCURRENCY), extend("default" = DEFAULT_CONCURRENCY), example = 4)]
    pub concurrency: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            size: MAX_BATCH_SIZE,
            concurrency: DEFAULT_CONCURRENCY,
        }
    }
}

/// The most requests at once: how many long-running requests a production org takes at a time (Salesforce
/// Developer Limits and Allocations Quick Reference, "API Request Limits and Allocations").
pub const MAX_CONCURRENCY: u32 = 25;

/// Requests at once unless the author says otherwise.
pub const DEFAULT_CONCURRENCY: u32 = 4;

/// What happens when calls fail and records are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnError {
    /// How often one call is made at most, 1 to 20; only calls that may be repeated without harm are.
    #[serde(default = "default_attempts", deserialize_with = "attempts")]
    #[schemars(range(min = 1, max = MAX_ATTEMPTS), extend("default" = DEFAULT_ATTEMPTS), example = 6)]
    pub max_attempts: u32,
    /// The run stops when more records than this are rejected: a share of those read, or a number. Without it no
    /// number of rejected records stops the run.
    #[serde(default, deserialize_with = "given")]
    pub max_rejected: Option<Threshold>,
}

impl Default for OnError {
    fn default() -> Self {
        Self {
            max_attempts: DEFAULT_ATTEMPTS,
            max_rejected: None,
        }
    }
}

/// The most tries of one call.
pub const MAX_ATTEMPTS: u32 = 20;

/// Tries of one call unless the author says otherwise.
pub const DEFAULT_ATTEMPTS: u32 = 6;

/// What happens to a value that changed in Salesforce since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Salesforce's value stays.
    Salesforce,
    /// Bridged's value is written.
    Bridged,
    /// The record is rejected.
    #[default]
    Reject,
}

/// Limits that stop a run before its first write.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guards {
    /// The most records that a run may create.
    #[serde(default, deserialize_with = "whole_given")]
    #[schemars(range(min = 0, max = u32::MAX), example = 100)]
    pub max_creates: Option<u32>,
    /// The most records that a run may change.
    #[serde(default, deserialize_with = "whole_given")]
    #[schemars(range(min = 0, max = u32::MAX), example = 5000)]
    pub max_updates: Option<u32>,
    /// The largest share of the records in question that a run may change, 0 to 100.
    #[serde(default, deserialize_with = "percent_number")]
    #[schemars(range(min = 0, max = 100), example = 20)]
    pub max_changed_percent: Option<f64>,
    /// Fields that a run must never change.
    #[serde(default)]
    #[schemars(example = protected_example())]
    pub protected_fields: Vec<FieldPath>,
}

/// The bound on points: scores are whole numbers that every system in the chain keeps exactly.
const POINTS: i64 = 1_000_000;

fn within<E: Error>(number: i64, least: i64, most: i64) -> Result<i64, E> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(E::custom(format!(
        "{number} is not within {least} to {most}"
    )))
}

fn bounded<'de, D: Deserializer<'de>>(deserializer: D, most: u32) -> Result<u32, D::Error> {
    let number = whole(deserializer)?;
    within::<D::Error>(number, 1, i64::from(most))
        .map(|number| u32::try_from(number).unwrap_or(most))
}

fn batch_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    bounded(deserializer, MAX_BATCH_SIZE)
}

fn concurrency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    bounded(deserializer, MAX_CONCURRENCY)
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    bounded(deserializer, MAX_ATTEMPTS)
}

fn points<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    within(whole(deserializer)?, -POINTS, POINTS)
}

fn points_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    points(deserializer).map(Some)
}

fn percent_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=100.0).contains(&number) {
        return Ok(Some(number));
    }
    Err(D::Error::invalid_value(
        Unexpected::Float(number),
        &"0 to 100",
    ))
}

/// A number of points inside a list or a mapping.
#[derive(Deserialize)]
#[serde(transparent)]
struct Points(#[serde(deserialize_with = "points")] i64);

fn clamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[i64; 2]>, D::Error> {
    let [low, high] = <[Points; 2]>::deserialize(deserializer)?;
    Ok(Some([low.0, high.0]))
}

fn clamp_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": { "type": "integer", "minimum": -POINTS, "maximum": POINTS },
        "minItems": 2,
        "maxItems": 2,
        "examples": [[0, 100]],
    })
}

fn grades<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IndexMap<String, i64>, D::Error> {
    let grades = IndexMap::<String, Points>::deserialize(deserializer)?;
    Ok(grades
        .into_iter()
        .map(|(name, points)| (name, points.0))
        .collect())
}

fn grades_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "type": "integer", "minimum": -POINTS, "maximum": POINTS },
        "examples": [{ "Hot": 80, "Warm": 50, "Cold": 0 }],
    })
}

fn default_batch_size() -> u32 {
    MAX_BATCH_SIZE
}

fn default_concurrency() -> u32 {
    DEFAULT_CONCURRENCY
}

fn default_attempts() -> u32 {
    DEFAULT_ATTEMPTS
}

fn field_map_example() -> serde_json::Value {
    serde_json::json!({ "full_name": "{{ FirstName }} {{ LastName }}", "phone": "{{ MobilePhone | e164(country='US') }}" })
}

fn sensitive_example() -> serde_json::Value {
    serde_json::json!(["phone", "email"])
}

fn protected_example() -> serde_json::Value {
    serde_json::json!(["OwnerId"])
}

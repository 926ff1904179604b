//! What a pipeline reads: rows of a Salesforce object, or Bridged's own records.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::amount::Period;
use super::name::ApiName;
use super::shape::{given, whole};
use super::text::TemplateText;

/// The most rows a page may ask for: the upper bound of the query batch size in the Salesforce REST API Developer
/// Guide, "Change the Batch Size in Queries".
pub const MAX_PAGE_SIZE: u32 = 2000;

/// The rows of a page unless the author asks for another number.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

/// The window that is read again for rows that commit late, unless the author says otherwise.
pub const DEFAULT_OVERLAP: Period = Period::from_secs(600);

/// What is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "SourceTable")]
pub enum Source {
    /// Rows of a Salesforce object.
    Object(Box<ObjectSource>),
    /// Bridged's own records.
    Records(RecordsSource),
}

/// Rows of a Salesforce object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSource {
    /// The object's API name.
    pub object: ApiName,
    /// A SOQL condition.
    pub condition: Option<String>,
    /// Whether only what changed since the last run is read; `None` leaves it to what the object can do.
    pub incremental: Option<bool>,
    /// The window that is read again for rows that commit late.
    pub overlap: Period,
    /// Rows a page, 1 to [`MAX_PAGE_SIZE`].
    pub page_size: u32,
    /// Whether deleted rows are read, too.
    pub include_deleted: bool,
    /// Child rows, by the name of the child relationship.
    pub related: IndexMap<ApiName, Related>,
}

/// Bridged's own records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsSource {
    /// Which records.
    pub records: RecordKind,
    /// A template that a record must make true.
    pub when: Option<TemplateText>,
}

/// A kind of record that Bridged keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// People as Bridged knows them.
    Profiles,
    /// Results of conversations.
    Outcomes,
}

/// Child rows that are read with each row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// A SOQL condition on the child rows.
    #[serde(default, rename = "where", deserialize_with = "given")]
    #[schemars(example = &"CreatedDate = LAST_N_DAYS:90")]
    pub condition: Option<String>,
    /// The order of the child rows, as SOQL's ORDER BY takes it; which rows a `limit` keeps depends on it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"CreatedDate DESC")]
    pub order_by: Option<String>,
    /// The most child rows that are read with one row, 1 to 2000.
    #[serde(default, deserialize_with = "related_limit")]
    #[schemars(range(min = 1, max = MAX_PAGE_SIZE), example = 200)]
    pub limit: Option<u32>,
}

/// What is read: a Salesforce `object`, or Bridged's own `records`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Source", extend("if" = { "required": ["records"] },
    "then" = { "properties": { "object": false, "where": false, "incremental": false, "overlap": false,
        "page_size": false, "include_deleted": false, "related": false } },
    "else" = { "required": ["object"], "properties": { "when": false } }))]
struct SourceTable {
    /// The API name of any standard or custom object.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"Lead")]
    object: Option<ApiName>,
    /// A SOQL condition on the rows, checked when the file is validated.
    #[serde(default, rename = "where", deserialize_with = "given")]
    #[schemars(example = &"IsConverted = false")]
    condition: Option<String>,
    /// Reads only what changed since the last run; on by default where the object has `SystemModstamp`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = true)]
    incremental: Option<bool>,
    /// The window before the last position that is read again, for rows that commit late.
    #[serde(default = "default_overlap")]
    #[schemars(extend("default" = "10m"))]
    overlap: Period,
    /// Rows a page, 1 to 2000.
    #[serde(default = "default_page_size", deserialize_with = "whole")]
    #[schemars(range(min = 1, max = MAX_PAGE_SIZE), extend("default" = DEFAULT_PAGE_SIZE), example = 2000)]
    page_size: u32,
    /// Reads rows in the recycle bin, too; templates see them by `deleted`.
    #[serde(default)]
    #[schemars(extend("default" = false), example = true)]
    include_deleted: bool,
    /// Child rows that are read with each row, by the name of the child relationship.
    #[serde(default)]
    #[schemars(example = related_example())]
    related: IndexMap<ApiName, Related>,
    /// Bridged's own records instead of a Salesforce object.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"outcomes")]
    records: Option<RecordKind>,
    /// With `records`: a template that a record must make true to be taken.
    #[serde(default, deserialize_with = "given")]
    #[schemars(example = &"{{ outcome.kind == 'qualified' }}")]
    when: Option<TemplateText>,
}

fn related_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let limit: u32 = whole(deserializer)?;
    if (1..=MAX_PAGE_SIZE).contains(&limit) {
        return Ok(Some(limit));
    }
    Err(D::Error::custom(format!(
        "{limit} is not within 1 to {MAX_PAGE_SIZE}"
    )))
}

fn default_overlap() -> Period {
    DEFAULT_OVERLAP
}

fn default_page_size() -> u32 {
    DEFAULT_PAGE_SIZE
}

fn related_example() -> serde_json::Value {
    serde_json::json!({ "Tasks": { "where": "CreatedDate = LAST_N_DAYS:90", "limit": 200 } })
}

impl TryFrom<SourceTable> for Source {
    type Error = &'static str;

    fn try_from(table: SourceTable) -> Result<Self, Self::Error> {
        match (table.object, table.records, table.when) {
            (Some(object), None, None) => {
                if !(1..=MAX_PAGE_SIZE).contains(&table.page_size) {
                    return Err("`page_size` must be 1 to 2000");
                }
                Ok(Source::Object(Box::new(ObjectSource {
                    object,
                    condition: table.condition,
                    incremental: table.incremental,
                    overlap: table.overlap,
                    page_size: table.page_size,
                    include_deleted: table.include_deleted,
                    related: table.related,
                })))
            }
            (None, Some(records), when) => Ok(Source::Records(RecordsSource { records, when })),
            _ => Err("needs either `object` or `records`, and the keys that go with it"),
        }
    }
}

impl JsonSchema for Source {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SourceTable::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        SourceTable::json_schema(generator)
    }
}

//! When a pipeline runs.

use std::borrow::Cow;
use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::amount::Period;
use super::shape::given;

/// When a pipeline runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Schedule {
    /// As soon as something changes.
    Realtime,
    /// At the full hour, UTC.
    Hourly,
    /// At midnight, UTC.
    Daily,
    /// Only when a person starts it.
    #[default]
    Manual,
    /// At each multiple of this length, counted from a Monday midnight, UTC.
    Every(Period),
    /// By a cron expression.
    Cron(Cron),
}

/// Five fields of cron and the time zone they are meant in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// Minute, hour, day of month, month, day of week.
    pub expression: String,
    /// An IANA time zone; UTC where it is left out.
    pub timezone: Option<String>,
}

/// Five fields of cron without seconds and years, understood; `None` where they are none. A day of the month and a day of
/// the week that are both given are alternatives, as in the cron of old.
pub fn pattern(expression: &str) -> Option<croner::Cron> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(expression)
        .ok()
}

/// The words a schedule may be.
pub const WORDS: [&str; 4] = ["realtime", "hourly", "daily", "manual"];

/// The mapping form as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default, deserialize_with = "given")]
    every: Option<Period>,
    #[serde(default, deserialize_with = "given")]
    cron: Option<String>,
    #[serde(default, deserialize_with = "given")]
    timezone: Option<String>,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Schedule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`realtime`, `hourly`, `daily`, `manual`, or a mapping with `every` or `cron`",
                )
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Schedule, E> {
                match word {
                    "realtime" => Ok(Schedule::Realtime),
                    "hourly" => Ok(Schedule::Hourly),
                    "daily" => Ok(Schedule::Daily),
                    "manual" => Ok(Schedule::Manual),
                    _ => Err(E::invalid_value(Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Schedule, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                match (table.every, table.cron, table.timezone) {
                    (Some(period), None, None) => Ok(Schedule::Every(period)),
                    (None, Some(expression), timezone) => Ok(Schedule::Cron(Cron {
                        expression,
                        timezone,
                    })),
                    _ => Err(A::Error::custom("needs either `every` alone, or `cron`")),
                }
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Schedule {
    fn schema_name() -> Cow<'static, str> {
        "Schedule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let period = generator.subschema_for::<Period>();
        json_schema!({
            "description": "When the pipeline runs by itself: `realtime`, `hourly` (at the full hour), `daily` (at midnight UTC), `manual`, `{ every: 15m }` or `{ cron: \"0 6 * * 1-5\", timezone: Europe/London }`.",
            "type": ["string", "object"],
            "if": { "type": "string" },
            "then": { "enum": WORDS },
            "else": {
                "type": "object",
                "properties": {
                    "every": {
                        "description": "Runs at each multiple of this length, counted from a Monday midnight, UTC: `15m` is at :00, :15, :30 and :45.",
                        "allOf": [period],
                    },
                    "cron": {
                        "description": "Five fields: minute, hour, day of month, month, day of week.",
                        "type": "string",
                        "examples": ["0 6 * * 1-5"],
                    },
                    "timezone": {
                        "description": "The IANA time zone in which `cron` is meant; UTC where it is left out.",
                        "type": "string",
                        "default": "UTC",
                        "examples": ["Europe/London"],
                    },
                },
                "additionalProperties": false,
                "if": { "required": ["cron"] },
                "then": { "properties": { "every": false } },
                "else": { "required": ["every"], "properties": { "timezone": false } },
            },
            "examples": ["hourly", { "every": "15m" }],
        })
    }
}

/// What happens to runs whose time passed while nothing was running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Wait for the next time.
    Skip,
    /// Run one time for all that were missed.
    #[default]
    Once,
}

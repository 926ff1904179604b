//! Helpers for `Deserialize` that keep it as strict as the schema: no null for "left out", whole numbers however spelled.

use serde::de::{Deserialize, Deserializer, Error as _, Unexpected};

/// A key that is there must have a value: null is not the same as leaving the key out.
pub(super) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The largest whole number that every JSON reader keeps exactly: 2^53 - 1 (RFC 8259, section 6).
pub(super) const MAX_WHOLE: i64 = 9_007_199_254_740_991;

/// A whole number up to [`MAX_WHOLE`]; `20.0` is one, as it is for JSON Schema.
pub(super) fn whole<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = serde_json::Number::deserialize(deserializer)?;
    number
        .as_i64()
        .or_else(|| number.as_f64().and_then(integral))
        .filter(|whole| whole.abs() <= MAX_WHOLE)
        .and_then(|whole| T::try_from(whole).ok())
        .ok_or_else(|| {
            D::Error::invalid_value(
                Unexpected::Other(&number.to_string()),
                &"a whole number in range",
            )
        })
}

/// [`whole`] for a key that may be left out.
pub(super) fn whole_given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    whole(deserializer).map(Some)
}

/// The integer a float stands for, where it stands for one exactly.
pub(super) fn integral(float: f64) -> Option<i64> {
    #[expect(clippy::float_cmp, reason = "the question is whether it is exact")]
    let whole = float.trunc() == float && float.abs() <= MAX_WHOLE as f64;
    whole.then_some(float as i64)
}

/// A list or mapping that must hold something.
pub(super) fn filled<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    for<'a> &'a T: IntoIterator,
{
    let filled = T::deserialize(deserializer)?;
    if (&filled).into_iter().next().is_none() {
        return Err(D::Error::invalid_length(0, &"at least one entry"));
    }
    Ok(filled)
}

/// Reads a text and turns it into `T`, or says what was expected.
pub(super) fn text<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &expected))
}

/// `JsonSchema` for a type that is written as a text of a fixed form: its pattern, examples and description.
macro_rules! text_schema {
    ($type:ident, $pattern:expr, [$($example:expr),*], $description:expr) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "description": $description,
                    "type": "string",
                    "pattern": $pattern,
                    "examples": [$($example),*],
                })
            }
        }
    };
}
pub(super) use text_schema;

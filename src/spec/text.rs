//! Texts with a meaning: templates, values of fields, and texts that name environment variables.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::{Number, Value};

/// The text of a template, as it was written; the template area compiles it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TemplateText(String);

impl TemplateText {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TemplateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for TemplateText {
    fn schema_name() -> Cow<'static, str> {
        "TemplateText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A template: text with `{{ … }}`. One expression alone keeps its type; text around it makes a text.",
            "type": "string",
            "examples": ["{{ FirstName }} {{ LastName }}", "{{ MobilePhone | e164(country='US') }}"],
        })
    }
}

/// What a field gets: a template, or the same constant for every record.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// A text, which is a template even when nothing in it is evaluated.
    Template(TemplateText),
    /// A number.
    Number(Number),
    /// True or false.
    Bool(bool),
    /// Clears the field.
    Null,
}

impl FieldValue {
    /// The template, where it is one.
    pub fn template(&self) -> Option<&TemplateText> {
        match self {
            FieldValue::Template(text) => Some(text),
            _ => None,
        }
    }

    /// The constant, where it is one.
    pub fn constant(&self) -> Option<Value> {
        match self {
            FieldValue::Template(_) => None,
            FieldValue::Number(number) => Some(Value::Number(number.clone())),
            FieldValue::Bool(flag) => Some(Value::Bool(*flag)),
            FieldValue::Null => Some(Value::Null),
        }
    }
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = FieldValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a template, a number, true, false or null")
            }

            fn visit_str<E>(self, text: &str) -> Result<FieldValue, E> {
                Ok(FieldValue::Template(TemplateText::new(text)))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<FieldValue, E> {
                Ok(FieldValue::Bool(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<FieldValue, E> {
                Ok(FieldValue::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<FieldValue, E> {
                Ok(FieldValue::Number(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<FieldValue, E> {
                Ok(Number::from_f64(number).map_or(FieldValue::Null, FieldValue::Number))
            }

            fn visit_unit<E>(self) -> Result<FieldValue, E> {
                Ok(FieldValue::Null)
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

impl JsonSchema for FieldValue {
    fn schema_name() -> Cow<'static, str> {
        "FieldValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A template, or a constant: a number, true, false, or null, which clears the field.",
            "type": ["string", "number", "boolean", "null"],
            "examples": ["{{ score }}", "Qualified", 50, true],
        })
    }
}

/// A text in which `${NAME}` stands for an environment variable; `$${` writes a plain `${`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvText(String);

/// One stretch of an [`EnvText`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvPart<'a> {
    /// Text that stands for itself.
    Literal(Cow<'a, str>),
    /// The name of a variable, and the bytes of `${NAME}` in the text.
    Variable(&'a str, Range<usize>),
}

/// Why an [`EnvText`] has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvError {
    /// `${` is not followed by a name and `}`; the bytes that are wrong.
    Malformed(Range<usize>),
    /// The variable is not set, or is empty; its name and the bytes of `${NAME}`.
    Unset(String, Range<usize>),
}

impl EnvText {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written, with its `${NAME}`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in parts, or the first stretch that is malformed.
    pub fn parts(&self) -> Result<Vec<EnvPart<'_>>, EnvError> {
        let text = self.0.as_str();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(found) = text[at..].find("${").map(|offset| at + offset) {
            if found > at && text.as_bytes()[found - 1] == b'$' {
                parts.push(EnvPart::Literal(Cow::Owned(format!(
                    "{}{{",
                    &text[at..found]
                ))));
                at = found + 2;
                continue;
            }
            if found > at {
                parts.push(EnvPart::Literal(Cow::Borrowed(&text[at..found])));
            }
            let name = text[found + 2..]
                .split_once('}')
                .map(|(name, _)| name)
                .filter(|name| is_variable(name))
                .ok_or_else(|| EnvError::Malformed(found..malformed_end(text, found)))?;
            let end = found + 3 + name.len();
            parts.push(EnvPart::Variable(name, found..end));
            at = end;
        }
        if at < text.len() {
            parts.push(EnvPart::Literal(Cow::Borrowed(&text[at..])));
        }
        Ok(parts)
    }

    /// The text with every variable replaced by what `lookup` gives; an unset or empty variable is an error.
    pub fn resolve(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, EnvError> {
        let mut resolved = String::new();
        for part in self.parts()? {
            match part {
                EnvPart::Literal(text) => resolved.push_str(&text),
                EnvPart::Variable(name, span) => match lookup(name) {
                    Some(value) if !value.is_empty() => resolved.push_str(&value),
                    _ => return Err(EnvError::Unset(name.to_owned(), span)),
                },
            }
        }
        Ok(resolved)
    }
}

/// A letter or `_`, then letters, digits and `_`: what POSIX shells take for a variable's name.
fn is_variable(name: &str) -> bool {
    name.bytes().enumerate().all(|(index, byte)| {
        byte.is_ascii_alphabetic() || byte == b'_' || (index > 0 && byte.is_ascii_digit())
    }) && !name.is_empty()
}

/// Where a malformed `${…` ends: behind its brace, or at the next blank.
fn malformed_end(text: &str, start: usize) -> usize {
    text[start..]
        .find('}')
        .map(|brace| start + brace + 1)
        .or_else(|| {
            text[start..]
                .find(char::is_whitespace)
                .map(|blank| start + blank)
        })
        .unwrap_or(text.len())
}

impl<'de> Deserialize<'de> for EnvText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for EnvText {
    fn schema_name() -> Cow<'static, str> {
        "EnvText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text in which `${NAME}` stands for an environment variable.",
            "type": "string",
            "examples": ["${SALESFORCE_INSTANCE_URL}"],
        })
    }
}

/// A credential by reference: `${NAME}`, the environment variable that holds it, or `file:PATH`, the file that does.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretText(EnvText);

/// Where a [`SecretText`] finds its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In environment variables; the text is made of them alone.
    Variables(EnvText),
    /// In a file: an absolute path or one relative to the project, in which variables may stand.
    File(EnvText),
}

/// How a reference to a file begins.
pub(super) const FILE_REFERENCE: &str = "file:";

impl SecretText {
    /// Where the credential is.
    pub fn source(&self) -> SecretSource {
        match self.0.as_str().strip_prefix(FILE_REFERENCE) {
            Some(path) => SecretSource::File(EnvText::new(path)),
            None => SecretSource::Variables(self.0.clone()),
        }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        EnvText::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A credential by reference: `${NAME}`, the environment variable that holds it, or `file:PATH`, the file that does. In plain text it is an error.",
            "type": "string",
            "examples": ["${SALESFORCE_API_KEY}", "file:/run/secrets/salesforce-api-key"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("acme".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_and_the_rest_stays() {
        for (text, resolved) in [
            ("plain", "plain"),
            ("${HOST}", "acme"),
            (
                "https://${HOST}.my.salesforce.com",
                "https://acme.my.salesforce.com",
            ),
            ("$HOST $5 $", "$HOST $5 $"),
            ("a$${HOST}b", "a${HOST}b"),
            ("${HOST}${HOST}", "acmeacme"),
        ] {
            assert_eq!(
                EnvText::new(text).resolve(&lookup).as_deref(),
                Ok(resolved),
                "{text}"
            );
        }
    }

    #[test]
    fn a_variable_that_is_unset_or_empty_is_named_with_its_place() {
        let unset = EnvText::new("x ${NOPE} y").resolve(&lookup);
        assert_eq!(unset, Err(EnvError::Unset("NOPE".to_owned(), 2..9)));
        let empty = EnvText::new("${EMPTY}").resolve(&lookup);
        assert_eq!(empty, Err(EnvError::Unset("EMPTY".to_owned(), 0..8)));
    }

    #[test]
    fn a_credential_is_in_variables_or_in_a_file() {
        let source = |text: &str| SecretText(EnvText::new(text)).source();
        assert_eq!(
            source("${KEY}"),
            SecretSource::Variables(EnvText::new("${KEY}"))
        );
        assert_eq!(
            source("file:${DIR}/key"),
            SecretSource::File(EnvText::new("${DIR}/key"))
        );
    }

    #[test]
    fn a_malformed_reference_is_an_error_with_its_place() {
        for (text, span) in [
            ("${}", 0..3),
            ("${9A}", 0..5),
            ("a ${HOST b", 2..8),
            ("${HO ST}", 0..8),
            ("${HOST:-x}", 0..10),
        ] {
            assert_eq!(
                EnvText::new(text).parts(),
                Err(EnvError::Malformed(span)),
                "{text}"
            );
        }
    }
}

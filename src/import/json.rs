//! One JSON object a line, read strictly: no name twice, no number that would not come out as it went in.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::foundation::code::Code;

use super::slips::{Fault, Field};

/// The fields of a line, and what is wrong with it.
pub(super) fn fields(text: &str) -> (Vec<Field>, Vec<Fault>) {
    if !text.trim_start().starts_with('{') {
        let message = "the line is no JSON object";
        let fault = Fault::new(Code::ImportLineUnreadable, message, first_letter(text));
        let help = r#"write one object a line, such as {"key": "…"}"#;
        return (Vec::new(), vec![fault.help(help)]);
    }
    let entries = match serde_json::from_str::<Entries<'_>>(text) {
        Ok(Entries(entries)) => entries,
        Err(error) => return (Vec::new(), vec![fault(text, 0, &error)]),
    };
    let (mut fields, mut faults) = (Vec::new(), Vec::new());
    for (name, raw) in entries {
        let raw = raw.get();
        // The raw value is a part of the line, so its place is the distance of their beginnings.
        let start = raw.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        match serde_json::from_str::<Strict>(raw) {
            Ok(Strict(value)) => fields.push(Field {
                name,
                value,
                span: start..start + raw.len(),
            }),
            Err(error) => faults.push(fault(text, start, &error)),
        }
    }
    (fields, faults)
}

fn first_letter(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    let end = start + text[start..].chars().next().map_or(0, char::len_utf8);
    start..end
}

/// What `serde_json` says of the part of the line that begins at `start`.
fn fault(text: &str, start: usize, error: &serde_json::Error) -> Fault {
    let at = text.floor_char_boundary(start + error.column().saturating_sub(1));
    let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let code = if error.is_data() {
        Code::ImportFieldInvalid
    } else {
        Code::ImportLineUnreadable
    };
    let rest = text[at..].trim_start_matches('-');
    let no_number = ["NaN", "nan", "Infinity", "inf"]
        .iter()
        .any(|word| rest.starts_with(word));
    if error.is_data() {
        return Fault::new(code, said, at..end);
    }
    let fault = Fault::new(code, format!("the line is no JSON: {said}"), at..end);
    if no_number {
        fault.help("JSON has no such number; write null, or leave the field out")
    } else {
        fault.help("write one complete object a line")
    }
}

/// The entries of an object in their order, each name once.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(String, &RawValue)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(twice(&name));
            }
            entries.push((name, map.next_value()?));
        }
        Ok(Entries(entries))
    }
}

fn twice<E: de::Error>(name: &str) -> E {
    E::custom(format!("the name `{name}` is given twice"))
}

/// A value in which no object has a name twice, and every whole number is kept to its last digit.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // The parser makes a float of a whole number beyond 64 bits, and drops its last digits.
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            return Err(E::custom(
                "a number beyond 64 bits would lose digits; write it as a text",
            ));
        }
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(twice(&name));
            }
            let Strict(value) = map.next_value()?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

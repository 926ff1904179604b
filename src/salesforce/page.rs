//! One page of a query's result, read from JSON straight into records.
//!
//! The column names are taken from the first record and shared by all of them; `attributes` members are skipped without
//! being built; child results become lists.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use crate::foundation::record::{Columns, Record};

/// What one answer to a query holds.
#[derive(Debug, PartialEq)]
pub(super) struct Body {
    pub(super) records: Vec<Record>,
    pub(super) total_size: u64,
    pub(super) next: Option<String>,
    /// Whether some child list goes on elsewhere; [`rest_of_children`] recognises such a list.
    pub(super) children_go_on: bool,
}

/// Reads the body of an answer; trailing data is an error.
pub(super) fn read(body: &[u8]) -> Result<Body, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let page = BodySeed {
        children_go_on: &Cell::new(false),
    }
    .deserialize(&mut json)?;
    json.end()?;
    Ok(page)
}

/// Where a child list that is not whole goes on: the rows so far, and the address of the next ones.
pub(super) fn rest_of_children(value: &mut Value) -> Option<(&mut Vec<Value>, &str)> {
    let Value::Object(map) = value else {
        return None;
    };
    let mut parts = map.iter_mut();
    match (parts.next(), parts.next(), parts.next()) {
        (Some((rows, Value::Array(records))), Some((next, Value::String(url))), None)
            if rows == RECORDS && next == NEXT =>
        {
            Some((records, url))
        }
        _ => None,
    }
}

/// A child list: its rows, and for one that goes on elsewhere the address too.
pub(super) fn child_list(rows: Vec<Value>, next: Option<String>) -> Value {
    match next {
        None => Value::Array(rows),
        Some(next) => Value::Object(Map::from_iter([
            (RECORDS.to_owned(), Value::Array(rows)),
            (NEXT.to_owned(), Value::String(next)),
        ])),
    }
}

const ATTRIBUTES: &str = "attributes";
const DONE: &str = "done";
const NEXT: &str = "nextRecordsUrl";
const RECORDS: &str = "records";
const TOTAL: &str = "totalSize";

#[derive(Clone, Copy)]
struct BodySeed<'a> {
    children_go_on: &'a Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = Body;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Body, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a query result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let (mut total_size, mut done, mut next, mut records) = (None, None, None, None);
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match &*key {
                TOTAL => total_size = Some(map.next_value::<u64>()?),
                DONE => done = Some(map.next_value::<bool>()?),
                NEXT => next = map.next_value::<Option<String>>()?,
                RECORDS => {
                    let hint = total_size.unwrap_or(0);
                    records = Some(map.next_value_seed(RecordsSeed { values: self, hint })?);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let done = done.ok_or_else(|| A::Error::missing_field(DONE))?;
        if done != next.is_none() {
            return Err(A::Error::custom("`done` and `nextRecordsUrl` disagree"));
        }
        Ok(Body {
            records: records.ok_or_else(|| A::Error::missing_field(RECORDS))?,
            total_size: total_size.ok_or_else(|| A::Error::missing_field(TOTAL))?,
            next,
            children_go_on: self.children_go_on.get(),
        })
    }
}

/// A member's name, borrowed from the body unless it holds escapes.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// The most records room is made for before they are seen; Salesforce sends at most 2,000 a page.
const MOST_EXPECTED: u64 = 2000;

struct RecordsSeed<'a> {
    values: BodySeed<'a>,
    hint: u64,
}

impl<'de> DeserializeSeed<'de> for RecordsSeed<'_> {
    type Value = Vec<Record>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RecordsSeed<'_> {
    type Value = Vec<Record>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut records = Vec::with_capacity(self.hint.min(MOST_EXPECTED) as usize);
        let mut columns = Arc::new(Columns::default());
        while let Some(record) = seq.next_element_seed(RecordSeed {
            values: self.values,
            columns: &columns,
        })? {
            if !Arc::ptr_eq(record.columns(), &columns) {
                columns = Arc::clone(record.columns());
            }
            records.push(record);
        }
        Ok(records)
    }
}

/// Reads one record, expecting the columns of the one before it.
struct RecordSeed<'a> {
    values: BodySeed<'a>,
    columns: &'a Arc<Columns>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let expected = self.columns.names();
        let mut values = Vec::with_capacity(expected.len());
        // The names of this record, kept only once they differ from the expected ones.
        let mut own: Option<Vec<Box<str>>> = None;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if key == ATTRIBUTES {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let as_expected = own.is_none()
                && expected
                    .get(values.len())
                    .is_some_and(|name| **name == *key);
            if !as_expected {
                let names = own.get_or_insert_with(|| expected[..values.len()].to_vec());
                if names.iter().any(|name| **name == *key) {
                    return Err(A::Error::custom("a record has the same field twice"));
                }
                names.push(key.into());
            }
            values.push(map.next_value_seed(ValueSeed {
                children_go_on: self.values.children_go_on,
            })?);
        }
        let columns = match own {
            Some(names) => Arc::new(Columns::new(names)),
            None if values.len() == expected.len() => Arc::clone(self.columns),
            None => Arc::new(Columns::new(expected[..values.len()].iter().cloned())),
        };
        Record::new(columns, values).ok_or_else(|| A::Error::custom("a record lost a column"))
    }
}

/// Reads one value: a scalar, a parent without its `attributes`, or the list inside a child result.
#[derive(Clone, Copy)]
struct ValueSeed<'a> {
    children_go_on: &'a Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        let mut is_row = false;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if key == ATTRIBUTES {
                map.next_value::<IgnoredAny>()?;
                is_row = true;
                continue;
            }
            let value = map.next_value_seed(self)?;
            if fields.insert(key.into_owned(), value).is_some() {
                return Err(A::Error::custom("an object has the same member twice"));
            }
        }
        if is_row {
            return Ok(Value::Object(fields));
        }
        Ok(self.flatten(fields))
    }
}

impl ValueSeed<'_> {
    /// A child result becomes its list of rows; one that goes on elsewhere keeps its rows and the address.
    fn flatten(self, mut fields: Map<String, Value>) -> Value {
        let is_result = matches!(fields.get(DONE), Some(Value::Bool(_)))
            && matches!(fields.get(RECORDS), Some(Value::Array(_)));
        if !is_result {
            return Value::Object(fields);
        }
        let Some(Value::Array(rows)) = fields.swap_remove(RECORDS) else {
            return Value::Null;
        };
        let next = match fields.swap_remove(NEXT) {
            Some(Value::String(next)) => Some(next),
            _ => None,
        };
        self.children_go_on
            .set(self.children_go_on.get() || next.is_some());
        child_list(rows, next)
    }
}

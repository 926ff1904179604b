//! The data a template sees: layers of named values over one record, all borrowed.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;
use crate::foundation::record::Record;

use super::error::EvaluateError;

/// Up to how many fields a map is searched from its beginning.
const SMALL: usize = 8;

/// Layers of data, asked in the order they were added; the first that knows a name answers.
///
/// Cheap to make: it borrows everything but the values given to [`Scope::with_owned`].
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    layers: Vec<Layer<'a>>,
}

#[derive(Debug, Clone)]
enum Layer<'a> {
    Named(&'a str, &'a Value),
    Owned(&'a str, Value),
    Fields(&'a Map<String, Value>),
    Pairs(&'a [(&'a str, Cow<'a, Value>)]),
    Record(&'a Record),
}

/// Where a path of names left the data.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The name at this index of the path is not there.
    Absent(usize),
    /// The value before this index has no fields: it is a text, a number, a boolean or a list.
    NoFields(usize, &'static str),
}

impl<'a> Scope<'a> {
    /// A scope without any data.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one value under an exact name: `salesforce_id`, `profile`, `score`.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: &'a Value) -> Self {
        self.layers.push(Layer::Named(name, value));
        self
    }

    /// Adds one value that the scope keeps itself.
    #[must_use]
    pub fn with_owned(mut self, name: &'a str, value: impl Into<Value>) -> Self {
        self.layers.push(Layer::Owned(name, value.into()));
        self
    }

    /// Adds all fields of a map, compared without regard to case.
    #[must_use]
    pub fn with_fields(mut self, fields: &'a Map<String, Value>) -> Self {
        self.layers.push(Layer::Fields(fields));
        self
    }

    /// Adds named values that are not gathered in a map, compared without regard to case.
    #[must_use]
    pub fn with_pairs(mut self, pairs: &'a [(&'a str, Cow<'a, Value>)]) -> Self {
        self.layers.push(Layer::Pairs(pairs));
        self
    }

    /// Adds the fields of a record, compared without regard to case, as Salesforce compares names.
    #[must_use]
    pub fn with_record(mut self, record: &'a Record) -> Self {
        self.layers.push(Layer::Record(record));
        self
    }

    /// The value of a first name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name, 0).map(|(value, _)| value)
    }

    /// The value of a first name, with the column it stands in. The hint is a column to look at first.
    fn find(&self, name: &str, hint: usize) -> Option<(&Value, usize)> {
        self.layers.iter().find_map(|layer| match layer {
            Layer::Named(known, value) => (*known == name).then_some((*value, hint)),
            Layer::Owned(known, value) => (*known == name).then_some((value, hint)),
            Layer::Fields(fields) => field(fields, name).map(|value| (value, hint)),
            Layer::Pairs(pairs) => {
                let exact = pairs.iter().find(|(known, _)| *known == name);
                let found = exact.or_else(|| {
                    let mut pairs = pairs.iter();
                    pairs.find(|(known, _)| known.eq_ignore_ascii_case(name))
                });
                found.map(|(_, value)| (&**value, hint))
            }
            Layer::Record(record) => {
                let columns = record.columns();
                let place = match columns.names().get(hint) {
                    Some(column) if **column == *name || column.eq_ignore_ascii_case(name) => hint,
                    _ => columns.position(name)?,
                };
                record.values().get(place).map(|value| (value, place))
            }
        })
    }

    /// Every first name the scope knows.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for layer in &self.layers {
            match layer {
                Layer::Named(name, _) | Layer::Owned(name, _) => names.push(*name),
                Layer::Fields(fields) => names.extend(fields.keys().map(String::as_str)),
                Layer::Pairs(pairs) => names.extend(pairs.iter().map(|(name, _)| *name)),
                Layer::Record(record) => names.extend(record.iter().map(|(name, _)| name)),
            }
        }
        names
    }

    /// The value at a path, with the column of its first name; null where a parent on the way is null.
    pub(super) fn path(&self, path: &[String], hint: usize) -> Result<(&Value, usize), Lost> {
        let Some((first, rest)) = path.split_first() else {
            return Err(Lost::Absent(0));
        };
        let (mut value, place) = self.find(first, hint).ok_or(Lost::Absent(0))?;
        for (index, name) in rest.iter().enumerate() {
            value = match value {
                Value::Object(fields) => field(fields, name).ok_or(Lost::Absent(index + 1))?,
                Value::Null => return Ok((&Value::Null, place)),
                other => return Err(Lost::NoFields(index + 1, kind(other))),
            };
        }
        Ok((value, place))
    }

    /// Words for a path that leads nowhere, with the nearest name that would.
    pub(super) fn explain(&self, path: &[String], lost: &Lost) -> EvaluateError {
        let (known, index) = match lost {
            Lost::NoFields(index, kind) => {
                let error = EvaluateError::mismatch(format!(
                    "`{}` is {kind} and has no field `{}`",
                    path[..*index].join("."),
                    path[*index],
                ));
                return named(error, path);
            }
            Lost::Absent(0) => (self.names(), 0),
            Lost::Absent(index) => match self.path(&path[..*index], 0) {
                Ok((Value::Object(fields), _)) => {
                    (fields.keys().map(String::as_str).collect(), *index)
                }
                _ => (Vec::new(), *index),
            },
        };
        let near = path.get(index).and_then(|name| nearest(name, known));
        let mut message = format!("`{}` is not there", path[..=index].join("."));
        if let Some(near) = near {
            let mut better = path[..index].to_vec();
            better.push(near.to_owned());
            message = format!("{message}; did you mean `{}`?", better.join("."));
        }
        named(
            EvaluateError::new(Code::TemplateUndefined, message),
            &path[..=index],
        )
    }
}

fn named(mut error: EvaluateError, path: &[String]) -> EvaluateError {
    error.name = Some(path.join("."));
    error
}

/// A field by its exact name, else without regard to case.
pub(super) fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    // Parents have few fields, and looking at each of them takes less time than hashing the name.
    let exact = if fields.len() <= SMALL {
        let mut pairs = fields.iter();
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    } else {
        fields.get(name)
    };
    exact.or_else(|| {
        fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The kind of a value, with its article: `a text`.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

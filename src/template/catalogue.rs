//! The closed list of filters and tests: one source for evaluation, validation, documents and `explain`.

use std::borrow::Cow;

use serde_json::Value;

use super::budget::Budget;
use super::error::EvaluateError;
use super::filters::{contact, date, list, number, order, text};
use super::predicate;

/// A filter (`value | name(…)`) or a test (`value is name(…)`).
#[derive(Debug)]
pub struct Entry {
    /// The word in the template.
    pub name: &'static str,
    /// Other words for the same.
    pub aliases: &'static [&'static str],
    /// Whether it stands behind `|` or behind `is`.
    pub kind: EntryKind,
    /// What it takes in brackets, in order.
    pub parameters: &'static [Parameter],
    /// One sentence on what it gives.
    pub about: &'static str,
    /// Examples, each of them run by a test.
    pub examples: &'static [Example],
    pub(super) work: Work,
    pub(super) gives: Gives,
}

/// Where an entry stands in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Behind `|`; gives a value.
    Filter,
    /// Behind `is`; gives true or false.
    Test,
}

/// One parameter of a filter or a test.
#[derive(Debug)]
pub struct Parameter {
    /// Its name, for `name=value`.
    pub name: &'static str,
    /// What it accepts.
    pub kind: ParameterKind,
    /// What holds when it is left out, as it would be written; `None` where it must be given.
    pub default: Option<&'static str>,
}

/// What a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any value.
    Any,
    /// A text.
    Text,
    /// A whole number, zero or more.
    Count,
    /// `true` or `false`.
    Flag,
    /// The name of a field of the list's elements, parents with dots; a literal text.
    Field,
    /// The name of a filter, then its arguments; a literal text.
    FilterName,
    /// The name of a test, then its arguments; a literal text.
    TestName,
    /// A country as two letters (ISO 3166-1).
    Country,
    /// A time zone as in the IANA database: `Europe/London`.
    TimeZone,
    /// A date format with the directives of `strftime`.
    DateFormat,
}

/// A template, the record it is evaluated over, and what comes out, both as JSON.
#[derive(Debug)]
pub struct Example {
    /// The template.
    pub template: &'static str,
    /// The record.
    pub given: &'static str,
    /// The value.
    pub gives: &'static str,
}

pub(super) type Filter = fn(&Value, &Arguments<'_>) -> Result<Value, EvaluateError>;
pub(super) type ListFilter =
    for<'v> fn(Cow<'v, Value>, &Arguments<'v>) -> Result<Cow<'v, Value>, EvaluateError>;
pub(super) type Test = fn(&Value, &Arguments<'_>) -> Result<bool, EvaluateError>;

#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// Makes a value of a scalar.
    Filter(Filter),
    /// Hands parts of its input on, so that they need no copy.
    List(ListFilter),
    Test(Test),
    /// `default`: its input may be absent, its argument is evaluated only when needed.
    Default,
    /// `defined` (true) and `undefined` (false): the input may be absent.
    Defined(bool),
}

/// How the fields used of a result follow from the fields used of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// A value computed from the input.
    Value,
    /// A value computed from a list.
    Folded,
    /// The input or the argument.
    Either,
    /// A list of the input's elements.
    Elements,
    /// One element of the input.
    Element,
    /// A list of one field of each element, or of what a filter makes of each.
    Mapped,
    /// A list of `{grouper, list}`.
    Groups,
}

/// The evaluated arguments of one call.
pub(super) struct Arguments<'v> {
    pub(super) values: Vec<Option<Cow<'v, Value>>>,
    pub(super) rest: Vec<Cow<'v, Value>>,
    pub(super) budget: &'v Budget,
}

impl Arguments<'_> {
    /// An argument that was given and is not null.
    pub(super) fn value(&self, index: usize) -> Option<&Value> {
        match self.values.get(index)?.as_deref() {
            Some(Value::Null) | None => None,
            value => value,
        }
    }

    /// A text argument.
    pub(super) fn text(&self, index: usize, name: &str) -> Result<Option<&str>, EvaluateError> {
        match self.value(index) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a text", other)),
        }
    }

    /// A whole number of zero or more.
    pub(super) fn count(&self, index: usize, name: &str) -> Result<Option<usize>, EvaluateError> {
        match self.value(index) {
            None => Ok(None),
            Some(Value::Number(number)) => match super::value::integer(number) {
                Some(count) if (0..=1_000_000).contains(&count) => Ok(Some(count as usize)),
                _ => Err(EvaluateError::mismatch(format!(
                    "`{name}` must be a whole number from 0 to 1000000"
                ))),
            },
            Some(other) => Err(wrong(name, "a whole number", other)),
        }
    }

    /// `true` or `false`; false when left out.
    pub(super) fn flag(&self, index: usize, name: &str) -> Result<bool, EvaluateError> {
        match self.value(index) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(name, "true or false", other)),
        }
    }
}

fn wrong(name: &str, wanted: &str, found: &Value) -> EvaluateError {
    let kind = super::scope::kind(found);
    EvaluateError::mismatch(format!("`{name}` must be {wanted}, and it is {kind}"))
}

/// Every filter and every test, sorted by what they are for.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    LISTS.iter().copied().flatten()
}

const LISTS: &[&[Entry]] = &[
    text::ENTRIES,
    contact::ENTRIES,
    date::ENTRIES,
    number::ENTRIES,
    list::ENTRIES,
    order::ENTRIES,
    predicate::ENTRIES,
];

/// An entry by its name or one of its aliases.
pub(super) fn find(kind: EntryKind, name: &str) -> Option<&'static Entry> {
    catalogue()
        .find(|entry| entry.kind == kind && (entry.name == name || entry.aliases.contains(&name)))
}

/// The names of all entries of a kind, aliases included.
pub(super) fn names(kind: EntryKind) -> impl Iterator<Item = &'static str> {
    catalogue()
        .filter(move |entry| entry.kind == kind)
        .flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()))
}

/// The entry at a position of [`catalogue`], and the position of an entry.
pub(super) fn at(index: usize) -> Option<&'static Entry> {
    catalogue().nth(index)
}

pub(super) fn position(entry: &'static Entry) -> usize {
    catalogue()
        .position(|known| std::ptr::eq(known, entry))
        .unwrap_or(usize::MAX)
}

pub(super) const fn required(name: &'static str, kind: ParameterKind) -> Parameter {
    Parameter {
        name,
        kind,
        default: None,
    }
}

pub(super) const fn optional(
    name: &'static str,
    kind: ParameterKind,
    default: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        default: Some(default),
    }
}

pub(super) const fn example(
    template: &'static str,
    record: &'static str,
    value: &'static str,
) -> Example {
    Example {
        template,
        given: record,
        gives: value,
    }
}

pub(super) const fn filter(
    name: &'static str,
    parameters: &'static [Parameter],
    work: Filter,
    about: &'static str,
    examples: &'static [Example],
) -> Entry {
    Entry {
        name,
        aliases: &[],
        kind: EntryKind::Filter,
        parameters,
        about,
        examples,
        work: Work::Filter(work),
        gives: Gives::Value,
    }
}

pub(super) const fn list_filter(
    name: &'static str,
    parameters: &'static [Parameter],
    work: ListFilter,
    about: &'static str,
    examples: &'static [Example],
) -> Entry {
    Entry {
        name,
        aliases: &[],
        kind: EntryKind::Filter,
        parameters,
        about,
        examples,
        work: Work::List(work),
        gives: Gives::Value,
    }
}

impl Entry {
    pub(super) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn gives(mut self, gives: Gives) -> Self {
        self.gives = gives;
        self
    }

    /// Whether arguments may follow the parameters, for the filter or test named in one of them.
    pub(super) fn takes_more(&self) -> bool {
        self.parameters.iter().any(|parameter| {
            matches!(
                parameter.kind,
                ParameterKind::FilterName | ParameterKind::TestName
            )
        })
    }

    /// The call as it is written: `truncate(length, end='…')`.
    pub fn signature(&self) -> String {
        let mut parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|parameter| match parameter.default {
                None => parameter.name.to_owned(),
                Some(default) => format!("{}={default}", parameter.name),
            })
            .collect();
        if self.takes_more() {
            parameters.push("…".to_owned());
        }
        if parameters.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}({})", self.name, parameters.join(", "))
        }
    }
}

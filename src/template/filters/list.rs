//! Filters of lists. Null counts as an empty list, because Salesforce gives null where there are no child rows.

use std::borrow::Cow;

use serde_json::Value;

use crate::template::catalogue::{
    Arguments, Entry, EntryKind, Gives, Parameter, ParameterKind, example, filter, find,
    list_filter, optional, required,
};
use crate::template::error::EvaluateError;
use crate::template::native;
use crate::template::predicate;
use crate::template::scope::kind;
use crate::template::value::truth;

/// What a filter hands on.
pub(super) type Output<'v> = Result<Cow<'v, Value>, EvaluateError>;

pub(super) const NULL: Cow<'static, Value> = Cow::Owned(Value::Null);

fn text(text: impl Into<String>) -> Cow<'static, Value> {
    Cow::Owned(Value::String(text.into()))
}

/// The record of the examples.
pub(super) const TASKS: &str = r#"{"Tasks": [{"Status": "Completed", "Minutes__c": 10, "Owner": {"Name": "Ng"}}, {"Status": "Open", "Minutes__c": 5, "Owner": null}]}"#;

/// A field of the list's elements.
pub(super) const ATTRIBUTE: Parameter = optional("attribute", ParameterKind::Field, "none");

pub(in crate::template) const ENTRIES: &[Entry] = &[
    filter(
        "length",
        &[],
        length,
        "counts the items of a list, the fields of a map or the characters of a text; null counts zero",
        &[example("{{ Tasks | length }}", TASKS, "2")],
    )
    .aliases(&["count"])
    .gives(Gives::Value),
    list_filter(
        "first",
        &[],
        first,
        "gives the first item of a list or the first character of a text; null where there is none",
        &[example("{{ (Tasks | first).Status }}", TASKS, r#""Completed""#)],
    )
    .gives(Gives::Element),
    list_filter(
        "last",
        &[],
        last,
        "gives the last item of a list or the last character of a text; null where there is none",
        &[example("{{ (Tasks | last).Owner.Name }}", TASKS, "null")],
    )
    .gives(Gives::Element),
    list_filter(
        "list",
        &[],
        list,
        "gives a list as it is, and an empty one for null",
        &[example("{{ Tasks | list | length }}", r#"{"Tasks": null}"#, "0")],
    )
    .gives(Gives::Elements),
    list_filter(
        "reverse",
        &[],
        reverse,
        "turns the order of a list or of the characters of a text round",
        &[example("{{ [1, 2, 3] | reverse }}", "{}", "[3, 2, 1]")],
    )
    .gives(Gives::Elements),
    list_filter(
        "join",
        &[
            optional("separator", ParameterKind::Text, "''"),
            ATTRIBUTE,
        ],
        join,
        "writes the items of a list as one text; null and empty items are left out",
        &[
            example(
                "{{ [Salutation, LastName] | join(' ') }}",
                r#"{"Salutation": null, "LastName": "Ng"}"#,
                r#""Ng""#,
            ),
            example(
                "{{ Tasks | join(', ', attribute='Status') }}",
                TASKS,
                r#""Completed, Open""#,
            ),
        ],
    )
    .gives(Gives::Folded),
    list_filter(
        "map",
        &[
            optional("filter", ParameterKind::FilterName, "none"),
            ATTRIBUTE,
        ],
        map,
        "gives a field of each item, or what a filter makes of each item",
        &[
            example(
                "{{ Tasks | map(attribute='Owner.Name') }}",
                TASKS,
                r#"["Ng", null]"#,
            ),
            example(
                "{{ Codes__c | split(',') | map('trim') }}",
                r#"{"Codes__c": "a, b"}"#,
                r#"["a", "b"]"#,
            ),
        ],
    )
    .gives(Gives::Mapped),
    list_filter(
        "selectattr",
        &[
            required("attribute", ParameterKind::Field),
            optional("test", ParameterKind::TestName, "none"),
        ],
        selectattr,
        "keeps the items of which a field passes a test, or counts as true without one",
        &[example(
            "{{ Tasks | selectattr('Status', 'equalto', 'Completed') | length }}",
            TASKS,
            "1",
        )],
    )
    .gives(Gives::Elements),
    list_filter(
        "rejectattr",
        &[
            required("attribute", ParameterKind::Field),
            optional("test", ParameterKind::TestName, "none"),
        ],
        rejectattr,
        "drops the items of which a field passes a test, or counts as true without one",
        &[example(
            "{{ Tasks | rejectattr('Owner') | map(attribute='Status') }}",
            TASKS,
            r#"["Open"]"#,
        )],
    )
    .gives(Gives::Elements),
    list_filter(
        "select",
        &[optional("test", ParameterKind::TestName, "none")],
        select,
        "keeps the items that pass a test, or count as true without one",
        &[example(
            "{{ [MobilePhone, Phone] | select | first }}",
            r#"{"MobilePhone": null, "Phone": "555-0100"}"#,
            r#""555-0100""#,
        )],
    )
    .gives(Gives::Elements),
    list_filter(
        "reject",
        &[optional("test", ParameterKind::TestName, "none")],
        reject,
        "drops the items that pass a test, or count as true without one",
        &[example("{{ [1, 2, 3] | reject('odd') }}", "{}", "[2]")],
    )
    .gives(Gives::Elements),
];

/// The items of a list, each counted as work; null has none.
pub(super) fn items<'v>(
    input: Cow<'v, Value>,
    filter: &str,
    arguments: &Arguments<'v>,
) -> Result<Vec<Cow<'v, Value>>, EvaluateError> {
    let items: Vec<Cow<'v, Value>> = match input {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        input if input.is_null() => Vec::new(),
        other => {
            return Err(EvaluateError::mismatch(format!(
                "`{filter}` works on lists, and it is given {}",
                kind(&other)
            )));
        }
    };
    arguments.budget.charge(items.len() as u64)?;
    Ok(items)
}

pub(super) fn array<'v>(items: impl IntoIterator<Item = Cow<'v, Value>>) -> Cow<'v, Value> {
    Cow::Owned(Value::Array(
        items.into_iter().map(Cow::into_owned).collect(),
    ))
}

/// The value of a field of each item, or the item itself.
pub(super) fn keys<'a>(
    items: &'a [Cow<'_, Value>],
    attribute: Option<&str>,
) -> Result<Vec<&'a Value>, EvaluateError> {
    items
        .iter()
        .map(|item| match attribute {
            Some(path) => native::field_path(item, path),
            None => Ok(&**item),
        })
        .collect()
}

fn length(input: &Value, _: &Arguments<'_>) -> Result<Value, EvaluateError> {
    let length = match input {
        Value::Null => 0,
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        other => {
            return Err(EvaluateError::mismatch(format!(
                "`length` works on lists, maps and text, and it is given {}",
                kind(other)
            )));
        }
    };
    Ok(Value::from(length))
}

fn first<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    if let Value::String(whole) = &*input {
        return Ok(whole.chars().next().map_or(NULL, |letter| text(letter)));
    }
    Ok(items(input, "first", arguments)?
        .into_iter()
        .next()
        .unwrap_or(NULL))
}

fn last<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    if let Value::String(whole) = &*input {
        return Ok(whole
            .chars()
            .next_back()
            .map_or(NULL, |letter| text(letter)));
    }
    Ok(items(input, "last", arguments)?.pop().unwrap_or(NULL))
}

fn list<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    if input.is_array() {
        return Ok(input);
    }
    items(input, "list", arguments).map(array)
}

fn reverse<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    if let Value::String(whole) = &*input {
        return Ok(text(whole.chars().rev().collect::<String>()));
    }
    Ok(array(items(input, "reverse", arguments)?.into_iter().rev()))
}

fn join<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    let separator = arguments.text(0, "separator")?.unwrap_or_default();
    let items = items(input, "join", arguments)?;
    let mut joined = String::new();
    for key in keys(&items, arguments.text(1, "attribute")?)? {
        let part = crate::template::value::text(key)?;
        if part.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push_str(separator);
        }
        joined.push_str(&part);
        arguments
            .budget
            .charge_bytes(separator.len() + part.len())?;
    }
    arguments.budget.charge_bytes(joined.len())?;
    Ok(text(joined))
}

fn map<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    let items = items(input, "map", arguments)?;
    if let Some(attribute) = arguments.text(1, "attribute")? {
        let keys = keys(&items, Some(attribute))?;
        return Ok(array(keys.into_iter().map(|key| Cow::Owned(key.clone()))));
    }
    let name = arguments.text(0, "filter")?.unwrap_or_default();
    let Some(entry) = find(EntryKind::Filter, name) else {
        return Err(EvaluateError::filter("`map` needs a filter or `attribute`"));
    };
    let mut mapped = Vec::with_capacity(items.len());
    for item in items {
        let inner = inner_arguments(entry, arguments);
        mapped.push(native::apply(entry, item, &inner)?.into_owned());
    }
    Ok(Cow::Owned(Value::Array(mapped)))
}

/// What follows the name of a filter or a test are its arguments, in the order of its parameters.
fn inner_arguments<'v>(entry: &Entry, arguments: &Arguments<'v>) -> Arguments<'v> {
    let given = arguments.rest.len().min(entry.parameters.len());
    let mut values: Vec<_> = arguments.rest[..given].iter().cloned().map(Some).collect();
    values.resize(entry.parameters.len(), None);
    Arguments {
        values,
        rest: arguments.rest[given..].to_vec(),
        budget: arguments.budget,
    }
}

/// Keeps the items whose key passes the test `wanted` times out of one.
fn choose<'v>(
    input: Cow<'v, Value>,
    filter: &str,
    arguments: &Arguments<'v>,
    wanted: bool,
) -> Output<'v> {
    let by_field = filter.ends_with("attr");
    let attribute = if by_field {
        arguments.text(0, "attribute")?
    } else {
        None
    };
    let test = match arguments.text(usize::from(by_field), "test")? {
        Some(name) => Some(
            find(EntryKind::Test, name)
                .ok_or_else(|| EvaluateError::filter(format!("there is no test `{name}`")))?,
        ),
        None => None,
    };
    let items = items(input, filter, arguments)?;
    let passes = keys(&items, attribute)?
        .into_iter()
        .map(|key| match test {
            Some(test) => predicate::check(test, key, &inner_arguments(test, arguments)),
            None => Ok(truth(key)),
        })
        .collect::<Result<Vec<bool>, _>>()?;
    let kept = items.into_iter().zip(passes);
    Ok(array(
        kept.filter(|(_, passed)| *passed == wanted)
            .map(|(item, _)| item),
    ))
}

fn selectattr<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    choose(input, "selectattr", arguments, true)
}

fn rejectattr<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    choose(input, "rejectattr", arguments, false)
}

fn select<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    choose(input, "select", arguments, true)
}

fn reject<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    choose(input, "reject", arguments, false)
}

//! Filters that put the items of lists in order, group them or add them up.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use crate::template::catalogue::{
    Arguments, Entry, Gives, ParameterKind, example, list_filter, optional, required,
};
use crate::template::error::EvaluateError;
use crate::template::scope::kind;
use crate::template::value::{compare_numbers, equal, integer};

use super::list::{ATTRIBUTE, NULL, Output, TASKS, array, items, keys};

pub(in crate::template) const ENTRIES: &[Entry] = &[
    list_filter(
        "sort",
        &[
            optional("reverse", ParameterKind::Flag, "false"),
            optional("case_sensitive", ParameterKind::Flag, "false"),
            ATTRIBUTE,
        ],
        sort,
        "sorts a list, by a field of its items where one is given; null comes first, equal items keep their order",
        &[example(
            "{{ Tasks | sort(attribute='Minutes__c') | map(attribute='Status') }}",
            TASKS,
            r#"["Open", "Completed"]"#,
        )],
    )
    .gives(Gives::Elements),
    list_filter(
        "unique",
        &[
            optional("case_sensitive", ParameterKind::Flag, "false"),
            ATTRIBUTE,
        ],
        unique,
        "keeps the first of equal items, or of items with an equal field",
        &[example(
            "{{ ['Solar', 'Wind', 'solar'] | unique }}",
            "{}",
            r#"["Solar", "Wind"]"#,
        )],
    )
    .gives(Gives::Elements),
    list_filter(
        "groupby",
        &[required("attribute", ParameterKind::Field)],
        groupby,
        "gives a list of `{grouper, list}`, one for each value of a field, in the order of the values",
        &[example(
            "{% for group in Tasks | groupby('Status') %}{{ group.grouper }}: {{ group.list | length }} {% endfor %}",
            TASKS,
            r#""Completed: 1 Open: 1""#,
        )],
    )
    .gives(Gives::Groups),
    list_filter(
        "sum",
        &[ATTRIBUTE],
        sum,
        "adds up numbers, or a field of each item; null counts nothing, an empty list gives 0",
        &[example("{{ Tasks | sum(attribute='Minutes__c') }}", TASKS, "15")],
    )
    .gives(Gives::Folded),
    list_filter(
        "min",
        &[ATTRIBUTE],
        min,
        "gives the smallest item, or the item with the smallest field; null counts nothing, an empty list gives null",
        &[example("{{ [3, 1, 2] | min }}", "{}", "1")],
    )
    .gives(Gives::Element),
    list_filter(
        "max",
        &[ATTRIBUTE],
        max,
        "gives the largest item, or the item with the largest field; null counts nothing, an empty list gives null",
        &[example(
            "{{ (Tasks | max(attribute='Minutes__c')).Status }}",
            TASKS,
            r#""Completed""#,
        )],
    )
    .gives(Gives::Element),
];

/// A key that sorts and groups: texts are folded once, unless case matters.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
}

fn key(value: &Value, case_sensitive: bool, filter: &str) -> Result<Key, EvaluateError> {
    match value {
        Value::Null => Ok(Key::Null),
        Value::Bool(truth) => Ok(Key::Bool(*truth)),
        Value::Number(number) => Ok(Key::Number(number.clone())),
        Value::String(text) if case_sensitive => Ok(Key::Text(text.clone())),
        Value::String(text) => Ok(Key::Text(text.to_lowercase())),
        other => Err(EvaluateError::mismatch(format!(
            "`{filter}` puts texts and numbers in order, and it is given {}; name a field with `attribute`",
            kind(other)
        ))),
    }
}

/// Null first; the others only among their own kind, which [`same_kind`] has checked.
fn compare(left: &Key, right: &Key) -> Ordering {
    match (left, right) {
        (Key::Null, Key::Null) => Ordering::Equal,
        (Key::Null, _) => Ordering::Less,
        (_, Key::Null) => Ordering::Greater,
        (Key::Bool(left), Key::Bool(right)) => left.cmp(right),
        (Key::Number(left), Key::Number(right)) => compare_numbers(left, right),
        (Key::Text(left), Key::Text(right)) => left.cmp(right),
        _ => Ordering::Equal,
    }
}

fn same_kind(keys: &[Key], filter: &str) -> Result<(), EvaluateError> {
    let mut kinds = keys
        .iter()
        .filter(|key| **key != Key::Null)
        .map(std::mem::discriminant);
    let first = kinds.next();
    if kinds.all(|kind| Some(kind) == first) {
        Ok(())
    } else {
        Err(EvaluateError::mismatch(format!(
            "`{filter}` is given values of several kinds, which stand in no order"
        )))
    }
}

fn ordered_keys(
    items: &[Cow<'_, Value>],
    attribute: Option<&str>,
    case_sensitive: bool,
    filter: &str,
) -> Result<Vec<Key>, EvaluateError> {
    let keys = keys(items, attribute)?
        .into_iter()
        .map(|value| key(value, case_sensitive, filter))
        .collect::<Result<Vec<_>, _>>()?;
    same_kind(&keys, filter)?;
    Ok(keys)
}

fn sort<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    let reverse = arguments.flag(0, "reverse")?;
    let case_sensitive = arguments.flag(1, "case_sensitive")?;
    let items = items(input, "sort", arguments)?;
    let keys = ordered_keys(
        &items,
        arguments.text(2, "attribute")?,
        case_sensitive,
        "sort",
    )?;
    let mut sorted: Vec<_> = keys.into_iter().zip(items).collect();
    sorted.sort_by(|(left, _), (right, _)| {
        let order = compare(left, right);
        if reverse { order.reverse() } else { order }
    });
    Ok(array(sorted.into_iter().map(|(_, item)| item)))
}

fn unique<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    let case_sensitive = arguments.flag(0, "case_sensitive")?;
    let items = items(input, "unique", arguments)?;
    let keys: Vec<String> = keys(&items, arguments.text(1, "attribute")?)?
        .into_iter()
        .map(|key| identity(key, case_sensitive))
        .collect();
    let mut seen = HashSet::new();
    let kept = keys.into_iter().zip(items);
    Ok(array(kept.filter_map(|(key, item)| {
        seen.insert(key).then_some(item)
    })))
}

/// A text that equal values share.
fn identity(value: &Value, case_sensitive: bool) -> String {
    match value {
        Value::String(text) if !case_sensitive => format!("\"{}", text.to_lowercase()),
        Value::String(text) => format!("\"{text}"),
        Value::Number(number) => match integer(number) {
            Some(whole) => whole.to_string(),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn groupby<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    let items = items(input, "groupby", arguments)?;
    let attribute = arguments.text(0, "attribute")?;
    let order = ordered_keys(&items, attribute, true, "groupby")?;
    let names: Vec<Value> = keys(&items, attribute)?.into_iter().cloned().collect();
    let mut rows: Vec<_> = order.into_iter().zip(names).zip(items).collect();
    rows.sort_by(|((left, _), _), ((right, _), _)| compare(left, right));
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for ((_, name), item) in rows {
        match groups.last_mut() {
            Some((known, list)) if equal(known, &name) => list.push(item.into_owned()),
            _ => groups.push((name, vec![item.into_owned()])),
        }
    }
    let group = |(grouper, list): (Value, Vec<Value>)| {
        let mut fields = Map::new();
        fields.insert("grouper".to_owned(), grouper);
        fields.insert("list".to_owned(), Value::Array(list));
        Value::Object(fields)
    };
    Ok(Cow::Owned(Value::Array(
        groups.into_iter().map(group).collect(),
    )))
}

fn sum<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    let items = items(input, "sum", arguments)?;
    let (mut whole, mut fraction, mut has_fraction) = (0_i128, 0.0_f64, false);
    for key in keys(&items, arguments.text(0, "attribute")?)? {
        match key {
            Value::Null => {}
            Value::Number(number) if number.is_f64() => {
                has_fraction = true;
                fraction += number.as_f64().unwrap_or_default();
            }
            Value::Number(number) => whole += integer(number).unwrap_or_default(),
            other => {
                return Err(EvaluateError::mismatch(format!(
                    "`sum` adds up numbers, and it is given {}",
                    kind(other)
                )));
            }
        }
    }
    let total = if has_fraction {
        Number::from_f64(whole as f64 + fraction).map(Value::Number)
    } else {
        i64::try_from(whole).ok().map(Value::from)
    };
    total
        .map(Cow::Owned)
        .ok_or_else(|| EvaluateError::filter("the sum has more digits than a number may have"))
}

fn extreme<'v>(
    input: Cow<'v, Value>,
    filter: &str,
    arguments: &Arguments<'v>,
    wanted: Ordering,
) -> Output<'v> {
    let items = items(input, filter, arguments)?;
    let keys = ordered_keys(&items, arguments.text(0, "attribute")?, true, filter)?;
    let mut best: Option<(Key, Cow<'v, Value>)> = None;
    for (key, item) in keys.into_iter().zip(items) {
        if key == Key::Null {
            continue;
        }
        let better = match &best {
            Some((known, _)) => compare(&key, known) == wanted,
            None => true,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(NULL, |(_, item)| item))
}

fn min<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    extreme(input, "min", arguments, Ordering::Less)
}

fn max<'v>(input: Cow<'v, Value>, arguments: &Arguments<'v>) -> Output<'v> {
    extreme(input, "max", arguments, Ordering::Greater)
}

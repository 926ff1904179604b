//! The tests that stand behind `is`, and in quotes in `selectattr` and its kind.

use std::cmp::Ordering;

use serde_json::Value;

use super::catalogue::{
    Arguments, Entry, EntryKind, Example, Gives, Parameter, ParameterKind, Test, Work, example,
    required,
};
use super::error::EvaluateError;
use super::value::{contains, equal, integer, order};

const OTHER: &[Parameter] = &[required("other", ParameterKind::Any)];

pub(super) const ENTRIES: &[Entry] = &[
    test(
        "none",
        &[],
        |value, _| Ok(value.is_null()),
        "is null",
        &[example(
            "{{ Phone is not none }}",
            r#"{"Phone": null}"#,
            "false",
        )],
    )
    .aliases(&["null"]),
    test(
        "blank",
        &[],
        |value, _| Ok(blank(value)),
        "is null, white space or an empty list or map",
        &[example(
            "{{ Notes__c is blank }}",
            r#"{"Notes__c": "  "}"#,
            "true",
        )],
    ),
    presence(
        "defined",
        true,
        "is there, be it null",
        &[example(
            "{{ Company is defined }}",
            r#"{"Company": null}"#,
            "true",
        )],
    ),
    presence(
        "undefined",
        false,
        "is not there",
        &[example("{{ Company is undefined }}", "{}", "true")],
    ),
    test(
        "true",
        &[],
        |value, _| Ok(*value == Value::Bool(true)),
        "is the boolean true",
        &[example(
            "{{ Active__c is true }}",
            r#"{"Active__c": 1}"#,
            "false",
        )],
    ),
    test(
        "false",
        &[],
        |value, _| Ok(*value == Value::Bool(false)),
        "is the boolean false",
        &[example(
            "{{ Active__c is false }}",
            r#"{"Active__c": false}"#,
            "true",
        )],
    ),
    test(
        "boolean",
        &[],
        |value, _| Ok(value.is_boolean()),
        "is true or false",
        &[example("{{ 0 is boolean }}", "{}", "false")],
    ),
    test(
        "number",
        &[],
        |value, _| Ok(value.is_number()),
        "is a number",
        &[example("{{ 1.5 is number }}", "{}", "true")],
    ),
    test(
        "integer",
        &[],
        |value, _| Ok(value.is_i64() || value.is_u64()),
        "is a whole number",
        &[example("{{ 1.5 is integer }}", "{}", "false")],
    )
    .aliases(&["int"]),
    test(
        "float",
        &[],
        |value, _| Ok(value.is_f64()),
        "is a number with a fraction",
        &[example("{{ 1.5 is float }}", "{}", "true")],
    ),
    test(
        "string",
        &[],
        |value, _| Ok(value.is_string()),
        "is a text",
        &[example("{{ '1' is string }}", "{}", "true")],
    ),
    test(
        "list",
        &[],
        |value, _| Ok(value.is_array()),
        "is a list",
        &[example("{{ [1] is list }}", "{}", "true")],
    )
    .aliases(&["sequence"]),
    test(
        "mapping",
        &[],
        |value, _| Ok(value.is_object()),
        "is a map",
        &[example(
            "{{ Owner is mapping }}",
            r#"{"Owner": {"Name": "Ng"}}"#,
            "true",
        )],
    ),
    test(
        "equalto",
        OTHER,
        |value, other| Ok(equal(value, given(other))),
        "is equal; 1 and 1.0 are",
        &[example("{{ 1 is equalto 1.0 }}", "{}", "true")],
    )
    .aliases(&["eq", "==", "sameas"]),
    test(
        "ne",
        OTHER,
        |value, other| Ok(!equal(value, given(other))),
        "is not equal",
        &[example("{{ 'a' is ne 'b' }}", "{}", "true")],
    )
    .aliases(&["!="]),
    test(
        "lessthan",
        OTHER,
        |value, other| ordered(value, other, Ordering::is_lt),
        "is less; null is neither less nor greater than anything",
        &[example("{{ 1 is lessthan 2 }}", "{}", "true")],
    )
    .aliases(&["lt", "<"]),
    test(
        "le",
        OTHER,
        |value, other| ordered(value, other, Ordering::is_le),
        "is less or equal",
        &[example("{{ 2 is le 2 }}", "{}", "true")],
    )
    .aliases(&["<="]),
    test(
        "greaterthan",
        OTHER,
        |value, other| ordered(value, other, Ordering::is_gt),
        "is greater",
        &[example("{{ none is greaterthan 2 }}", "{}", "false")],
    )
    .aliases(&["gt", ">"]),
    test(
        "ge",
        OTHER,
        |value, other| ordered(value, other, Ordering::is_ge),
        "is greater or equal",
        &[example("{{ 2 is ge 3 }}", "{}", "false")],
    )
    .aliases(&[">="]),
    test(
        "in",
        OTHER,
        |value, other| contains(given(other), value),
        "is an item of the list, or a part of the text",
        &[example(
            "{{ Tasks | selectattr('Status', 'in', ['Open', 'Late']) | length }}",
            r#"{"Tasks": [{"Status": "Open"}, {"Status": "Done"}]}"#,
            "1",
        )],
    ),
    test(
        "containing",
        OTHER,
        |value, other| contains(value, given(other)),
        "is a list with the item, or a text with the part",
        &[example(
            "{{ Tasks | selectattr('Subject', 'containing', 'Call') | length }}",
            r#"{"Tasks": [{"Subject": "Call 1"}, {"Subject": null}]}"#,
            "1",
        )],
    ),
    test(
        "startingwith",
        OTHER,
        |value, other| affix(value, other, |text, part| text.starts_with(part)),
        "is a text that begins so",
        &[example("{{ 'Lead' is startingwith 'Le' }}", "{}", "true")],
    ),
    test(
        "endingwith",
        OTHER,
        |value, other| affix(value, other, |text, part| text.ends_with(part)),
        "is a text that ends so",
        &[example(
            "{{ Email is endingwith '@example.com' }}",
            r#"{"Email": "ada@example.com"}"#,
            "true",
        )],
    ),
    test(
        "odd",
        &[],
        |value, _| Ok(whole(value).is_some_and(|number| number % 2 != 0)),
        "is an odd whole number",
        &[example("{{ 3 is odd }}", "{}", "true")],
    ),
    test(
        "even",
        &[],
        |value, _| Ok(whole(value).is_some_and(|number| number % 2 == 0)),
        "is an even whole number",
        &[example("{{ 3 is even }}", "{}", "false")],
    ),
    test(
        "divisibleby",
        OTHER,
        |value, other| Ok(divisible(value, given(other))),
        "is a whole number that another divides",
        &[example("{{ 21 is divisibleby 7 }}", "{}", "true")],
    ),
];

const fn test(
    name: &'static str,
    parameters: &'static [Parameter],
    work: Test,
    about: &'static str,
    examples: &'static [Example],
) -> Entry {
    Entry {
        name,
        aliases: &[],
        kind: EntryKind::Test,
        parameters,
        about,
        examples,
        work: Work::Test(work),
        gives: Gives::Value,
    }
}

const fn presence(
    name: &'static str,
    wanted: bool,
    about: &'static str,
    examples: &'static [Example],
) -> Entry {
    Entry {
        name,
        aliases: &[],
        kind: EntryKind::Test,
        parameters: &[],
        about,
        examples,
        work: Work::Defined(wanted),
        gives: Gives::Value,
    }
}

/// Runs a test over a value that is there.
pub(super) fn check(
    entry: &Entry,
    value: &Value,
    arguments: &Arguments<'_>,
) -> Result<bool, EvaluateError> {
    arguments.budget.charge(1)?;
    match entry.work {
        Work::Test(test) => test(value, arguments),
        Work::Defined(wanted) => Ok(wanted),
        Work::Filter(_) | Work::List(_) | Work::Default => Err(EvaluateError::filter(format!(
            "`{}` is not a test",
            entry.name
        ))),
    }
}

fn given<'a>(arguments: &'a Arguments<'_>) -> &'a Value {
    arguments.value(0).unwrap_or(&Value::Null)
}

fn blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn ordered(
    value: &Value,
    arguments: &Arguments<'_>,
    wanted: fn(Ordering) -> bool,
) -> Result<bool, EvaluateError> {
    Ok(order(value, given(arguments))?.is_some_and(wanted))
}

fn affix(
    value: &Value,
    arguments: &Arguments<'_>,
    found: fn(&str, &str) -> bool,
) -> Result<bool, EvaluateError> {
    let part = arguments.text(0, "other")?;
    Ok(match (value, part) {
        (Value::String(text), Some(part)) => found(text, part),
        _ => false,
    })
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => integer(number),
        _ => None,
    }
}

fn divisible(value: &Value, by: &Value) -> bool {
    match (whole(value), whole(by)) {
        (Some(_), Some(0)) => false,
        (Some(value), Some(by)) => value % by == 0,
        _ => false,
    }
}

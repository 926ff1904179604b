//! Filters of text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::template::catalogue::{
    Arguments, Entry, EntryKind, Gives, ParameterKind, Work, example, filter, optional, required,
};
use crate::template::error::EvaluateError;

use super::{Made, text, text_of};

pub(in crate::template) const ENTRIES: &[Entry] = &[
    filter(
        "trim",
        &[],
        trim,
        "removes white space at both ends",
        &[example(
            "{{ LastName | trim }}",
            r#"{"LastName": " Ng "}"#,
            r#""Ng""#,
        )],
    ),
    filter(
        "lower",
        &[],
        lower,
        "makes all letters small",
        &[example(
            "{{ Email | lower }}",
            r#"{"Email": "Ada@Example.COM"}"#,
            r#""ada@example.com""#,
        )],
    ),
    filter(
        "upper",
        &[],
        upper,
        "makes all letters capital",
        &[example(
            "{{ Country | upper }}",
            r#"{"Country": "us"}"#,
            r#""US""#,
        )],
    ),
    filter(
        "title",
        &[],
        title,
        "writes names as names: capital first letters; a word with capitals and small letters keeps them",
        &[
            example(
                "{{ Name | title }}",
                r#"{"Name": "ADA o'brien-SMITH"}"#,
                r#""Ada O'Brien-Smith""#,
            ),
            example(
                "{{ Name | title }}",
                r#"{"Name": "ronald McDonald"}"#,
                r#""Ronald McDonald""#,
            ),
        ],
    ),
    filter(
        "capitalize",
        &[],
        capitalize,
        "makes the first letter capital and all others small",
        &[example(
            "{{ Status | capitalize }}",
            r#"{"Status": "OPEN - new"}"#,
            r#""Open - new""#,
        )],
    ),
    filter(
        "replace",
        &[
            required("old", ParameterKind::Text),
            required("new", ParameterKind::Text),
        ],
        replace,
        "replaces every occurrence of one text by another",
        &[example(
            "{{ Phone | replace('-', ' ') }}",
            r#"{"Phone": "415-555-0100"}"#,
            r#""415 555 0100""#,
        )],
    ),
    filter(
        "truncate",
        &[
            required("length", ParameterKind::Count),
            optional("end", ParameterKind::Text, "'…'"),
        ],
        truncate,
        "cuts a longer text so that it has `length` characters, `end` included",
        &[
            example(
                "{{ Description | truncate(10) }}",
                r#"{"Description": "Asked for a demo"}"#,
                r#""Asked for…""#,
            ),
            example(
                "{{ Description | truncate(9, end='') }}",
                r#"{"Description": "Asked for a demo"}"#,
                r#""Asked for""#,
            ),
        ],
    ),
    filter(
        "split",
        &[optional("separator", ParameterKind::Text, "none")],
        split,
        "makes a list of the parts between separators, by default between white space",
        &[example(
            "{{ Interests__c | split(';') }}",
            r#"{"Interests__c": "Solar;Wind"}"#,
            r#"["Solar", "Wind"]"#,
        )],
    ),
    filter(
        "string",
        &[],
        string,
        "writes a number or a boolean as text",
        &[example(
            "{{ Employees | string }}",
            r#"{"Employees": 12}"#,
            r#""12""#,
        )],
    ),
    filter(
        "urlencode",
        &[],
        urlencode,
        "writes a text so that it can stand in a web address",
        &[example(
            "https://example.com/?name={{ Name | urlencode }}",
            r#"{"Name": "Ada & Co"}"#,
            r#""https://example.com/?name=Ada%20%26%20Co""#,
        )],
    ),
    filter(
        "tojson",
        &[],
        tojson,
        "writes any value, lists and maps too, as JSON text",
        &[example(
            "{{ ['a', 1, none] | tojson }}",
            "{}",
            r#""[\"a\",1,null]""#,
        )],
    ),
    Entry {
        name: "default",
        aliases: &["d"],
        kind: EntryKind::Filter,
        parameters: &[required("value", ParameterKind::Any)],
        about: "gives `value` where the input is null or absent; zero, false and empty lists stay",
        examples: &[
            example(
                "{{ Company | default('unknown') }}",
                r#"{"Company": null}"#,
                r#""unknown""#,
            ),
            example("{{ Employees | default(1) }}", r#"{"Employees": 0}"#, "0"),
        ],
        work: Work::Default,
        gives: Gives::Either,
    },
];

fn trim(input: &Value, _: &Arguments<'_>) -> Made {
    Ok(text_of(input, "trim")?.map_or(Value::Null, |whole| text(whole.trim())))
}

fn lower(input: &Value, _: &Arguments<'_>) -> Made {
    Ok(text_of(input, "lower")?.map_or(Value::Null, |whole| text(whole.to_lowercase())))
}

fn upper(input: &Value, _: &Arguments<'_>) -> Made {
    Ok(text_of(input, "upper")?.map_or(Value::Null, |whole| text(whole.to_uppercase())))
}

fn capitalize(input: &Value, _: &Arguments<'_>) -> Made {
    Ok(text_of(input, "capitalize")?.map_or(Value::Null, |whole| text(capital(&whole))))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(letters.flat_map(char::to_lowercase))
            .collect()
    })
}

fn title(input: &Value, _: &Arguments<'_>) -> Made {
    Ok(text_of(input, "title")?.map_or(Value::Null, |whole| text(titled(&whole))))
}

/// Words end at white space, hyphens, dots and slashes; an apostrophe ends one only behind a single letter (O'Brien).
fn titled(whole: &str) -> String {
    let mut result = String::with_capacity(whole.len());
    let mut word = String::new();
    for letter in whole.chars() {
        let apostrophe = matches!(letter, '\'' | '\u{2019}');
        let ends = if apostrophe {
            word.chars().count() == 1
        } else {
            letter.is_whitespace() || matches!(letter, '-' | '.' | '/' | '(' | '"')
        };
        if ends {
            push_word(&mut result, &mut word);
            result.push(letter);
        } else {
            word.push(letter);
        }
    }
    push_word(&mut result, &mut word);
    result
}

fn push_word(result: &mut String, word: &mut String) {
    let mixed = word.chars().any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    if mixed {
        result.push_str(word);
    } else {
        result.push_str(&capital(word));
    }
    word.clear();
}

fn replace(input: &Value, arguments: &Arguments<'_>) -> Made {
    let old = arguments.text(0, "old")?.unwrap_or_default();
    let new = arguments.text(1, "new")?.unwrap_or_default();
    let Some(whole) = text_of(input, "replace")? else {
        return Ok(Value::Null);
    };
    if old.is_empty() {
        return Err(EvaluateError::filter("`replace` needs a text to look for"));
    }
    // The size of the result is known before it is made, so that it can be refused first.
    let found = whole.matches(old).count();
    let bytes = whole.len() - found * old.len() + found.saturating_mul(new.len());
    arguments.budget.charge_bytes(bytes)?;
    Ok(text(whole.replace(old, new)))
}

fn truncate(input: &Value, arguments: &Arguments<'_>) -> Made {
    let length = arguments.count(0, "length")?.unwrap_or_default();
    let end = arguments.text(1, "end")?.unwrap_or("…");
    let Some(whole) = text_of(input, "truncate")? else {
        return Ok(Value::Null);
    };
    if whole.len() <= length || whole.chars().count() <= length {
        return Ok(text(whole));
    }
    let end_length = end.chars().count();
    let Some(kept) = length.checked_sub(end_length) else {
        return Err(EvaluateError::filter(format!(
            "`truncate` to {length} characters leaves no room for an end of {end_length}"
        )));
    };
    let cut: String = whole.chars().take(kept).collect();
    Ok(text(format!("{}{end}", cut.trim_end())))
}

fn split(input: &Value, arguments: &Arguments<'_>) -> Made {
    let Some(whole) = text_of(input, "split")? else {
        return Ok(Value::Null);
    };
    let part = |part: &str| Value::String(part.to_owned());
    let parts: Vec<Value> = match arguments.text(0, "separator")? {
        None => whole.split_whitespace().map(part).collect(),
        Some("") => {
            return Err(EvaluateError::filter(
                "`split` needs a separator that is not empty",
            ));
        }
        Some(separator) => whole.split(separator).map(part).collect(),
    };
    arguments.budget.charge(parts.len() as u64)?;
    Ok(Value::Array(parts))
}

fn string(input: &Value, _: &Arguments<'_>) -> Made {
    Ok(text_of(input, "string")?.map_or(Value::Null, text))
}

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn urlencode(input: &Value, arguments: &Arguments<'_>) -> Made {
    let Some(whole) = text_of(input, "urlencode")? else {
        return Ok(Value::Null);
    };
    arguments
        .budget
        .charge_bytes(whole.len().saturating_mul(3))?;
    Ok(text(utf8_percent_encode(&whole, RESERVED).to_string()))
}

fn tojson(input: &Value, arguments: &Arguments<'_>) -> Made {
    arguments
        .budget
        .charge_bytes(crate::template::value::size(input))?;
    Ok(text(input.to_string()))
}

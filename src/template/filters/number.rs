//! Filters of numbers.

use serde_json::{Number, Value};

use crate::template::catalogue::{Arguments, Entry, ParameterKind, example, filter, optional};
use crate::template::error::EvaluateError;
use crate::template::scope::kind;
use crate::template::value::integer;

use super::Made;

pub(in crate::template) const ENTRIES: &[Entry] = &[
    filter(
        "int",
        &[],
        int,
        "makes a whole number of a number, a text or a boolean; a fraction is cut off",
        &[
            example(
                "{{ Employees__c | int }}",
                r#"{"Employees__c": " 42 "}"#,
                "42",
            ),
            example("{{ Score__c | int }}", r#"{"Score__c": 71.9}"#, "71"),
        ],
    ),
    filter(
        "float",
        &[],
        float,
        "makes a number with a fraction of a number, a text or a boolean",
        &[example(
            "{{ Amount__c | float }}",
            r#"{"Amount__c": "12.50"}"#,
            "12.5",
        )],
    ),
    filter(
        "round",
        &[optional("digits", ParameterKind::Count, "0")],
        round,
        "rounds a number, halves away from zero; without `digits` it gives a whole number",
        &[
            example("{{ Score__c | round }}", r#"{"Score__c": 71.5}"#, "72"),
            example("{{ Amount | round(2) }}", r#"{"Amount": 12.3456}"#, "12.35"),
        ],
    ),
    filter(
        "abs",
        &[],
        abs,
        "takes the sign away",
        &[example(
            "{{ Change__c | abs }}",
            r#"{"Change__c": -3}"#,
            "3",
        )],
    ),
];

fn not_a_number(filter: &str, input: &Value) -> EvaluateError {
    EvaluateError::mismatch(format!(
        "`{filter}` works on numbers, and it is given {}",
        kind(input)
    ))
}

fn no_number(filter: &str) -> EvaluateError {
    EvaluateError::filter(format!("`{filter}` is given a text that is not a number"))
}

fn whole(value: i128) -> Result<Value, EvaluateError> {
    if let Ok(value) = i64::try_from(value) {
        return Ok(Value::from(value));
    }
    u64::try_from(value).map(Value::from).map_err(|_| {
        EvaluateError::filter("the number has more digits than a whole number may have")
    })
}

fn fraction(value: f64) -> Result<Value, EvaluateError> {
    Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| EvaluateError::filter("the number is too large"))
}

fn cut(value: f64) -> Result<Value, EvaluateError> {
    match Number::from_f64(value.trunc()).as_ref().and_then(integer) {
        Some(value) => whole(value),
        None => Err(EvaluateError::filter(
            "the number has more digits than a whole number may have",
        )),
    }
}

fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    // `inf`, `nan` and their kind are numbers to the standard library only.
    let plain = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    plain.then(|| text.parse().ok()).flatten()
}

fn int(input: &Value, _: &Arguments<'_>) -> Made {
    let value = match input {
        Value::Null => return Ok(Value::Null),
        Value::Bool(truth) => Value::from(i64::from(*truth)),
        Value::Number(number) if number.is_f64() => cut(number.as_f64().unwrap_or_default())?,
        Value::Number(_) => return Ok(input.clone()),
        Value::String(text) => match text.trim().parse::<i128>() {
            Ok(value) => whole(value)?,
            Err(_) => cut(parse(text).ok_or_else(|| no_number("int"))?)?,
        },
        other => return Err(not_a_number("int", other)),
    };
    Ok(value)
}

fn float(input: &Value, _: &Arguments<'_>) -> Made {
    let value = match input {
        Value::Null => return Ok(Value::Null),
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Number(number) => number.as_f64().unwrap_or_default(),
        Value::String(text) => parse(text).ok_or_else(|| no_number("float"))?,
        other => return Err(not_a_number("float", other)),
    };
    fraction(value)
}

fn round(input: &Value, arguments: &Arguments<'_>) -> Made {
    let digits = arguments.count(0, "digits")?.unwrap_or(0);
    let number = match input {
        Value::Null => return Ok(Value::Null),
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default(),
        Value::Number(_) => return Ok(input.clone()),
        other => return Err(not_a_number("round", other)),
    };
    if digits == 0 {
        return cut(number.round());
    }
    // A float has at most 17 significant digits, so more of them change nothing.
    fraction(decimal_round(number, digits.min(17)))
}

/// Rounds the decimal digits that print the number, so that 1.005 to two digits is 1.01.
fn decimal_round(number: f64, digits: usize) -> f64 {
    let printed = format!("{}", number.abs());
    let Some((whole, rest)) = printed.split_once('.') else {
        return number;
    };
    if rest.len() <= digits {
        return number;
    }
    let mut kept: Vec<u8> = whole.bytes().chain(rest.bytes().take(digits)).collect();
    if rest.as_bytes()[digits] >= b'5' {
        let mut index = kept.len();
        loop {
            if index == 0 {
                kept.insert(0, b'1');
                break;
            }
            index -= 1;
            if kept[index] == b'9' {
                kept[index] = b'0';
            } else {
                kept[index] += 1;
                break;
            }
        }
    }
    let point = kept.len() - digits;
    let text: String = kept.iter().map(|digit| char::from(*digit)).collect();
    let value: f64 = format!("{}.{}", &text[..point], &text[point..])
        .parse()
        .unwrap_or(number);
    value.copysign(number)
}

fn abs(input: &Value, _: &Arguments<'_>) -> Made {
    let value = match input {
        Value::Null => return Ok(Value::Null),
        Value::Number(number) if number.is_f64() => {
            fraction(number.as_f64().unwrap_or_default().abs())?
        }
        Value::Number(number) => whole(integer(number).unwrap_or_default().abs())?,
        other => return Err(not_a_number("abs", other)),
    };
    Ok(value)
}

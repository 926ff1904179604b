//! Filters of contact data: telephone numbers and hashes of addresses.

use std::fmt::Write as _;

use phonenumber::Mode;
use phonenumber::country::{Id, Source};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::template::catalogue::{Arguments, Entry, ParameterKind, example, filter, optional};
use crate::template::error::EvaluateError;

use super::{Made, text, text_of};

/// The longest text that is looked at as a telephone number (libphonenumber, `MAX_INPUT_STRING_LENGTH`).
const MAX_PHONE: usize = 250;
/// What one number costs of the evaluation's work: reading it takes some hundred times as long as trimming it.
const PHONE_WORK: u64 = 100;

pub(in crate::template) const ENTRIES: &[Entry] = &[
    filter(
        "e164",
        &[
            optional("country", ParameterKind::Country, "none"),
            optional("strict", ParameterKind::Flag, "false"),
        ],
        e164,
        "writes a telephone number as `+` and digits; null where the text is no valid number, or an error with \
         `strict=true`. A number without `+` is read as one of `country`, and is null without it: no country is guessed",
        &[
            example(
                "{{ MobilePhone | e164(country='US') }}",
                r#"{"MobilePhone": "(415) 555-0100"}"#,
                r#""+14155550100""#,
            ),
            example(
                "{{ Phone | e164(country=CountryCode) }}",
                r#"{"Phone": "11 91234-5678", "CountryCode": "BR"}"#,
                r#""+5511912345678""#,
            ),
            example(
                "{{ Phone | e164(country='US') }}",
                r#"{"Phone": "ask her assistant"}"#,
                "null",
            ),
            example(
                "{{ Phone | e164 }}",
                r#"{"Phone": "+44 20 7946 0958"}"#,
                r#""+442079460958""#,
            ),
        ],
    ),
    filter(
        "sha256",
        &[optional("salt", ParameterKind::Text, "''")],
        sha256,
        "gives the SHA-256 of salt and text as 64 hexadecimal digits; normalise the text first, as the receiver expects it",
        &[example(
            "{{ Email | trim | lower | sha256 }}",
            r#"{"Email": " Ada@Example.com"}"#,
            r#""b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72""#,
        )],
    ),
];

/// A country by its two letters, in any case.
pub(in crate::template) fn country(code: &str) -> Option<Id> {
    let code = code.trim();
    (code.len() == 2)
        .then(|| code.to_ascii_uppercase().parse().ok())
        .flatten()
}

fn e164(input: &Value, arguments: &Arguments<'_>) -> Made {
    let strict = arguments.flag(1, "strict")?;
    let Some(written) = text_of(input, "e164")? else {
        return Ok(Value::Null);
    };
    arguments.budget.charge(PHONE_WORK)?;
    let country = arguments.text(0, "country")?.and_then(country);
    match number(&written, country) {
        Some(number) => Ok(text(number)),
        None if strict => Err(EvaluateError::filter(match country {
            Some(_) => "the text is not a valid telephone number",
            None => "the text is not a valid telephone number with its country's code",
        })),
        None => Ok(Value::Null),
    }
}

/// A number with its country's code speaks for itself: the country of the record must not touch it, or a national
/// prefix of that country is taken out of the middle of it.
fn number(written: &str, country: Option<Id>) -> Option<String> {
    let written = written.trim();
    if written.is_empty() || written.len() > MAX_PHONE {
        return None;
    }
    let plain: String = written.chars().map(narrow).collect();
    if plain.starts_with('+') {
        return valid(None, &plain).map(|(number, _)| number);
    }
    let national = valid(Some(country?), &plain);
    if let Some((number, source)) = &national
        && (*source != Source::Idd || ends_with_digits(&plain, number))
    {
        return Some(number.clone());
    }
    // 00 stands for + in most of the world, whatever the country of the record dials; 011 does in North America.
    let rest = plain
        .strip_prefix("00")
        .or_else(|| plain.strip_prefix("011"))?;
    valid(None, &format!("+{rest}")).map(|(number, _)| number)
}

/// Whether the digits of a text end with all digits of a number, so that none was taken from the middle.
fn ends_with_digits(written: &str, number: &str) -> bool {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    digits.ends_with(number.trim_start_matches('+'))
}

/// Full-width forms, as East Asian keyboards write them, as ASCII.
fn narrow(letter: char) -> char {
    match letter {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        '\u{3000}' => ' ',
        letter => letter,
    }
}

/// A valid number as `+` and digits, and how its country was found.
fn valid(country: Option<Id>, plain: &str) -> Option<(String, Source)> {
    let number = phonenumber::parse(country, plain).ok()?;
    number.is_valid().then(|| {
        let written = number.format().mode(Mode::E164).to_string();
        (written, number.code().source())
    })
}

fn sha256(input: &Value, arguments: &Arguments<'_>) -> Made {
    let salt = arguments.text(0, "salt")?.unwrap_or_default();
    let Some(written) = text_of(input, "sha256")? else {
        return Ok(Value::Null);
    };
    arguments.budget.charge_bytes(written.len() + salt.len())?;
    let hash = digest(&SHA256, format!("{salt}{written}").as_bytes());
    let mut digits = String::with_capacity(64);
    for byte in hash.as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(text(digits))
}

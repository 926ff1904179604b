//! Whether a value fits a described field: offline, before it costs a call.
//!
//! What is refused here, Salesforce would refuse too or would change in silence. Texts of an odd form it accepts pass.
//! Sources: Object Reference, "Field Types" and "Primitive Data Types"; REST API Developer Guide, "Status Codes and Error
//! Responses".

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::{Number, Value};

use crate::foundation::code::Code;

use super::describe::{FieldDescribe, FieldType};
use super::record_id;

/// The years Salesforce keeps (Object Reference, "Primitive Data Types").
const YEARS: std::ops::RangeInclusive<i16> = 1700..=4000;

/// Why a value does not fit; the message holds no value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The named code.
    pub code: Code,
    /// One line for people, which names the field and what it takes.
    pub message: String,
}

/// Whether Salesforce takes the value for the field as it stands.
///
/// A text of blanks is null to Salesforce. Digits behind the point that a number field does not keep are no misfit:
/// Salesforce rounds them.
pub fn fit(field: &FieldDescribe, value: &Value) -> Result<(), Misfit> {
    use FieldType as Type;
    match (&field.kind, value) {
        (Type::Boolean, Value::Bool(_)) => Ok(()),
        (Type::Boolean, Value::Null) => Err(wrong(
            field,
            "takes true or false and is never empty; write `| default(false)` behind the value",
        )),
        (Type::Boolean, other) => Err(takes(field, "true or false", other)),
        (_, Value::Null) => empty(field),
        (Type::Int, Value::Number(number)) => whole(field, number, i64::from(i32::MAX)),
        (Type::Long, Value::Number(number)) => whole(field, number, i64::MAX),
        (Type::Double | Type::Currency | Type::Percent, Value::Number(number)) => {
            decimal(field, number)
        }
        (Type::Int | Type::Long | Type::Double | Type::Currency | Type::Percent, other) => {
            Err(takes(field, "a number", other))
        }
        (Type::Address | Type::Location, _) => Err(wrong(
            field,
            "is made of other fields; write those, each by its own name",
        )),
        // What these hold is for Salesforce to say.
        (Type::AnyType | Type::ComplexValue | Type::Json | Type::Other(_), _) => Ok(()),
        (_, Value::String(text)) => textual(field, text),
        (Type::Multipicklist, Value::Array(_)) => Err(wrong(
            field,
            "takes its values as one text; write `| join(';')` behind the list",
        )),
        (_, other) => Err(takes(field, in_words(&field.kind), other)),
    }
}

/// A field that gets a text, whatever it makes of it.
fn textual(field: &FieldDescribe, text: &str) -> Result<(), Misfit> {
    use FieldType as Type;
    let words = || wrong(field, &format!("takes {}", in_words(&field.kind)));
    let is = |fits: bool| if fits { Ok(()) } else { Err(words()) };
    match &field.kind {
        Type::Date => date(field, text),
        Type::Datetime => datetime(field, text),
        Type::Time => is(time(text)),
        _ if text.trim().is_empty() => empty(field),
        Type::Id | Type::Reference => is(record_id::long(text.trim()).is_some()),
        Type::Email => is(is_email(text.trim())).and_then(|()| short(field, text)),
        Type::Picklist => listed(field, std::iter::once(text)).and_then(|()| short(field, text)),
        Type::Multipicklist => listed(field, text.split(';')).and_then(|()| short(field, text)),
        Type::Base64 => Ok(()),
        _ => short(field, text),
    }
}

/// Null, or a text that Salesforce takes for null.
fn empty(field: &FieldDescribe) -> Result<(), Misfit> {
    if field.nillable || field.defaulted_on_create {
        return Ok(());
    }
    Err(Misfit {
        code: Code::RequiredFieldMissing,
        message: format!("`{}` may not be empty", field.name),
    })
}

/// Counts as Salesforce does: a character outside of the Basic Multilingual Plane counts as two (Salesforce Help, article
/// 005166849, "Surrogate Pair Characters Are Treated as Two Characters"), and blanks around the text are not kept.
fn short(field: &FieldDescribe, text: &str) -> Result<(), Misfit> {
    let most = field.length as usize;
    // A UTF-16 text never has more units than its UTF-8 form has bytes.
    if most == 0 || text.len() <= most {
        return Ok(());
    }
    let length = text.trim().encode_utf16().count();
    if length <= most {
        return Ok(());
    }
    Err(Misfit {
        code: Code::ValueTooLong,
        message: format!(
            "`{}` holds {most} characters, and the text has {length}",
            field.name
        ),
    })
}

fn listed<'a>(
    field: &FieldDescribe,
    mut values: impl Iterator<Item = &'a str>,
) -> Result<(), Misfit> {
    let known = |value: &str| {
        field
            .picklist_values
            .iter()
            .any(|listed| listed.active && same(&listed.value, value.trim()))
    };
    if !field.restricted_picklist || values.all(|value| value.trim().is_empty() || known(value)) {
        return Ok(());
    }
    Err(Misfit {
        code: Code::ValueNotListed,
        message: format!("the picklist `{}` does not have the value", field.name),
    })
}

fn same(listed: &str, value: &str) -> bool {
    let in_ascii = listed.is_ascii() && value.is_ascii();
    listed.eq_ignore_ascii_case(value) || !in_ascii && listed.to_lowercase() == value.to_lowercase()
}

fn has(text: &str, at: usize, byte: u8) -> bool {
    text.as_bytes().get(at) == Some(&byte)
}

fn whole(field: &FieldDescribe, number: &Number, most: i64) -> Result<(), Misfit> {
    let Some(value) = number.as_i64() else {
        let what = if number.is_u64() {
            return Err(out_of_range(field, "holds no number so large"));
        } else {
            "takes whole numbers; write `| int` behind the value"
        };
        return Err(wrong(field, what));
    };
    if (-most - 1..=most).contains(&value) {
        return Ok(());
    }
    Err(out_of_range(field, "holds no number so large"))
}

fn decimal(field: &FieldDescribe, number: &Number) -> Result<(), Misfit> {
    let inexact = || {
        out_of_range(
            field,
            "does not keep every digit of a whole number so large",
        )
    };
    // Salesforce's API carries these numbers as 64-bit floats.
    let value = number.as_f64().ok_or_else(inexact)?;
    let is_exact = match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => value as i128 == i128::from(whole),
        (None, Some(whole)) => value as i128 == i128::from(whole),
        (None, None) => true,
    };
    if !is_exact {
        return Err(inexact());
    }
    if field.precision == 0 {
        return Ok(());
    }
    let scale = f64::from(field.scale);
    let digits = field.precision.saturating_sub(field.scale);
    let step = 10_f64.powf(scale);
    // Rounding may add a digit: 99.99 to one digit is 100.0.
    let kept = (value.abs() * step).round() / step;
    if kept < 10_f64.powf(f64::from(digits)) {
        return Ok(());
    }
    let what = format!("holds {digits} digits before the point, and the number has more");
    Err(out_of_range(field, &what))
}

fn date(field: &FieldDescribe, text: &str) -> Result<(), Misfit> {
    let is_shaped = text.len() == 10 && has(text, 4, b'-');
    let day: Option<Date> = text.parse().ok().filter(|_| is_shaped);
    let day = day.ok_or_else(|| wrong(field, "takes a date of the form `YYYY-MM-DD`"))?;
    in_calendar(field, day)
}

/// An instant as RFC 3339 or as Salesforce itself writes it (`2027-01-31T10:00:00.000+0000`).
fn datetime(field: &FieldDescribe, text: &str) -> Result<(), Misfit> {
    let malformed = || {
        wrong(
            field,
            "takes an instant with its offset from UTC, of the form `YYYY-MM-DDThh:mm:ssZ`",
        )
    };
    let is_shaped = has(text, 4, b'-') && has(text, 10, b'T');
    let is_plain = !text.contains('[');
    let instant: Option<Timestamp> = text.parse().ok().filter(|_| is_shaped && is_plain);
    let instant = instant.ok_or_else(malformed)?;
    in_calendar(field, instant.to_zoned(jiff::tz::TimeZone::UTC).date())
}

fn in_calendar(field: &FieldDescribe, day: Date) -> Result<(), Misfit> {
    if YEARS.contains(&day.year()) {
        return Ok(());
    }
    let (first, last) = (YEARS.start(), YEARS.end());
    Err(out_of_range(
        field,
        &format!("keeps dates of the years {first} to {last}"),
    ))
}

fn time(text: &str) -> bool {
    let clock = text.strip_suffix('Z').unwrap_or(text);
    let is_shaped = clock.len() >= 5 && has(clock, 2, b':');
    is_shaped && clock.parse::<Time>().is_ok()
}

/// The form all addresses have: one `@`, something before it, and a domain of several parts behind it.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_clean = |part: &str| !part.contains(|c: char| c.is_whitespace() || c == '@');
    let mut parts = domain.split('.');
    !local.is_empty()
        && is_clean(local)
        && is_clean(domain)
        && domain.contains('.')
        && parts.all(|part| !part.is_empty())
}

/// What a field takes, for messages.
const fn in_words(kind: &FieldType) -> &'static str {
    match kind {
        FieldType::Id | FieldType::Reference => "the id of a record, of 15 or 18 characters",
        FieldType::Email => "an e-mail address",
        FieldType::Date => "a date of the form `YYYY-MM-DD`",
        FieldType::Datetime => "an instant of the form `YYYY-MM-DDThh:mm:ssZ`",
        FieldType::Time => "a time of the form `hh:mm:ss.SSSZ`",
        FieldType::Base64 => "text in base64",
        _ => "text",
    }
}

fn takes(field: &FieldDescribe, what: &str, value: &Value) -> Misfit {
    let (given, way_out) = match (value, what) {
        (Value::Number(_), "text") => ("a number", "; write `| string` behind it"),
        (Value::Bool(_), "text") => ("true or false", "; write `| string` behind it"),
        (Value::Array(_), "text") => ("a list", "; write `| join(', ')` behind it"),
        (Value::String(_), "a number") => ("text", "; write `| float` behind it"),
        (Value::Number(_), _) => ("a number", ""),
        (Value::Bool(_), _) => ("true or false", ""),
        (Value::Array(_), _) => ("a list", ""),
        (Value::String(_), _) => ("text", ""),
        (Value::Object(_), _) => ("an object", ""),
        (Value::Null, _) => ("empty", ""),
    };
    wrong(
        field,
        &format!("takes {what}, and the value is {given}{way_out}"),
    )
}

fn wrong(field: &FieldDescribe, what: &str) -> Misfit {
    Misfit {
        code: Code::WrongValueType,
        message: format!("`{}` {what}", field.name),
    }
}

fn out_of_range(field: &FieldDescribe, what: &str) -> Misfit {
    Misfit {
        code: Code::ValueOutOfRange,
        message: format!("`{}` {what}", field.name),
    }
}

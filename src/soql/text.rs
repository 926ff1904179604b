//! Values to SOQL text: what planner and engine build conditions from, so that no value becomes syntax.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;

use super::ast::{Pattern, PatternPart, Value};

/// A string literal that stands for exactly `text`, quotes included.
///
/// `%` and `_` stand for themselves: use it behind every operator but `LIKE`.
///
/// # Examples
/// ```
/// use bridged::soql::text::quote_string;
/// assert_eq!(quote_string("O'Neil"), r"'O\'Neil'");
/// ```
pub fn quote_string(text: &str) -> String {
    quote(text, false)
}

/// A string literal behind `LIKE` that matches exactly `text`, without regard to case.
pub fn quote_like(text: &str) -> String {
    quote(text, true)
}

/// A string literal behind `LIKE` for a pattern with wildcards.
pub fn quote_pattern(pattern: &Pattern) -> String {
    let mut quoted = String::from("'");
    for part in &pattern.parts {
        match part {
            PatternPart::Text(text) => escape(&mut quoted, text, true),
            PatternPart::One => quoted.push('_'),
            PatternPart::Any => quoted.push('%'),
        }
    }
    quoted.push('\'');
    quoted
}

fn quote(text: &str, like: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    escape(&mut quoted, text, like);
    quoted.push('\'');
    quoted
}

fn escape(out: &mut String, text: &str, like: bool) {
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '%' | '_' if like => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// An instant in UTC, to the millisecond where it has a fraction: `2027-01-31T10:00:00Z`.
///
/// A finer fraction is cut off; Salesforce keeps none.
pub fn datetime(instant: Timestamp) -> String {
    let millis = instant.as_millisecond();
    let digits = if millis.rem_euclid(1000) == 0 { 0 } else { 3 };
    match Timestamp::from_millisecond(millis) {
        Ok(cut) => format!("{cut:.digits$}"),
        Err(_) => format!("{instant:.digits$}"),
    }
}

/// A day: `2027-01-31`.
pub fn date(day: Date) -> String {
    day.to_string()
}

/// Any value as a literal that parses back to the same value.
///
/// `None` for a number that is not finite, and for text that no literal can carry.
pub fn value(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => decimal(*number)?,
        Value::Currency { code, amount } => format!("{code}{}", decimal(*amount)?),
        Value::Text(text) => quote_string(text),
        Value::Pattern(pattern) => quote_pattern(pattern),
        Value::Date(day) => date(*day),
        Value::DateTime(instant) => datetime(*instant),
        Value::Time(time) => format!("{time:.3}Z"),
        Value::DateLiteral(literal) => literal.to_string(),
    })
}

fn decimal(number: f64) -> Option<String> {
    number.is_finite().then(|| {
        let text = number.to_string();
        if text.contains('.') {
            text
        } else {
            format!("{text}.0")
        }
    })
}

/// `('a', 'b')` for the values of a list; `None` for an empty list, which SOQL does not have.
pub fn string_list<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let quoted: Vec<String> = values.into_iter().map(quote_string).collect();
    (!quoted.is_empty()).then(|| format!("({})", quoted.join(", ")))
}

/// Whether `text` can stand as the name of an object, field or relationship.
///
/// Letters, digits and underscores, beginning with a letter and not ending with an underscore.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with('_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether `text` is one or more names joined by dots.
pub fn is_path(text: &str) -> bool {
    text.split('.').all(is_name)
}

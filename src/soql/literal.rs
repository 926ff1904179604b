//! The text of a literal to its value: strings with their escapes, numbers, dates, instants.
//!
//! Source: SOQL and SOSL Reference, "Quoted String Escape Sequences", "Date Formats and Date Literals in WHERE".

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::ast::{Pattern, PatternPart, Span, Value};
use super::error::{SoqlError, SoqlErrorKind};

/// The longest string in a condition, in characters.
///
/// Source: SOQL and SOSL Reference, "WHERE": strings in WHERE clauses cannot exceed 4,000 characters.
pub const STRING_CHARACTERS_MAX: usize = 4_000;

fn bad(span: Span, message: impl Into<String>) -> SoqlError {
    SoqlError::new(SoqlErrorKind::Literal, span, message)
}

/// One character of a string after its escape is resolved.
enum Unit {
    Char(char),
    /// `\_` or `\%`.
    Escaped(char),
}

/// The characters of a quoted string; `raw` has its quotes, `span` is its place.
fn units(raw: &str, span: &Span) -> Result<Vec<Unit>, SoqlError> {
    let inner = &raw[1..raw.len() - 1];
    let place = |from: usize, to: usize| span.start + 1 + from..span.start + 1 + to;
    let mut units = Vec::with_capacity(inner.len());
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            units.push(Unit::Char(c));
            continue;
        }
        let Some((next_at, escape)) = chars.next() else {
            return Err(bad(place(at, inner.len()), "this escape is not complete"));
        };
        let end = next_at + escape.len_utf8();
        units.push(match escape {
            '\'' | '"' | '\\' => Unit::Char(escape),
            'n' | 'N' => Unit::Char('\n'),
            'r' | 'R' => Unit::Char('\r'),
            't' | 'T' => Unit::Char('\t'),
            'b' | 'B' => Unit::Char('\u{8}'),
            'f' | 'F' => Unit::Char('\u{c}'),
            '_' | '%' => Unit::Escaped(escape),
            'u' => {
                let (c, length) = unicode_escape(&inner[at..]).ok_or_else(|| {
                    bad(
                        place(at, end),
                        "`\\u` must be followed by four hexadecimal digits of a character",
                    )
                    .help("write the character itself")
                })?;
                for _ in 2..length {
                    chars.next();
                }
                Unit::Char(c)
            }
            _ => {
                return Err(bad(
                    place(at, end),
                    format!("`\\{}` is no escape", escape.escape_debug()),
                )
                .help("write a backslash as `\\\\`, a quote as `\\'`"));
            }
        });
    }
    if units.len() > STRING_CHARACTERS_MAX {
        return Err(SoqlError::new(
            SoqlErrorKind::TooLarge,
            span.clone(),
            format!(
                "this string has {} characters; a condition takes at most {STRING_CHARACTERS_MAX}",
                units.len()
            ),
        ));
    }
    Ok(units)
}

/// The character of `\uXXXX`, or of two of them that make a surrogate pair, and how many characters it takes.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let code = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let first = code(text)?;
    if let Some(c) = char::from_u32(first) {
        return Some((c, 6));
    }
    let second = code(text.get(6..)?)?;
    let is_pair = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let joined = is_pair.then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    char::from_u32(joined).map(|c| (c, 12))
}

/// The value of a quoted string that is compared as it stands.
pub(super) fn string(raw: &str, span: &Span) -> Result<String, SoqlError> {
    let mut text = String::with_capacity(raw.len());
    for unit in units(raw, span)? {
        match unit {
            Unit::Char(c) => text.push(c),
            Unit::Escaped(c) => {
                return Err(bad(
                    span.clone(),
                    format!("`\\{c}` is an escape behind LIKE only"),
                )
                .help(format!("write `{c}`")));
            }
        }
    }
    Ok(text)
}

/// The parts of a quoted string behind `LIKE`.
pub(super) fn pattern(raw: &str, span: &Span) -> Result<Pattern, SoqlError> {
    let mut parts: Vec<PatternPart> = Vec::new();
    for unit in units(raw, span)? {
        let c = match unit {
            Unit::Char('_') => {
                parts.push(PatternPart::One);
                continue;
            }
            Unit::Char('%') => {
                parts.push(PatternPart::Any);
                continue;
            }
            Unit::Char(c) | Unit::Escaped(c) => c,
        };
        if let Some(PatternPart::Text(text)) = parts.last_mut() {
            text.push(c);
        } else {
            parts.push(PatternPart::Text(c.to_string()));
        }
    }
    Ok(Pattern { parts })
}

/// The value of a token that begins with a digit, a sign or a point.
pub(super) fn number(raw: &str, span: &Span) -> Result<Value, SoqlError> {
    if let Some(value) = plain_number(raw) {
        return Ok(value);
    }
    let digits = raw.bytes().take_while(u8::is_ascii_digit).count();
    let after = raw.as_bytes().get(digits).copied();
    match after {
        Some(b'-') if digits == 4 => match raw.find(['T', 't']) {
            None => date(raw)
                .map(Value::Date)
                .ok_or_else(|| bad_date(raw, span)),
            Some(at) => instant(raw, at, span).map(Value::DateTime),
        },
        Some(b':') if digits == 2 => clock_time(raw)
            .map(Value::Time)
            .ok_or_else(|| bad(span.clone(), format!("`{raw}` is not a time of day")).help("write it as `hh:mm:ss.SSSZ`")),
        _ => Err(bad(span.clone(), format!("`{raw}` is neither a number nor a date"))
            .help("write text in single quotes, dates as `2027-01-31`, instants as `2027-01-31T10:00:00Z`")),
    }
}

/// An integer or decimal; also used for the amount of a currency literal.
pub(super) fn plain_number(raw: &str) -> Option<Value> {
    let unsigned = raw.strip_prefix(['+', '-']).unwrap_or(raw);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = all_digits(whole)
        && fraction.is_none_or(all_digits)
        && !(whole.is_empty() && fraction.is_none_or(str::is_empty))
        && exponent.is_none_or(|text| {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            !digits.is_empty() && all_digits(digits)
        });
    if !well_formed {
        return None;
    }
    if fraction.is_none()
        && exponent.is_none()
        && let Ok(integer) = raw.strip_prefix('+').unwrap_or(raw).parse()
    {
        return Some(Value::Integer(integer));
    }
    let decimal: f64 = raw.parse().ok()?;
    decimal.is_finite().then_some(Value::Decimal(decimal))
}

/// `YYYY-MM-DD`.
fn date(raw: &str) -> Option<Date> {
    let shaped = raw.len() == 10
        && raw.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !shaped {
        return None;
    }
    Date::new(
        raw[..4].parse().ok()?,
        raw[5..7].parse().ok()?,
        raw[8..].parse().ok()?,
    )
    .ok()
}

fn bad_date(raw: &str, span: &Span) -> SoqlError {
    bad(span.clone(), format!("`{raw}` is not a date"))
        .help("write dates as `YYYY-MM-DD`, with a day that the calendar has")
}

/// `hh:mm:ss` with an optional fraction; digits past the ninth are dropped.
fn time(raw: &str) -> Option<Time> {
    let (clock, fraction) = match raw.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (raw, None),
    };
    let shaped = clock.len() == 8
        && clock.bytes().enumerate().all(|(at, b)| match at {
            2 | 5 => b == b':',
            _ => b.is_ascii_digit(),
        });
    if !shaped || fraction.is_some_and(|f| f.is_empty() || !f.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let nanos = fraction.map_or(Some(0), |f| {
        format!("{:0<9}", f.get(..9).unwrap_or(f)).parse().ok()
    })?;
    Time::new(
        clock[..2].parse().ok()?,
        clock[3..5].parse().ok()?,
        clock[6..].parse().ok()?,
        nanos,
    )
    .ok()
}

fn clock_time(raw: &str) -> Option<Time> {
    time(raw.strip_suffix(['Z', 'z']).unwrap_or(raw))
}

/// `YYYY-MM-DDThh:mm:ss[.fff]` with an offset: `Z`, `+hh:mm`, `+hhmm` or `+hh`.
fn instant(raw: &str, at: usize, span: &Span) -> Result<Timestamp, SoqlError> {
    let day =
        date(&raw[..at]).ok_or_else(|| bad_date(&raw[..at], &(span.start..span.start + at)))?;
    let rest = &raw[at + 1..];
    let Some(offset_at) = rest.find(['Z', 'z', '+', '-']) else {
        return Err(bad(span.clone(), format!("`{raw}` has no offset from UTC"))
            .help("append `Z` or an offset; in a URL `+` must be written as `%2B`"));
    };
    let clock = time(&rest[..offset_at]);
    let offset = offset(&rest[offset_at..]);
    let (Some(clock), Some(offset)) = (clock, offset) else {
        return Err(bad(span.clone(), format!("`{raw}` is not an instant"))
            .help("write it as `YYYY-MM-DDThh:mm:ssZ` or with an offset such as `+02:00`"));
    };
    offset
        .to_timestamp(DateTime::from_parts(day, clock))
        .map_err(|_| bad(span.clone(), format!("`{raw}` is outside of the calendar")))
}

fn offset(raw: &str) -> Option<Offset> {
    if raw.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let sign = match raw.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = match raw[1..].split_once(':') {
        Some((hours, minutes)) if hours.len() == 2 && minutes.len() == 2 => {
            format!("{hours}{minutes}")
        }
        Some(_) => return None,
        None if raw.len() == 3 => format!("{}00", &raw[1..]),
        None => raw[1..].to_owned(),
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits[2..].parse().ok()?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

//! Writes JSON straight into a byte buffer: no tree is built for a row of an answer.

use super::describe::{Field, FieldType, ObjectType};
use super::table::Row;
use super::value::{Decimal, Stamp, Value};

/// Writes the value of a field of a row, compound fields (`Address`) as the object of their parts.
pub fn write_field(out: &mut Vec<u8>, object: &ObjectType, field: usize, row: &Row) {
    match object.fields[field].kind {
        FieldType::Address => write_address(out, object, field, row),
        kind => write_value(out, kind, row.get(field)),
    }
}

/// Writes a value as an answer shows a field of that type.
pub fn write_value(out: &mut Vec<u8>, kind: FieldType, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, kind, *number),
        Value::Text(text) => write_utf8(out, text.as_bytes()),
        Value::Id(id) => {
            out.push(b'"');
            out.extend_from_slice(&id.bytes());
            out.push(b'"');
        }
        Value::Date(date) => {
            out.push(b'"');
            digits(out, i64::from(date.year()), 4);
            out.push(b'-');
            digits(out, i64::from(date.month()), 2);
            out.push(b'-');
            digits(out, i64::from(date.day()), 2);
            out.push(b'"');
        }
        Value::DateTime(stamp) => write_stamp(out, *stamp),
        Value::Time(millis) => {
            let millis = i64::from(*millis);
            out.push(b'"');
            digits(out, millis / 3_600_000, 2);
            out.push(b':');
            digits(out, millis / 60_000 % 60, 2);
            out.push(b':');
            digits(out, millis / 1_000 % 60, 2);
            out.push(b'.');
            digits(out, millis % 1_000, 3);
            out.extend_from_slice(b"Z\"");
        }
    }
}

/// Writes an instant in the form of every answer: `"2026-01-31T10:00:00.000+0000"`.
pub fn write_stamp(out: &mut Vec<u8>, stamp: Stamp) {
    let (days, seconds) = (stamp.0.div_euclid(86_400), stamp.0.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    out.push(b'"');
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
    out.push(b'T');
    digits(out, seconds / 3_600, 2);
    out.push(b':');
    digits(out, seconds / 60 % 60, 2);
    out.push(b':');
    digits(out, seconds % 60, 2);
    out.extend_from_slice(b".000+0000\"");
}

/// Writes a number: whole for `int`, with at least one digit behind the point for every other type.
pub fn write_number(out: &mut Vec<u8>, kind: FieldType, number: Decimal) {
    let number = number.normal();
    out.extend_from_slice(number.to_string().as_bytes());
    if kind != FieldType::Int && number.scale() == 0 {
        out.extend_from_slice(b".0");
    }
}

/// Writes a text in quotes, escaped.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    write_utf8(out, text.as_bytes());
}

/// Writes the bytes of a text in quotes, escaped.
fn write_utf8(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    // Without an early end this is a few wide instructions, and nearly every text needs no escape.
    if bytes
        .iter()
        .fold(false, |any, &byte| any | needs_escape(byte))
    {
        write_escaped(out, bytes);
    } else {
        out.extend_from_slice(bytes);
    }
    out.push(b'"');
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

/// The keys of an address value, with the endings of the fields they come from.
const ADDRESS_PARTS: [(&str, &str); 5] = [
    ("city", "City"),
    ("country", "Country"),
    ("postalCode", "PostalCode"),
    ("state", "State"),
    ("street", "Street"),
];

fn write_address(out: &mut Vec<u8>, object: &ObjectType, field: usize, row: &Row) {
    let compound = &object.fields[field].name;
    let part = |ending: &str| {
        let is_part = |field: &Field| {
            field.compound.as_ref() == Some(compound) && field.name.ends_with(ending)
        };
        let at = object.fields.iter().position(is_part)?;
        row.get(at).as_text()
    };
    if ADDRESS_PARTS
        .iter()
        .all(|(_, ending)| part(ending).is_none())
    {
        out.extend_from_slice(b"null");
        return;
    }
    out.push(b'{');
    for (key, ending) in ADDRESS_PARTS {
        write_text(out, key);
        out.push(b':');
        match part(ending) {
            Some(text) => write_text(out, text),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b',');
    }
    out.extend_from_slice(b"\"geocodeAccuracy\":null,\"latitude\":null,\"longitude\":null}");
}

fn digits(out: &mut Vec<u8>, number: i64, width: usize) {
    let mut text = [b'0'; 20];
    let (mut at, mut rest) = (text.len(), number.unsigned_abs());
    while rest > 0 || text.len() - at < width {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[at..]);
}

/// Year, month and day of a day counted from 1970, in the proleptic Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counting from 0000-03-01 puts the leap day at the end of the year, so months have a fixed pattern.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn instants_are_written_as_their_display_says() {
        for seconds in [
            0,
            951_782_400,
            1_721_829_958,
            -1,
            -2_208_988_800,
            4_102_444_799,
        ] {
            let stamp = Stamp(seconds);
            let text = written(|out| write_stamp(out, stamp));
            assert_eq!(text, format!("\"{stamp}\""));
        }
    }

    #[test]
    fn texts_are_escaped() {
        let text = "a\"b\\c\nd\u{1}e\u{1f98a}\u{7f}";
        let json = written(|out| write_text(out, text));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn numbers_show_their_type() {
        let number =
            |kind, text| written(|out| write_number(out, kind, Decimal::parse(text).unwrap()));
        assert_eq!(number(FieldType::Int, "265"), "265");
        assert_eq!(number(FieldType::Currency, "139000000"), "139000000.0");
        assert_eq!(number(FieldType::Double, "12.50"), "12.5");
    }

    #[test]
    fn times_and_dates_are_written() {
        let time = written(|out| write_value(out, FieldType::Time, &Value::Time(3_723_004)));
        assert_eq!(time, "\"01:02:03.004Z\"");
        let date = Value::Date(jiff::civil::date(2026, 2, 28));
        assert_eq!(
            written(|out| write_value(out, FieldType::Date, &date)),
            "\"2026-02-28\""
        );
    }
}

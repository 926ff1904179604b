//! What an unquoted scalar means: the core schema of YAML 1.2, without the spellings that readers disagree about.

use serde_json::Number;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;

/// The meaning of an unquoted scalar.
pub(super) enum Scalar {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Anything else, `yes`, `no`, `on`, `off` and dates included.
    Text,
    /// Refused: a number that readers take differently or that JSON cannot hold. The number keeps later checks quiet.
    Ambiguous(Number, Box<Diagnostic>),
}

/// Resolves an unquoted scalar after the core schema (YAML 1.2.2, 10.3.2).
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Scalar::Text;
    }
    if is_special_float(unsigned) {
        return out_of_range(text, "is not a number that can be stored");
    }
    if let Some(reading) = other_reading(unsigned) {
        return ambiguous(text, reading);
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(text);
    }
    if is_float(unsigned) {
        return float(text);
    }
    Scalar::Text
}

fn is_special_float(unsigned: &str) -> bool {
    matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    )
}

/// How another YAML reader takes these digits, where it takes them differently.
fn other_reading(unsigned: &str) -> Option<&'static str> {
    let bytes = unsigned.as_bytes();
    let numeric = |allowed: &[u8]| {
        bytes[0].is_ascii_digit()
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_digit() || allowed.contains(byte))
    };
    if let Some(digits) = unsigned.strip_prefix("0o").or(unsigned.strip_prefix("0x")) {
        let radix = if unsigned.starts_with("0o") { 8 } else { 16 };
        let all = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        return all.then_some("some YAML readers take it for a number, others for text");
    }
    if bytes.len() > 1 && bytes[0] == b'0' && numeric(b"") {
        return Some("some YAML readers drop the leading zero, others read an octal number");
    }
    if bytes.contains(&b'_') && numeric(b"_.") {
        return Some("some YAML readers take it for a number, others for text");
    }
    None
}

fn integer(text: &str) -> Scalar {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = digits.parse::<i64>() {
        return Scalar::Number(number.into());
    }
    if let Ok(number) = digits.parse::<u64>() {
        return Scalar::Number(number.into());
    }
    out_of_range(text, "has more digits than a number can hold")
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, sign already gone.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_fits && exponent_fits
}

fn float(text: &str) -> Scalar {
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Scalar::Number(number),
        None => out_of_range(text, "is larger than a number can be"),
    }
}

fn ambiguous(text: &str, reading: &str) -> Scalar {
    let value = text
        .replace('_', "")
        .parse::<f64>()
        .ok()
        .and_then(Number::from_f64);
    let finding = Diagnostic::error(
        Code::AmbiguousNumber,
        format!("`{text}` is ambiguous: {reading}"),
    )
    .help(format!(
        "write `\"{text}\"` for the text, or the number in plain digits"
    ));
    Scalar::Ambiguous(value.unwrap_or_else(|| 0.into()), Box::new(finding))
}

fn out_of_range(text: &str, problem: &str) -> Scalar {
    let finding = Diagnostic::error(Code::NumberOutOfRange, format!("`{text}` {problem}"))
        .help(format!("write `\"{text}\"` if it is meant as text"));
    Scalar::Ambiguous(0.into(), Box::new(finding))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match resolve(text) {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(flag) => flag.to_string(),
            Scalar::Number(number) => format!("number {number}"),
            Scalar::Text => "text".to_owned(),
            Scalar::Ambiguous(_, finding) => finding.code.to_string(),
        }
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, meaning) in [
            ("", "null"),
            ("~", "null"),
            ("NULL", "null"),
            ("nULL", "text"),
            ("True", "true"),
            ("FALSE", "false"),
            ("tRUE", "text"),
            ("no", "text"),
            ("yes", "text"),
            ("on", "text"),
            ("Off", "text"),
            ("y", "text"),
            ("0", "number 0"),
            ("-1", "number -1"),
            ("+7", "number 7"),
            ("18446744073709551615", "number 18446744073709551615"),
            ("1.5", "number 1.5"),
            (".5", "number 0.5"),
            ("5.", "number 5.0"),
            ("1e3", "number 1000.0"),
            ("-0.0", "number -0.0"),
            ("0.10", "number 0.1"),
            ("2027-01-01", "text"),
            ("21:00", "text"),
            ("1.2.3", "text"),
            ("5%", "text"),
            ("10m", "text"),
            ("-", "text"),
            (".", "text"),
            ("+", "text"),
            ("1e", "text"),
            ("e5", "text"),
            ("0b101", "text"),
            ("0o9", "text"),
            ("infinity", "text"),
            ("nan", "text"),
        ] {
            assert_eq!(shown(text), meaning, "{text}");
        }
    }

    #[test]
    fn numbers_that_readers_disagree_about_are_refused() {
        for (text, code) in [
            ("012", "ambiguous-number"),
            ("-007", "ambiguous-number"),
            ("02134", "ambiguous-number"),
            ("1_000", "ambiguous-number"),
            ("1_000.5", "ambiguous-number"),
            ("0o7", "ambiguous-number"),
            ("0x1F", "ambiguous-number"),
            ("1e999", "number-out-of-range"),
            (".inf", "number-out-of-range"),
            ("-.INF", "number-out-of-range"),
            (".nan", "number-out-of-range"),
            ("18446744073709551616", "number-out-of-range"),
            ("-9223372036854775809", "number-out-of-range"),
        ] {
            assert_eq!(shown(text), code, "{text}");
        }
    }
}

//! Amounts with a unit, as a person writes them: `10m`, `5%`, `80/s`, `21:00`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};

use super::shape::{self, text_schema};

/// A length of time: a whole number and one unit, `ms`, `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

impl Period {
    /// The form in the schema.
    pub const PATTERN: &'static str = "^[0-9]{1,9}(ms|s|m|h|d)$";

    /// A period of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Reads `10m`; `None` for another form.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text, 9)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        Some(Self(Duration::from_millis(number * milliseconds)))
    }

    /// The same length for the clock.
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        for (unit, size) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
        ] {
            if milliseconds >= size && milliseconds.is_multiple_of(size) {
                return write!(f, "{}{unit}", milliseconds / size);
            }
        }
        if milliseconds == 0 {
            return f.write_str("0s");
        }
        write!(f, "{milliseconds}ms")
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::text(deserializer, "a duration such as `10m`", Self::parse)
    }
}

text_schema!(
    Period,
    Period::PATTERN,
    ["30s", "10m", "24h"],
    "A length of time: a whole number and one unit, `ms`, `s`, `m`, `h` or `d`."
);

/// A share of a whole, 0 to 100 with at most two decimals, written with its sign: `80%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

impl Percent {
    /// `10%`.
    pub const TEN: Self = Self(1_000);

    /// The form in the schema.
    pub const PATTERN: &'static str = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%$";

    /// Reads `80%`; `None` for another form and above 100.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = match text.strip_suffix('%')?.split_once('.') {
            Some((whole, decimals)) => (whole, decimals),
            None => (text.strip_suffix('%')?, "00"),
        };
        if !digits(whole, 3) || !digits(decimals, 2) || (whole.len() == 3 && whole != "100") {
            return None;
        }
        let hundredths: u16 = if decimals.len() == 1 {
            decimals.parse::<u16>().ok()? * 10
        } else {
            decimals.parse().ok()?
        };
        let total = whole.parse::<u16>().ok()? * 100 + hundredths;
        (total <= 10_000).then_some(Self(total))
    }

    /// The share between 0 and 1.
    pub fn as_fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::text(deserializer, "a percentage such as `80%`", Self::parse)
    }
}

text_schema!(
    Percent,
    Percent::PATTERN,
    ["5%", "80%"],
    "A share of a whole, 0% to 100%, with at most two decimals."
);

/// How much is too much: a share of what was read, or a number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// A share of the records read.
    Share(Percent),
    /// A number of records.
    Count(u64),
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Share(share) => share.fmt(f),
            Threshold::Count(count) => count.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Threshold;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage such as `5%` or a number of records")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Threshold, E> {
                Percent::parse(text)
                    .map(Threshold::Share)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }

            fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Threshold, E> {
                if count > shape::MAX_WHOLE.unsigned_abs() {
                    return Err(E::invalid_value(Unexpected::Unsigned(count), &self));
                }
                Ok(Threshold::Count(count))
            }

            fn visit_f64<E: serde::de::Error>(self, count: f64) -> Result<Threshold, E> {
                shape::integral(count)
                    .and_then(|count| u64::try_from(count).ok())
                    .map(Threshold::Count)
                    .ok_or_else(|| E::invalid_value(Unexpected::Float(count), &self))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How much is too much: a share of the records read, or a number of records.",
            "type": ["string", "integer"],
            "minimum": 0,
            "maximum": shape::MAX_WHOLE,
            "pattern": Percent::PATTERN,
            "examples": ["5%", 10],
        })
    }
}

/// How many in a stretch of time: a whole number, a stroke and `s`, `m` or `h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: u32,
    per: RateUnit,
}

/// The stretch of time of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum RateUnit {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// The form in the schema.
    pub const PATTERN: &'static str = "^[1-9][0-9]{0,5}/(s|m|h)$";

    /// Eighty a second.
    pub const PER_SECOND_80: Self = Self {
        count: 80,
        per: RateUnit::Second,
    };

    /// Reads `80/s`; `None` for another form and for zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let per = match unit {
            "s" => RateUnit::Second,
            "m" => RateUnit::Minute,
            "h" => RateUnit::Hour,
            _ => return None,
        };
        if !digits(count, 6) || count.starts_with('0') {
            return None;
        }
        Some(Self {
            count: count.parse().ok()?,
            per,
        })
    }

    /// The same rate per second.
    pub fn per_second(self) -> f64 {
        let seconds = match self.per {
            RateUnit::Second => 1.0,
            RateUnit::Minute => 60.0,
            RateUnit::Hour => 3600.0,
        };
        f64::from(self.count) / seconds
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            RateUnit::Second => "s",
            RateUnit::Minute => "m",
            RateUnit::Hour => "h",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::text(deserializer, "a rate such as `80/s`", Self::parse)
    }
}

text_schema!(
    Rate,
    Rate::PATTERN,
    ["80/s", "600/m"],
    "How many in a stretch of time: a whole number above zero, a stroke, and `s`, `m` or `h`."
);

/// A time of day, `00:00` to `23:59`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockTime(jiff::civil::Time);

impl ClockTime {
    /// The form in the schema.
    pub const PATTERN: &'static str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

    /// Reads `21:00`; `None` for another form.
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        if hour.len() != 2 || minute.len() != 2 || !digits(hour, 2) || !digits(minute, 2) {
            return None;
        }
        let time = jiff::civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
        Some(Self(time))
    }

    /// The same time for the calendar.
    pub const fn as_time(self) -> jiff::civil::Time {
        self.0
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::text(deserializer, "a time of day such as `21:00`", Self::parse)
    }
}

text_schema!(
    ClockTime,
    ClockTime::PATTERN,
    ["21:00", "08:30"],
    "A time of day, 00:00 to 23:59."
);

/// One to `most` ASCII digits.
fn digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number_and_unit(text: &str, most_digits: usize) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    if !digits(number, most_digits) {
        return None;
    }
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_one_unit() {
        for (text, seconds) in [("0s", 0), ("10m", 600), ("24h", 86_400), ("7d", 604_800)] {
            let period = Period::parse(text).unwrap();
            assert_eq!(period.as_duration().as_secs(), seconds, "{text}");
        }
        assert_eq!(
            Period::parse("999999999d").unwrap().to_string(),
            "999999999d"
        );
        for text in [
            "",
            "m",
            "10",
            "10 m",
            "1h30m",
            "-5m",
            "1.5h",
            "10M",
            "9999999999s",
            "٣m",
        ] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_period_prints_in_its_largest_whole_unit() {
        for (text, shown) in [
            ("60s", "1m"),
            ("90s", "90s"),
            ("1500ms", "1500ms"),
            ("0ms", "0s"),
        ] {
            assert_eq!(Period::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_percentage_stays_between_0_and_100() {
        for (text, fraction) in [("5%", 0.05), ("80%", 0.8), ("0.25%", 0.0025), ("100%", 1.0)] {
            let share = Percent::parse(text).unwrap();
            assert!((share.as_fraction() - fraction).abs() < 1e-9, "{text}");
        }
        for text in [
            "", "%", "5", "101%", "100.01%", "5 %", "-1%", "5.123%", "1e2%", "005%", "5.%",
        ] {
            assert_eq!(Percent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_rate_is_above_zero() {
        assert!((Rate::parse("80/s").unwrap().per_second() - 80.0).abs() < 1e-9);
        assert!((Rate::parse("600/m").unwrap().per_second() - 10.0).abs() < 1e-9);
        for text in ["", "80", "80/d", "0/s", "/s", "80 /s", "08/s", "1234567/s"] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_time_has_two_digits_each() {
        assert_eq!(ClockTime::parse("21:05").unwrap().to_string(), "21:05");
        for text in ["9:00", "24:00", "21:60", "2100", "21:00:00", "+1:00"] {
            assert_eq!(ClockTime::parse(text), None, "{text}");
        }
    }
}

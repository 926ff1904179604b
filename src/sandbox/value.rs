//! The value of one field of one row, small enough that a million leads fit into memory.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::ids::RecordId;

/// An instant with the resolution that Salesforce stores: whole seconds since 1970, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp(pub i64);

impl Stamp {
    /// The instant, its milliseconds cut off.
    pub fn of(instant: Timestamp) -> Self {
        Self(instant.as_second())
    }

    /// The instant as a timestamp; the epoch where the seconds are out of range.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Stamp {
    /// `2026-01-31T10:00:00.000+0000`, the form of every answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self
            .timestamp()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000+0000",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }
}

/// One value. 16 bytes; a copy is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// Nothing. Salesforce stores no empty text: it becomes this.
    #[default]
    Null,
    /// `boolean`
    Bool(bool),
    /// `int`, `double`, `currency` and `percent`
    Number(Decimal),
    /// Every kind of text, picklists among them; a multi-picklist joins its values by `;`.
    Text(Text),
    /// `id` and `reference`
    Id(RecordId),
    /// `date`
    Date(Date),
    /// `datetime`
    DateTime(Stamp),
    /// `time`, as milliseconds since midnight
    Time(u32),
}

impl Value {
    /// A text value; null for an empty text.
    pub fn text(text: &str) -> Self {
        if text.is_empty() {
            Value::Null
        } else {
            Value::Text(Text::new(text))
        }
    }

    /// A whole number.
    pub const fn int(number: i64) -> Self {
        Value::Number(Decimal::new(number, 0))
    }

    /// Whether there is no value.
    pub const fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text, where the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The id, where the value is one.
    pub const fn as_id(&self) -> Option<RecordId> {
        match self {
            Value::Id(id) => Some(*id),
            _ => None,
        }
    }

    /// The instant, where the value is one.
    pub const fn as_stamp(&self) -> Option<Stamp> {
        match self {
            Value::DateTime(stamp) => Some(*stamp),
            _ => None,
        }
    }
}

/// Up to 14 bytes in place, more behind a pointer that copies share.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    Short { len: u8, bytes: [u8; 14] },
    Long(Arc<Box<str>>),
}

impl Text {
    /// Keeps `text`.
    pub fn new(text: &str) -> Self {
        let mut bytes = [0; 14];
        match bytes.get_mut(..text.len()) {
            Some(slot) => {
                slot.copy_from_slice(text.as_bytes());
                Self(Repr::Short {
                    len: text.len() as u8,
                    bytes,
                })
            }
            None => Self(Repr::Long(Arc::new(text.into()))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Repr::Long(text) => text,
        }
    }

    /// The bytes of the text, which costs less than [`Text::as_str`] does for a short one.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Long(text) => text.as_bytes(),
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A decimal number: units × 10^-scale. Never a binary fraction, so money stays exact.
///
/// Kept as bytes, without alignment, so that a [`Value`] stays small.
#[derive(Clone, Copy, Default)]
pub struct Decimal {
    units: [u8; 8],
    scale: u8,
}

impl Decimal {
    /// `units` × 10^-`scale`; a scale above 18 counts as 18.
    pub const fn new(units: i64, scale: u8) -> Self {
        Self {
            units: units.to_ne_bytes(),
            scale: if scale > 18 { 18 } else { scale },
        }
    }

    /// The digits with their sign.
    pub const fn units(self) -> i64 {
        i64::from_ne_bytes(self.units)
    }

    /// How many of the digits stand behind the point; at most 18.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Reads `-12.50` or `1.5e3`; `None` where it is no number or has more digits than an `i64` holds.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, digits) = match mantissa.as_bytes().first()? {
            b'-' => (-1, &mantissa[1..]),
            b'+' => (1, &mantissa[1..]),
            _ => (1, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let well_formed = !(whole.is_empty() && fraction.is_empty())
            && whole
                .bytes()
                .chain(fraction.bytes())
                .all(|byte| byte.is_ascii_digit());
        if !well_formed {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let mut units: i64 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            units = units
                .checked_mul(10)?
                .checked_add(i64::from(digit - b'0'))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while scale < 0 && units != 0 {
            units = units.checked_mul(10)?;
            scale += 1;
        }
        let scale = if units == 0 {
            0
        } else {
            u8::try_from(scale).ok()?
        };
        (scale <= 18).then_some(Self::new(sign * units, scale))
    }

    /// The number as a float, for averages.
    pub fn to_f64(self) -> f64 {
        self.units() as f64 / 10_f64.powi(i32::from(self.scale))
    }

    /// The same number with exactly `scale` digits behind the point, half rounded away from zero.
    #[must_use]
    pub fn rescale(self, scale: u8) -> Self {
        let mut units = i128::from(self.units());
        if scale >= self.scale {
            units *= 10_i128.pow(u32::from(scale - self.scale));
        } else {
            let by = 10_i128.pow(u32::from(self.scale - scale));
            units = (units + units.signum() * by / 2) / by;
        }
        match i64::try_from(units) {
            Ok(units) => Self::new(units, scale),
            Err(_) => self,
        }
    }

    /// The number without zeros at its end, so that equal numbers look equal.
    #[must_use]
    pub const fn normal(self) -> Self {
        let (mut units, mut scale) = (self.units(), self.scale);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        Self::new(units, scale)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        let units = |n: &Self| i128::from(n.units()) * 10_i128.pow(u32::from(scale - n.scale));
        units(self).cmp(&units(other))
    }
}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let normal = self.normal();
        (normal.units(), normal.scale).hash(state);
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Decimal {
    /// Plain digits, as many behind the point as the scale says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.units());
        }
        let by = 10_u64.pow(u32::from(self.scale));
        let units = self.units().unsigned_abs();
        let sign = if self.units() < 0 { "-" } else { "" };
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", units / by, units % by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_sixteen_bytes() {
        assert_eq!(size_of::<Value>(), 16);
    }

    #[test]
    fn texts_of_any_length_come_back() {
        for text in [
            "a",
            "(415) 555-0100",
            "fifteen bytes!!",
            "Zoë Ångström 🦊 and more",
        ] {
            assert_eq!(Value::text(text).as_text(), Some(text));
        }
        assert!(Value::text("").is_null());
    }

    #[test]
    fn decimals_read_and_print() {
        for (text, shown) in [
            ("0", "0"),
            ("-12.50", "-12.5"),
            ("1.5e3", "1500"),
            ("25e-1", "2.5"),
            ("-0.05", "-0.05"),
            ("1e-400", ""),
            ("12a", ""),
            (".", ""),
            ("99999999999999999999", ""),
        ] {
            let read = Decimal::parse(text)
                .map(|n| n.to_string())
                .unwrap_or_default();
            assert_eq!(read, shown, "{text}");
        }
        assert!(Decimal::parse("2.5") > Decimal::parse("2.45"));
        assert_eq!(
            Decimal::parse("2.45").unwrap().rescale(1).to_string(),
            "2.5"
        );
    }

    #[test]
    fn stamps_print_without_a_colon_in_the_offset() {
        assert_eq!(
            Stamp(1_721_829_958).to_string(),
            "2024-07-24T14:05:58.000+0000"
        );
    }
}

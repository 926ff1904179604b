//! Date literals: words that stand for a range of days relative to the current one.
//!
//! Source: SOQL and SOSL Reference, "Date Formats and Date Literals in WHERE".

use std::fmt;

/// A range of days, told from the current day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateLiteral {
    /// `YESTERDAY`
    Yesterday,
    /// `TODAY`
    Today,
    /// `TOMORROW`
    Tomorrow,
    /// `LAST_90_DAYS`
    Last90Days,
    /// `NEXT_90_DAYS`
    Next90Days,
    /// `LAST_MONTH`: the whole unit before the current one.
    Last(Unit),
    /// `THIS_MONTH`
    This(Unit),
    /// `NEXT_MONTH`
    Next(Unit),
    /// `LAST_N_MONTHS:n`
    LastN(Unit, u32),
    /// `NEXT_N_MONTHS:n`
    NextN(Unit, u32),
    /// `N_MONTHS_AGO:n`
    Ago(Unit, u32),
}

/// What date literals count in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the unit of that name")]
pub enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
    FiscalQuarter,
    FiscalYear,
}

/// The largest `n` of a date literal; larger numbers leave the calendar.
///
/// Source: a bound of this implementation; the reference names none.
pub const COUNT_MAX: u32 = 100_000;

/// A word that is a date literal, with or without a number to come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Plain(DateLiteral),
    Counted(fn(Unit, u32) -> DateLiteral, Unit),
}

const UNITS: [(Unit, &str); 7] = [
    (Unit::Day, "DAY"),
    (Unit::Week, "WEEK"),
    (Unit::Month, "MONTH"),
    (Unit::Quarter, "QUARTER"),
    (Unit::Year, "YEAR"),
    (Unit::FiscalQuarter, "FISCAL_QUARTER"),
    (Unit::FiscalYear, "FISCAL_YEAR"),
];

/// Every word, in capitals, those with a number without their `:n`.
pub(super) fn words() -> Vec<(String, Word)> {
    let plain = |text: &str, literal| (text.to_owned(), Word::Plain(literal));
    let mut words = vec![
        plain("YESTERDAY", DateLiteral::Yesterday),
        plain("TODAY", DateLiteral::Today),
        plain("TOMORROW", DateLiteral::Tomorrow),
        plain("LAST_90_DAYS", DateLiteral::Last90Days),
        plain("NEXT_90_DAYS", DateLiteral::Next90Days),
    ];
    for (unit, name) in UNITS {
        if unit != Unit::Day {
            words.push(plain(&format!("LAST_{name}"), DateLiteral::Last(unit)));
            words.push(plain(&format!("THIS_{name}"), DateLiteral::This(unit)));
            words.push(plain(&format!("NEXT_{name}"), DateLiteral::Next(unit)));
        }
        let mut counted = |text: String, make| words.push((text, Word::Counted(make, unit)));
        counted(format!("LAST_N_{name}S"), DateLiteral::LastN);
        counted(format!("NEXT_N_{name}S"), DateLiteral::NextN);
        counted(format!("N_{name}S_AGO"), DateLiteral::Ago);
    }
    words
}

/// The date literal of that word, without regard to case.
pub(super) fn word(text: &str) -> Option<Word> {
    words()
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(text))
        .map(|(_, word)| word)
}

impl fmt::Display for DateLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |unit: &Unit| {
            UNITS
                .iter()
                .find(|(known, _)| known == unit)
                .map_or("", |(_, name)| name)
        };
        match self {
            Self::Yesterday => f.write_str("YESTERDAY"),
            Self::Today => f.write_str("TODAY"),
            Self::Tomorrow => f.write_str("TOMORROW"),
            Self::Last90Days => f.write_str("LAST_90_DAYS"),
            Self::Next90Days => f.write_str("NEXT_90_DAYS"),
            Self::Last(unit) => write!(f, "LAST_{}", name(unit)),
            Self::This(unit) => write!(f, "THIS_{}", name(unit)),
            Self::Next(unit) => write!(f, "NEXT_{}", name(unit)),
            Self::LastN(unit, n) => write!(f, "LAST_N_{}S:{n}", name(unit)),
            Self::NextN(unit, n) => write!(f, "NEXT_N_{}S:{n}", name(unit)),
            Self::Ago(unit, n) => write!(f, "N_{}S_AGO:{n}", name(unit)),
        }
    }
}

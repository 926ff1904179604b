//! Date literals as ranges of days, and the parts that date functions take of a date.
//!
//! Days begin at midnight UTC, weeks on Sunday, and the fiscal year on the first of January.
//!
//! Source: SOQL and SOSL Reference, "Date Formats and Date Literals in WHERE", "Date Functions".

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::sandbox::value::{Stamp, Value};
use crate::soql::ast::Function;
use crate::soql::date_literal::{DateLiteral, Unit};

/// The days of a literal, from the first to the one behind the last; cut at the ends of the calendar.
pub(super) fn days(literal: DateLiteral, now: Timestamp) -> (Date, Date) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let start = |unit, steps| shift(begin(today, unit), unit, steps);
    let whole = |unit, steps: i64| (start(unit, steps), start(unit, steps + 1));
    match literal {
        DateLiteral::Today => whole(Unit::Day, 0),
        DateLiteral::Yesterday => whole(Unit::Day, -1),
        DateLiteral::Tomorrow => whole(Unit::Day, 1),
        DateLiteral::Last90Days => (start(Unit::Day, -90), start(Unit::Day, 1)),
        DateLiteral::Next90Days => (start(Unit::Day, 1), start(Unit::Day, 91)),
        DateLiteral::Last(unit) => whole(unit, -1),
        DateLiteral::This(unit) => whole(unit, 0),
        DateLiteral::Next(unit) => whole(unit, 1),
        // Days reach up to today; longer units end with the last whole one.
        DateLiteral::LastN(Unit::Day, n) => (start(Unit::Day, -i64::from(n)), start(Unit::Day, 1)),
        DateLiteral::LastN(unit, n) => (start(unit, -i64::from(n)), start(unit, 0)),
        DateLiteral::NextN(unit, n) => (start(unit, 1), start(unit, i64::from(n) + 1)),
        DateLiteral::Ago(unit, n) => whole(unit, -i64::from(n)),
    }
}

/// The instant at which a day begins; the first or last one there is where the day has none.
pub(super) fn midnight(day: Date) -> Stamp {
    let end = if day.year() < 1970 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    let begun = day.to_zoned(TimeZone::UTC);
    Stamp::of(begun.map_or(end, |zoned| zoned.timestamp()))
}

fn begin(day: Date, unit: Unit) -> Date {
    match unit {
        Unit::Day => day,
        Unit::Week => {
            let back = i64::from(day.weekday().since(Weekday::Sunday));
            shift(day, Unit::Day, -back)
        }
        Unit::Month => day.first_of_month(),
        Unit::Quarter | Unit::FiscalQuarter => {
            let month = (day.month() - 1) / 3 * 3 + 1;
            Date::new(day.year(), month, 1).unwrap_or(day)
        }
        Unit::Year | Unit::FiscalYear => day.first_of_year(),
    }
}

fn shift(day: Date, unit: Unit, steps: i64) -> Date {
    let span = match unit {
        Unit::Day => Span::new().try_days(steps),
        Unit::Week => Span::new().try_weeks(steps),
        Unit::Month => Span::new().try_months(steps),
        Unit::Quarter | Unit::FiscalQuarter => Span::new().try_months(steps * 3),
        Unit::Year | Unit::FiscalYear => Span::new().try_years(steps),
    };
    let end = if steps < 0 { Date::MIN } else { Date::MAX };
    span.and_then(|span| day.checked_add(span)).unwrap_or(end)
}

/// The part that a date function takes of a date or an instant; null of anything else.
pub(super) fn part(function: Function, value: &Value) -> Value {
    let (day, hour) = match value {
        Value::Date(day) => (*day, 0),
        Value::DateTime(stamp) => {
            let at = stamp.timestamp().to_zoned(TimeZone::UTC);
            (at.date(), at.hour())
        }
        _ => return Value::Null,
    };
    let quarter = (i64::from(day.month()) - 1) / 3 + 1;
    Value::int(match function {
        Function::CalendarMonth | Function::FiscalMonth => i64::from(day.month()),
        Function::CalendarQuarter | Function::FiscalQuarter => quarter,
        Function::CalendarYear | Function::FiscalYear => i64::from(day.year()),
        Function::DayInMonth => i64::from(day.day()),
        Function::DayInWeek => i64::from(day.weekday().since(Weekday::Sunday)) + 1,
        Function::DayInYear => i64::from(day.day_of_year()),
        Function::HourInDay => i64::from(hour),
        Function::WeekInMonth => (i64::from(day.day()) - 1) / 7 + 1,
        Function::WeekInYear => (i64::from(day.day_of_year()) - 1) / 7 + 1,
        Function::DayOnly => return Value::Date(day),
        _ => return value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn literals_are_the_ranges_of_the_reference() {
        // A Wednesday.
        let now: Timestamp = "2026-02-11T15:30:00Z".parse().unwrap();
        for (literal, first, behind) in [
            (DateLiteral::Today, date(2026, 2, 11), date(2026, 2, 12)),
            (DateLiteral::Yesterday, date(2026, 2, 10), date(2026, 2, 11)),
            (DateLiteral::Tomorrow, date(2026, 2, 12), date(2026, 2, 13)),
            (
                DateLiteral::Last(Unit::Week),
                date(2026, 2, 1),
                date(2026, 2, 8),
            ),
            (
                DateLiteral::This(Unit::Week),
                date(2026, 2, 8),
                date(2026, 2, 15),
            ),
            (
                DateLiteral::Next(Unit::Month),
                date(2026, 3, 1),
                date(2026, 4, 1),
            ),
            (
                DateLiteral::Last(Unit::Quarter),
                date(2025, 10, 1),
                date(2026, 1, 1),
            ),
            (
                DateLiteral::This(Unit::FiscalYear),
                date(2026, 1, 1),
                date(2027, 1, 1),
            ),
            (
                DateLiteral::Last90Days,
                date(2025, 11, 13),
                date(2026, 2, 12),
            ),
            (
                DateLiteral::Next90Days,
                date(2026, 2, 12),
                date(2026, 5, 13),
            ),
            (
                DateLiteral::LastN(Unit::Day, 1),
                date(2026, 2, 10),
                date(2026, 2, 12),
            ),
            (
                DateLiteral::LastN(Unit::Month, 2),
                date(2025, 12, 1),
                date(2026, 2, 1),
            ),
            (
                DateLiteral::NextN(Unit::Week, 2),
                date(2026, 2, 15),
                date(2026, 3, 1),
            ),
            (
                DateLiteral::Ago(Unit::Day, 3),
                date(2026, 2, 8),
                date(2026, 2, 9),
            ),
            (
                DateLiteral::Ago(Unit::Year, 1),
                date(2025, 1, 1),
                date(2026, 1, 1),
            ),
        ] {
            assert_eq!(days(literal, now), (first, behind), "{literal}");
        }
    }

    #[test]
    fn a_literal_past_the_calendar_ends_where_the_calendar_does() {
        let now: Timestamp = "2026-02-11T15:30:00Z".parse().unwrap();
        let (first, _) = days(DateLiteral::LastN(Unit::Year, 100_000), now);
        assert_eq!(first, Date::MIN);
        assert_eq!(midnight(Date::MIN), Stamp::of(Timestamp::MIN));
        assert!(midnight(Date::MAX) > Stamp::of(now));
    }

    #[test]
    fn functions_take_their_part() {
        let at = Value::DateTime(Stamp::of("2026-02-11T15:30:00Z".parse().unwrap()));
        for (function, part_of) in [
            (Function::CalendarYear, 2026),
            (Function::CalendarQuarter, 1),
            (Function::DayInWeek, 4),
            (Function::DayInYear, 42),
            (Function::HourInDay, 15),
            (Function::WeekInMonth, 2),
            (Function::WeekInYear, 6),
        ] {
            assert_eq!(part(function, &at), Value::int(part_of), "{function:?}");
        }
        assert!(part(Function::CalendarYear, &Value::Null).is_null());
    }
}

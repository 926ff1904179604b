//! The instants of a cron expression in a time zone.

use croner::{Cron, Weekday};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The days after which the calendar repeats itself, days of the week included: 400 years.
const CALENDAR_CYCLE: u32 = 146_097;

/// Longer than any clock was ever put back: a day, where the date line was moved.
const LONGEST_REPEAT: SignedDuration = SignedDuration::from_hours(48);

/// The smallest step of an instant.
const TICK: SignedDuration = SignedDuration::from_nanos(1);

/// A cron expression, ready to be searched.
#[derive(Debug, Clone)]
pub(super) struct CronTimes {
    days: Cron,
    hours: u32,
    minutes: u64,
    zone: TimeZone,
}

impl CronTimes {
    /// The times of `days` by the clock of `zone`.
    pub(super) fn new(days: Cron, zone: TimeZone) -> Self {
        let hours = (0..24).filter(|hour| days.pattern.hour_match(*hour).unwrap_or_default());
        let hours = hours.fold(0, |set, hour| set | 1 << hour);
        let minutes =
            (0..60).filter(|minute| days.pattern.minute_match(*minute).unwrap_or_default());
        let minutes = minutes.fold(0, |set, minute| set | 1 << minute);
        Self {
            days,
            hours,
            minutes,
            zone,
        }
    }

    /// The zone whose clock counts.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The hours that it names, a bit each.
    pub(super) fn hours(&self) -> u32 {
        self.hours
    }

    /// The minutes that it names, a bit each.
    pub(super) fn minutes(&self) -> u64 {
        self.minutes
    }

    /// The first instant later than `after`; `None` where the calendar has none any more.
    ///
    /// Between two changes of the clock its time runs evenly, so that the search goes from change to change. What the clock
    /// has shown before `from` is all below one mark, and a named hour comes when the mark first passes it.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = after.checked_add(TICK).ok()?;
        loop {
            let offset = self.zone.to_offset(from);
            let shown = offset.to_datetime(from);
            let mark = if self.is_every_hour() {
                shown
            } else {
                self.mark(from)
            };
            let found = self.first_from(mark)?;
            if found <= shown {
                return Some(from);
            }
            let at = offset.to_timestamp(found).ok()?;
            let change = self.zone.following(from).next();
            match change.map(|change| change.timestamp()) {
                Some(change) if change <= at => {
                    let near = at.checked_sub(LONGEST_REPEAT).unwrap_or(Timestamp::MIN);
                    from = change.max(near);
                }
                _ => return Some(at),
            }
        }
    }

    /// Whether the hour is left open, whatever way that is written.
    fn is_every_hour(&self) -> bool {
        self.hours.count_ones() == 24
    }

    /// The time up to which, itself left out, the clock has shown or passed everything before `from`.
    fn mark(&self, from: Timestamp) -> DateTime {
        let before = |at: Timestamp| {
            let just_before = at.checked_sub(TICK).unwrap_or(Timestamp::MIN);
            self.zone.to_offset(just_before).to_datetime(at)
        };
        let recent = from.checked_sub(LONGEST_REPEAT).unwrap_or(Timestamp::MIN);
        self.zone
            .preceding(from)
            .map(|change| change.timestamp())
            .take_while(|change| *change >= recent)
            .map(before)
            .fold(before(from), DateTime::max)
    }

    /// The first time of the expression at or after a time of the clock.
    fn first_from(&self, from: DateTime) -> Option<DateTime> {
        let whole = Time::constant(from.hour(), from.minute(), 0, 0);
        let mut start = DateTime::from_parts(from.date(), whole);
        if start < from {
            start = start.checked_add(1.minute()).ok()?;
        }
        let mut date = start.date();
        let mut earliest = Some(start.time());
        for _ in 0..=CALENDAR_CYCLE {
            if self.has_day(date) {
                let time = self.first_time(earliest.unwrap_or(Time::midnight()));
                if let Some(time) = time {
                    return Some(DateTime::from_parts(date, time));
                }
            }
            earliest = None;
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let pattern = &self.days.pattern;
        let (Ok(month), Ok(day)) = (u32::try_from(date.month()), u32::try_from(date.day())) else {
            return false;
        };
        pattern.month_match(month).unwrap_or_default()
            && pattern
                .day_match(date.year().into(), month, day, weekday(date))
                .unwrap_or_default()
    }

    /// The first time of a day at or after `from`, a whole minute.
    fn first_time(&self, from: Time) -> Option<Time> {
        let hours = u64::from(self.hours);
        let this = next_in(hours, from.hour())?;
        let least = if this == from.hour() {
            from.minute()
        } else {
            0
        };
        if let Some(minute) = next_in(self.minutes, least) {
            return Some(Time::constant(this, minute, 0, 0));
        }
        let hour = next_in(hours, this + 1)?;
        let minute = next_in(self.minutes, 0)?;
        Some(Time::constant(hour, minute, 0, 0))
    }
}

/// The first member of a set at or above `least`.
fn next_in(set: u64, least: i8) -> Option<i8> {
    let above = set.checked_shr(u32::try_from(least).ok()?)?;
    let up = i8::try_from(above.trailing_zeros()).ok()?;
    (above != 0).then_some(least + up)
}

fn weekday(date: Date) -> Weekday {
    match date.weekday() {
        jiff::civil::Weekday::Sunday => Weekday::Sunday,
        jiff::civil::Weekday::Monday => Weekday::Monday,
        jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
        jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
        jiff::civil::Weekday::Thursday => Weekday::Thursday,
        jiff::civil::Weekday::Friday => Weekday::Friday,
        jiff::civil::Weekday::Saturday => Weekday::Saturday,
    }
}

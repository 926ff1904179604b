//! What a schedule means, found the slow way: minute by minute, with a reader of cron expressions of its own.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The minutes of a day.
const DAY: i64 = 24 * 60;

/// What the clock of a zone shows in one minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// The minute.
    at: Timestamp,
    /// What is shown: minutes of the calendar.
    civil: i64,
    fields: Fields,
}

#[derive(Debug, Clone, Copy)]
struct Fields {
    minute: usize,
    hour: usize,
    day: usize,
    month: usize,
    weekday: usize,
}

/// Each minute from three days before `after` up to `until`.
pub(super) fn clock(zone: &TimeZone, after: Timestamp, until: Timestamp) -> Vec<Shown> {
    let mut at = after - SignedDuration::from_hours(72);
    let mut shown = Vec::new();
    while at <= until {
        let time = at.to_zoned(zone.clone()).datetime();
        let days = start().until(time.date()).expect("days").get_days();
        let civil = i64::from(days) * DAY + i64::from(time.hour()) * 60 + i64::from(time.minute());
        shown.push(Shown {
            at,
            civil,
            fields: fields(civil),
        });
        at += SignedDuration::from_mins(1);
    }
    shown
}

fn start() -> Date {
    date(2000, 1, 1)
}

fn fields(civil: i64) -> Fields {
    let day = start() + civil.div_euclid(DAY).days();
    let minute = civil.rem_euclid(DAY) as usize;
    Fields {
        minute: minute % 60,
        hour: minute / 60,
        day: day.day() as usize,
        month: day.month() as usize,
        weekday: day.weekday().to_sunday_zero_offset() as usize,
    }
}

/// A cron expression as sets of numbers.
#[derive(Debug)]
pub(super) struct Written {
    minutes: Vec<bool>,
    hours: Vec<bool>,
    days: Vec<bool>,
    months: Vec<bool>,
    weekdays: Vec<bool>,
    either_day: bool,
}

impl Written {
    pub(super) fn read(expression: &str) -> Self {
        let fields: Vec<&str> = expression.split(' ').collect();
        let mut weekdays = set(fields[4], 0, 7);
        weekdays[0] |= weekdays[7];
        Self {
            minutes: set(fields[0], 0, 59),
            hours: set(fields[1], 0, 23),
            days: set(fields[2], 1, 31),
            months: set(fields[3], 1, 12),
            weekdays,
            either_day: fields[2] != "*" && fields[4] != "*",
        }
    }

    fn fits(&self, shown: &Fields) -> bool {
        let day = self.days[shown.day];
        let weekday = self.weekdays[shown.weekday];
        let is_day = if self.either_day {
            day || weekday
        } else {
            day && weekday
        };
        is_day && self.months[shown.month] && self.hours[shown.hour] && self.minutes[shown.minute]
    }

    /// The minutes later than `after` at which the expression comes.
    pub(super) fn times(&self, clock: &[Shown], after: Timestamp) -> Vec<Timestamp> {
        let every_hour = self.hours.iter().all(|hour| *hour);
        let mut latest = clock[0].civil - 1;
        let mut times = Vec::new();
        for shown in clock {
            let comes = if every_hour {
                self.fits(&shown.fields)
            } else {
                let left_out = latest + 1..shown.civil;
                let now = shown.civil > latest && self.fits(&shown.fields);
                now || left_out.into_iter().any(|civil| self.fits(&fields(civil)))
            };
            latest = latest.max(shown.civil);
            if comes && shown.at > after {
                times.push(shown.at);
            }
        }
        times
    }
}

fn set(field: &str, least: usize, most: usize) -> Vec<bool> {
    let mut set = vec![false; most + 1];
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (number(from), number(to)),
            None if range == "*" => (least, most),
            None => (number(range), number(range)),
        };
        for value in (from..=to).step_by(number(step)) {
            set[value] = true;
        }
    }
    set
}

fn number(text: &str) -> usize {
    let days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let named = days.iter().position(|day| *day == text);
    named.unwrap_or_else(|| text.parse().expect("a number"))
}

#[test]
fn the_slow_way_sees_both_sides_of_a_clock_change() {
    let zone = TimeZone::get("America/New_York").expect("a zone");
    let of = |expression: &str, after: &str, until: &str| {
        let (after, until) = (after.parse().unwrap(), until.parse().unwrap());
        let times = Written::read(expression).times(&clock(&zone, after, until), after);
        times.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let spring = of("30 2 * * *", "2027-03-14T00:00:00Z", "2027-03-15T00:00:00Z");
    assert_eq!(spring, ["2027-03-14T07:00:00Z"]);
    let autumn = of("30 1 * * *", "2027-11-07T00:00:00Z", "2027-11-08T00:00:00Z");
    assert_eq!(autumn, ["2027-11-07T05:30:00Z"]);
    let both = of("0 * * * *", "2027-11-07T04:30:00Z", "2027-11-07T07:00:00Z");
    assert_eq!(both.len(), 3);
}

//! Two hundred pipelines in ten zones over both clock changes of a year, against the slow way of finding their times.

use std::collections::BTreeMap;

use bridged::schedule::Timetable;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::oracle::{Shown, Written, clock};
use super::sample::{at, pipeline};

/// North and south, half hours and three quarters, changes at midnight, and two zones without any.
const ZONES: [&str; 10] = [
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
];

/// A month with the changes of spring in the north and autumn in the south, and the other way round.
const WINDOWS: [(&str, &str); 2] = [
    ("2027-03-10T00:00:00Z", "2027-04-09T00:00:00Z"),
    ("2027-09-04T00:00:00Z", "2027-11-12T00:00:00Z"),
];

/// A pipeline and how its times are found the slow way.
struct Member {
    timetable: Timetable,
    lines: String,
    meaning: Meaning,
}

enum Meaning {
    Minutes(i64),
    Cron(Written, &'static str),
}

fn fleet() -> Vec<Member> {
    let mut random = fastrand::Rng::with_seed(2027);
    (0..200).map(|number| member(number, &mut random)).collect()
}

fn member(number: usize, random: &mut fastrand::Rng) -> Member {
    let periods = [5, 7, 10, 15, 45, 90, 300, 1440, 10_080];
    let minutes = ["0", "30", "59", "*", "*/5", "*/15", "5,35", "10-20/5"];
    let hours = [
        "*", "*", "0", "1", "2", "3", "23", "1,2", "2,3", "0-3", "*/2", "*/6", "9-17", "2,14",
    ];
    let days = ["*", "*", "*", "1", "1,15", "31", "28-31", "*/10"];
    let months = ["*", "*", "*", "3,4,10", "1-12/2"];
    let weekdays = ["*", "*", "*", "1-5", "MON", "0", "7", "SAT,SUN", "0-6/3"];
    let (schedule, meaning) = match number % 8 {
        0 => ("hourly".to_owned(), Meaning::Minutes(60)),
        1 => ("daily".to_owned(), Meaning::Minutes(24 * 60)),
        2 => {
            let period = periods[random.usize(..periods.len())];
            (format!("{{ every: {period}m }}"), Meaning::Minutes(period))
        }
        _ => {
            let mut one = |of: &[&'static str]| of[random.usize(..of.len())];
            let fields = [&minutes[..], &hours, &days, &months, &weekdays].map(&mut one);
            let expression = fields.join(" ");
            let zone = ZONES[number % ZONES.len()];
            let schedule = format!("{{ cron: \"{expression}\", timezone: {zone} }}");
            (schedule, Meaning::Cron(Written::read(&expression), zone))
        }
    };
    let jitter = ["", "jitter: 0s", "jitter: 90s"][random.usize(..3)];
    let lines = format!("schedule: {schedule}\n{jitter}");
    let pipeline = pipeline(&format!("pipeline-{number}"), &lines);
    Member {
        timetable: Timetable::of("acme", &pipeline).expect("a timetable"),
        lines,
        meaning,
    }
}

fn repeated(minutes: i64, after: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    // 5 January 1970 was a Monday.
    let anchor = 4 * 24 * 60;
    let (from, to) = (after.as_second() / 60 + 1, until.as_second() / 60);
    let times = (from..=to).filter(|minute| (minute - anchor) % minutes == 0);
    times
        .map(|minute| Timestamp::from_second(minute * 60).unwrap())
        .collect()
}

#[test]
fn i21_two_hundred_pipelines_come_exactly_when_their_definitions_say() {
    let members = fleet();
    let (mut compared, mut changed) = (0, 0);
    for (after, until) in WINDOWS {
        let (after, until) = (at(after), at(until));
        let clocks: BTreeMap<&str, Vec<Shown>> = ZONES
            .iter()
            .map(|name| {
                let zone = TimeZone::get(name).expect("a zone");
                changed += zone
                    .following(after)
                    .take_while(|change| change.timestamp() <= until)
                    .count();
                (*name, clock(&zone, after, until))
            })
            .collect();
        for member in &members {
            let expected = match &member.meaning {
                Meaning::Minutes(minutes) => repeated(*minutes, after, until),
                Meaning::Cron(written, zone) => written.times(&clocks[zone], after),
            };
            let delay = member.timetable.delay();
            let ticks: Vec<_> = member
                .timetable
                .between(after + delay, until + delay)
                .collect();
            let nominal: Vec<_> = ticks.iter().map(|tick| tick.nominal).collect();
            assert_eq!(nominal, expected, "{}", member.lines);
            assert!(ticks.windows(2).all(|pair| pair[0].due < pair[1].due));
            assert!(ticks.iter().all(|tick| tick.due == tick.nominal + delay));
            assert!(delay < SignedDuration::from_mins(5));
            compared += ticks.len();
        }
    }
    assert_eq!(changed, 18, "nine of the zones change their clocks twice");
    assert!(compared > 100_000, "{compared} times compared");
}

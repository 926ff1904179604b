//! Days of the calendar, repetitions without drift, and the ends of time.

use bridged::foundation::code::Code;
use bridged::schedule::Timetable;
use bridged::spec::amount::Period;
use bridged::spec::schedule::{Cron, Schedule};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::sample::{at, cron, exact, first, pipeline, times};

#[test]
fn words_and_repetitions_come_at_round_times() {
    let after = "2027-03-03T05:07:11Z"; // a Wednesday
    let cases: [(&str, [&str; 2]); 7] = [
        ("hourly", ["2027-03-03T06:00:00Z", "2027-03-03T07:00:00Z"]),
        ("daily", ["2027-03-04T00:00:00Z", "2027-03-05T00:00:00Z"]),
        (
            "{ every: 15m }",
            ["2027-03-03T05:15:00Z", "2027-03-03T05:30:00Z"],
        ),
        (
            "{ every: 10s }",
            ["2027-03-03T05:07:20Z", "2027-03-03T05:07:30Z"],
        ),
        (
            "{ every: 6h }",
            ["2027-03-03T06:00:00Z", "2027-03-03T12:00:00Z"],
        ),
        (
            "{ every: 1d }",
            ["2027-03-04T00:00:00Z", "2027-03-05T00:00:00Z"],
        ),
        (
            "{ every: 7d }",
            ["2027-03-08T00:00:00Z", "2027-03-15T00:00:00Z"],
        ),
    ];
    for (schedule, expected) in cases {
        assert_eq!(first(&exact(schedule), after, 2), expected, "{schedule}");
    }
}

#[test]
fn a_repetition_does_not_drift_and_knows_no_start() {
    let seven = exact("{ every: 7m }");
    let year = times(&seven, "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    assert_eq!(year.len(), 75_086);
    for pair in year.windows(2) {
        assert_eq!(
            at(&pair[1]).duration_since(at(&pair[0])),
            SignedDuration::from_mins(7)
        );
    }
    // Whatever instant is asked about, it is one of the same times.
    let asked = seven.next(at("2027-06-17T13:44:59.123Z")).unwrap();
    assert!(year.contains(&asked.nominal.to_string()));
    let early = exact("{ every: 1d }")
        .next(at("1969-12-30T23:59:00Z"))
        .unwrap();
    assert_eq!(early.nominal, at("1969-12-31T00:00:00Z"));
}

#[test]
fn r11_leap_days_last_days_and_year_ends_come_when_the_calendar_has_them() {
    let cases: [(&str, &[&str]); 8] = [
        (
            "0 0 29 2 *",
            &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"],
        ),
        (
            "0 0 31 * *",
            &["2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"],
        ),
        (
            "59 23 31 12 *",
            &["2027-12-31T23:59:00Z", "2028-12-31T23:59:00Z"],
        ),
        (
            "0 9 L * *",
            &["2027-01-31T09:00:00Z", "2027-02-28T09:00:00Z"],
        ),
        (
            "0 9 * * MON#1",
            &["2027-01-04T09:00:00Z", "2027-02-01T09:00:00Z"],
        ),
        (
            "0 9 15W * *",
            &["2027-01-15T09:00:00Z", "2027-02-15T09:00:00Z"],
        ),
        // Both kinds of days: either.
        (
            "0 9 13 * FRI",
            &[
                "2027-01-01T09:00:00Z",
                "2027-01-08T09:00:00Z",
                "2027-01-13T09:00:00Z",
            ],
        ),
        // A leap day that is a Monday: the next one is in 2044.
        (
            "0 0 29 2 +MON",
            &["2044-02-29T00:00:00Z", "2072-02-29T00:00:00Z"],
        ),
    ];
    for (expression, expected) in cases {
        let found = first(
            &cron(expression, "UTC"),
            "2027-01-01T00:00:00Z",
            expected.len(),
        );
        assert_eq!(found, expected, "{expression}");
    }
    let century = first(&cron("0 0 29 2 *", "UTC"), "2096-03-01T00:00:00Z", 1);
    assert_eq!(century, ["2104-02-29T00:00:00Z"]);
}

#[test]
fn what_runs_on_demand_or_on_change_has_no_times() {
    for schedule in ["manual", "realtime"] {
        let timetable = exact(schedule);
        assert_eq!(timetable.next(at("2027-01-01T00:00:00Z")), None);
        let due = timetable.due(Some(Timestamp::MIN), Timestamp::MAX);
        assert_eq!(
            (due.run, due.skipped, due.settled),
            (None, 0, Timestamp::MIN)
        );
    }
}

#[test]
fn the_ends_of_time_are_no_panic() {
    for schedule in [
        "hourly",
        "{ every: 999999999d }",
        "{ every: 10s }",
        "{ cron: \"* * * * *\", timezone: Pacific/Kiritimati }",
        "{ cron: \"30 2 29 2 *\", timezone: America/New_York }",
    ] {
        for lines in ["", "jitter: 1s", "missed: skip"] {
            let timetable = super::sample::with(&format!("schedule: {schedule}\n{lines}"));
            assert_eq!(timetable.next(Timestamp::MAX), None, "{schedule}");
            let after = timetable.next(Timestamp::MIN).map(|tick| tick.nominal);
            assert!(
                after.is_none_or(|nominal| nominal > Timestamp::MIN),
                "{schedule}"
            );
            let due = timetable.due(Some(Timestamp::MAX), Timestamp::MIN);
            assert_eq!((due.run, due.settled), (None, Timestamp::MAX));
            assert_eq!(
                timetable.between(Timestamp::MAX, Timestamp::MIN).next(),
                None
            );
        }
    }
}

#[test]
fn a_date_that_no_calendar_has_is_searched_for_once_around() {
    let mut never = pipeline("p", "");
    never.schedule = Schedule::Cron(Cron {
        expression: "0 0 31 2 *".to_owned(),
        timezone: Some("Europe/London".to_owned()),
    });
    let timetable = Timetable::of("acme", &never).unwrap();
    assert_eq!(timetable.next(at("2027-01-01T00:00:00Z")), None);
}

#[test]
fn a_schedule_that_checking_refuses_is_refused_here_too() {
    let mut wrong = pipeline("p", "");
    let cron = |expression: &str, zone: &str| {
        Schedule::Cron(Cron {
            expression: expression.to_owned(),
            timezone: Some(zone.to_owned()),
        })
    };
    for (schedule, code) in [
        (
            Schedule::Every(Period::from_secs(0)),
            Code::ScheduleImpossible,
        ),
        (cron("every day", "UTC"), Code::ScheduleImpossible),
        (cron("0 0 0 * * *", "UTC"), Code::ScheduleImpossible),
        (cron("0 0 * * *", "Europe/Lodnon"), Code::UnknownTimezone),
    ] {
        wrong.schedule = schedule;
        let error = Timetable::of("acme", &wrong).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.help_text().is_some());
    }
}

proptest! {
    #[test]
    fn i21_the_next_time_is_the_first_and_the_same_from_wherever_one_asks(
        minute in prop_oneof![Just("*/7"), Just("0"), Just("13,44"), Just("*")],
        hour in prop_oneof![Just("*"), Just("0"), Just("1-3"), Just("2,23"), Just("*/5")],
        day in prop_oneof![Just("*"), Just("31"), Just("28-31")],
        zone in prop_oneof![
            Just("UTC"), Just("America/New_York"), Just("Australia/Lord_Howe"),
            Just("America/Havana"), Just("Pacific/Apia"), Just("Africa/Casablanca"),
        ],
        second in 1_262_304_000_i64..1_893_456_000,
        part in 0.0..1.0_f64,
    ) {
        let timetable = cron(&format!("{minute} {hour} {day} * *"), zone);
        let asked = Timestamp::from_second(second).unwrap();
        let next = timetable.next(asked).unwrap();
        prop_assert!(next.due > asked);
        // No time is nearer: whatever is asked in between has the same answer.
        let gap = next.due.duration_since(asked);
        let between = asked + SignedDuration::from_nanos((gap.as_nanos() as f64 * part) as i64);
        if between < next.due {
            prop_assert_eq!(timetable.next(between), Some(next));
        }
        prop_assert_eq!(timetable.between(asked, next.due).collect::<Vec<_>>(), vec![next]);
    }
}

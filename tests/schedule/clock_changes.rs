//! Clocks that are put forward and back: named hours come once, repetitions go by what the clock shows.

use super::sample::{cron, times};

/// A day at which clocks change: expression, zone, from and to in UTC, and the times.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [&'a str]);

fn all(cases: &[Case]) {
    for (expression, zone, after, until, expected) in cases {
        let found = times(&cron(expression, zone), after, until);
        assert_eq!(found, *expected, "{expression} in {zone}");
    }
}

#[test]
fn r11_a_named_time_that_the_clock_leaves_out_comes_once_at_the_change() {
    all(&[
        (
            "30 2 * * *",
            "America/New_York",
            "2027-03-13T00:00:00Z",
            "2027-03-16T00:00:00Z",
            &[
                "2027-03-13T07:30:00Z",
                "2027-03-14T07:00:00Z",
                "2027-03-15T06:30:00Z",
            ],
        ),
        (
            "0,30 2 * * *",
            "America/New_York",
            "2027-03-14T00:00:00Z",
            "2027-03-15T00:00:00Z",
            &["2027-03-14T07:00:00Z"],
        ),
        (
            "*/30 2,3 * * *",
            "America/New_York",
            "2027-03-14T00:00:00Z",
            "2027-03-15T00:00:00Z",
            &["2027-03-14T07:00:00Z", "2027-03-14T07:30:00Z"],
        ),
        // A list with one hour that is there: both come.
        (
            "30 2,14 * * *",
            "Europe/Berlin",
            "2027-03-28T00:00:00Z",
            "2027-03-29T00:00:00Z",
            &["2027-03-28T01:00:00Z", "2027-03-28T12:30:00Z"],
        ),
        // Half an hour is left out.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2027-10-02T00:00:00Z",
            "2027-10-03T12:00:00Z",
            &["2027-10-02T15:30:00Z"],
        ),
    ]);
}

#[test]
fn r11_midnights_and_days_that_are_left_out_come_once() {
    all(&[
        (
            "0 0 * * *",
            "America/Havana",
            "2027-03-13T12:00:00Z",
            "2027-03-15T12:00:00Z",
            &["2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z"],
        ),
        (
            "0 0 * * *",
            "America/Santiago",
            "2027-09-04T12:00:00Z",
            "2027-09-06T12:00:00Z",
            &["2027-09-05T04:00:00Z", "2027-09-06T03:00:00Z"],
        ),
        // Samoa had no 30 December 2011: it went from the end of the 29th to the 31st.
        (
            "0 12 * * *",
            "Pacific/Apia",
            "2011-12-29T12:00:00Z",
            "2011-12-31T12:00:00Z",
            &[
                "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T22:00:00Z",
            ],
        ),
        (
            "0 12 30 12 *",
            "Pacific/Apia",
            "2011-01-01T00:00:00Z",
            "2011-12-31T12:00:00Z",
            &["2011-12-30T10:00:00Z"],
        ),
    ]);
}

#[test]
fn r11_a_named_time_that_the_clock_shows_twice_comes_the_first_time() {
    all(&[
        (
            "30 1 * * *",
            "America/New_York",
            "2027-11-06T12:00:00Z",
            "2027-11-08T12:00:00Z",
            &["2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"],
        ),
        (
            "*/30 1 * * *",
            "Europe/London",
            "2027-10-30T12:00:00Z",
            "2027-10-31T12:00:00Z",
            &["2027-10-31T00:00:00Z", "2027-10-31T00:30:00Z"],
        ),
        (
            "0 */2 * * *",
            "Europe/Berlin",
            "2027-10-30T22:30:00Z",
            "2027-10-31T04:00:00Z",
            &["2027-10-31T00:00:00Z", "2027-10-31T03:00:00Z"],
        ),
        (
            "45 23 * * *",
            "America/Santiago",
            "2027-04-03T12:00:00Z",
            "2027-04-05T12:00:00Z",
            &["2027-04-04T02:45:00Z", "2027-04-05T03:45:00Z"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2027-04-03T06:00:00Z",
            "2027-04-04T06:00:00Z",
            &["2027-04-03T14:45:00Z"],
        ),
    ]);
}

#[test]
fn r11_an_open_hour_goes_by_what_the_clock_shows() {
    all(&[
        (
            "*/30 * * * *",
            "America/New_York",
            "2027-03-14T06:00:00Z",
            "2027-03-14T07:30:00Z",
            &[
                "2027-03-14T06:30:00Z",
                "2027-03-14T07:00:00Z",
                "2027-03-14T07:30:00Z",
            ],
        ),
        (
            "0 * * * *",
            "America/New_York",
            "2027-11-07T04:00:00Z",
            "2027-11-07T07:00:00Z",
            &[
                "2027-11-07T05:00:00Z",
                "2027-11-07T06:00:00Z",
                "2027-11-07T07:00:00Z",
            ],
        ),
        // All hours, however they are written.
        (
            "0 0-23 * * *",
            "America/New_York",
            "2027-11-07T04:00:00Z",
            "2027-11-07T07:00:00Z",
            &[
                "2027-11-07T05:00:00Z",
                "2027-11-07T06:00:00Z",
                "2027-11-07T07:00:00Z",
            ],
        ),
        (
            "15 * * * *",
            "Australia/Lord_Howe",
            "2027-10-02T14:00:00Z",
            "2027-10-02T17:00:00Z",
            &["2027-10-02T14:45:00Z", "2027-10-02T16:15:00Z"],
        ),
    ]);
}

#[test]
fn r11_an_instant_inside_a_change_is_no_different_from_others() {
    let times = cron("30 2 * * *", "America/New_York");
    let change = super::sample::at("2027-03-14T07:00:00Z");
    let nano = jiff::SignedDuration::from_nanos(1);
    assert_eq!(times.next(change - nano).unwrap().nominal, change);
    let next = super::sample::at("2027-03-15T06:30:00Z");
    assert_eq!(times.next(change).unwrap().nominal, next);
    assert_eq!(times.next(change + nano).unwrap().nominal, next);
    // In the repeated hour, the time has come already.
    let times = cron("30 1 * * *", "America/New_York");
    let repeated = super::sample::at("2027-11-07T06:10:00Z");
    let next = super::sample::at("2027-11-08T06:30:00Z");
    assert_eq!(times.next(repeated).unwrap().nominal, next);
}

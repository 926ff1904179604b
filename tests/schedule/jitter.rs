//! Delays: always the same for one pipeline, spread over many, within their bound, and no part of what a tick is.

use std::collections::BTreeMap;

use bridged::schedule::Timetable;
use jiff::SignedDuration;

use super::sample::{at, pipeline, with};

fn delay(project: &str, name: &str, lines: &str) -> SignedDuration {
    let timetable = Timetable::of(project, &pipeline(name, lines)).expect("a timetable");
    timetable.delay()
}

#[test]
fn i21_a_hundred_hourly_pipelines_do_not_start_in_one_second() {
    let mut starts: BTreeMap<i64, usize> = BTreeMap::new();
    for number in 0..100 {
        let delay = delay("acme", &format!("pipeline-{number}"), "schedule: hourly");
        assert!(delay >= SignedDuration::ZERO && delay < SignedDuration::from_mins(5));
        *starts.entry(delay.as_secs()).or_default() += 1;
    }
    let most = starts.values().max().unwrap();
    assert!(starts.len() > 70 && *most <= 4, "{starts:?}");
}

#[test]
fn i21_a_delay_follows_from_the_names_alone() {
    let one = delay("acme", "leads", "schedule: hourly");
    assert_eq!(
        delay("acme", "leads", "schedule: hourly\nmissed: skip"),
        one
    );
    assert_eq!(
        delay("acme", "leads", "schedule: daily"),
        one,
        "the bound is the same"
    );
    assert_ne!(delay("acme", "leads-2", "schedule: hourly"), one);
    assert_ne!(delay("other", "leads", "schedule: hourly"), one);
}

#[test]
fn a_delay_stays_within_the_bound_that_is_written_or_meant() {
    let bound = |lines: &str, below: SignedDuration| {
        let delays: Vec<_> = (0..200)
            .map(|number| delay("acme", &format!("p{number}"), lines))
            .collect();
        let longest = *delays.iter().max().unwrap();
        assert!(longest < below, "{lines}: {longest}");
        // The room is used.
        assert!(
            longest.as_millis() * 10 > below.as_millis() * 9,
            "{lines}: {longest}"
        );
    };
    bound("schedule: hourly", SignedDuration::from_mins(5));
    bound("schedule: daily", SignedDuration::from_mins(5));
    bound("schedule: { every: 20m }", SignedDuration::from_mins(2));
    bound("schedule: { every: 10s }", SignedDuration::from_secs(1));
    bound(
        "schedule: hourly\njitter: 30s",
        SignedDuration::from_secs(30),
    );
    bound(
        "schedule: { cron: \"0 6 * * *\" }\njitter: 2h",
        SignedDuration::from_hours(2),
    );
    for exact in [
        "schedule: { cron: \"0 6 * * *\" }",
        "schedule: hourly\njitter: 0s",
        "schedule: manual\njitter: 1h",
        "schedule: realtime",
    ] {
        assert_eq!(
            delay("acme", "leads", exact),
            SignedDuration::ZERO,
            "{exact}"
        );
    }
}

#[test]
fn i21_another_jitter_neither_repeats_nor_skips_a_tick() {
    let late = with("schedule: hourly\njitter: 50m");
    let soon = with("schedule: hourly\njitter: 0s");
    let nine = at("2027-03-01T09:00:00Z");
    // Nine o'clock was run with its delay; without it, nine is over and ten is next.
    let ran = late.due(Some(at("2027-03-01T08:00:00Z")), at("2027-03-01T09:51:00Z"));
    assert_eq!(ran.run.unwrap().nominal, nine);
    let then = soon.due(Some(ran.settled), at("2027-03-01T09:52:00Z"));
    assert_eq!((then.run, then.settled), (None, nine));
    // The other way round: ten was run in time, and does not come again with the delay.
    let ran = soon.due(Some(nine), at("2027-03-01T10:00:00Z"));
    assert_eq!(ran.run.unwrap().nominal, at("2027-03-01T10:00:00Z"));
    let then = late.due(Some(ran.settled), at("2027-03-01T10:55:00Z"));
    assert_eq!(then.run, None);
}

#[test]
fn a_tick_that_is_on_its_way_when_a_pipeline_is_new_still_comes() {
    let late = with("schedule: hourly\njitter: 50m");
    let begun = at("2027-03-01T09:00:00Z") + late.delay() - SignedDuration::from_secs(1);
    let next = late.next(begun).unwrap();
    assert_eq!(next.nominal, at("2027-03-01T09:00:00Z"));
    let new = late.due(None, begun);
    assert_eq!((new.run, new.skipped), (None, 0));
    let due = late.due(Some(new.settled), next.due);
    assert_eq!(due.run, Some(next));
}

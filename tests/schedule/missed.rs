//! Ticks that came while nobody ran: skipped, or made up for once; never run twice.

use std::collections::BTreeSet;

use bridged::schedule::{GRACE, MOST_COUNTED, Timetable};
use jiff::{SignedDuration, Timestamp};

use super::sample::{at, with};

const NINE: &str = "2027-03-01T09:00:00Z";

fn both(schedule: &str) -> [Timetable; 2] {
    ["skip", "once"].map(|missed| {
        with(&format!(
            "schedule: {schedule}\nmissed: {missed}\njitter: 0s"
        ))
    })
}

#[test]
fn r13_of_three_missed_ticks_none_or_one_is_run() {
    let [skip, once] = both("hourly");
    let back = at("2027-03-01T12:30:00Z");
    let skipped = skip.due(Some(at(NINE)), back);
    assert_eq!((skipped.run, skipped.skipped), (None, 3));
    let made_up = once.due(Some(at(NINE)), back);
    let run = made_up.run.unwrap();
    assert_eq!(
        (run.nominal, made_up.skipped),
        (at("2027-03-01T12:00:00Z"), 2)
    );
    for (timetable, settled) in [(&skip, skipped.settled), (&once, made_up.settled)] {
        // Asked again, it is settled; the next one comes in its time.
        let again = timetable.due(Some(settled), back);
        assert_eq!(
            (again.run, again.skipped, again.settled),
            (None, 0, settled)
        );
        let next = timetable.due(Some(settled), at("2027-03-01T13:00:00Z"));
        assert_eq!(next.run.unwrap().nominal, at("2027-03-01T13:00:00Z"));
        assert_eq!(next.skipped, 0);
    }
}

#[test]
fn a_tick_on_time_runs_under_both_rules_and_a_late_one_under_one() {
    for (late, runs) in [(0, true), (1, true), (60, true), (61, false)] {
        let [skip, once] = both("hourly");
        let now = at("2027-03-01T10:00:00Z") + SignedDuration::from_secs(late);
        assert_eq!(
            skip.due(Some(at(NINE)), now).run.is_some(),
            runs,
            "{late} s late"
        );
        assert!(once.due(Some(at(NINE)), now).run.is_some(), "{late} s late");
    }
    let [skip, once] = both("hourly");
    let early = at("2027-03-01T09:59:59.999Z");
    for timetable in [skip, once] {
        assert_eq!(timetable.due(Some(at(NINE)), early).run, None);
    }
}

#[test]
fn a_new_pipeline_has_missed_nothing() {
    for timetable in both("hourly") {
        let new = timetable.due(None, at("2027-03-01T12:00:30Z"));
        assert_eq!((new.run, new.skipped), (None, 0));
        let next = timetable.due(Some(new.settled), at("2027-03-01T13:00:00Z"));
        assert_eq!(next.run.unwrap().nominal, at("2027-03-01T13:00:00Z"));
    }
}

#[test]
fn r12_a_clock_that_is_put_back_starts_nothing_again() {
    for timetable in both("{ every: 10m }") {
        let ran = timetable.due(Some(at(NINE)), at("2027-03-01T09:10:00Z"));
        assert!(ran.run.is_some());
        let back = timetable.due(Some(ran.settled), at("2027-03-01T08:15:00Z"));
        assert_eq!(
            (back.run, back.skipped, back.settled),
            (None, 0, ran.settled)
        );
        let again = timetable.due(Some(back.settled), at("2027-03-01T09:19:59Z"));
        assert_eq!(again.run, None);
        let next = timetable.due(Some(back.settled), at("2027-03-01T09:20:00Z"));
        assert_eq!(next.run.unwrap().nominal, at("2027-03-01T09:20:00Z"));
    }
}

#[test]
fn years_of_missed_ticks_are_counted_up_to_a_bound() {
    let [skip, once] = both("{ every: 10s }");
    let now = at("2037-03-01T09:00:05Z");
    let skipped = skip.due(Some(at(NINE)), now);
    assert_eq!(skipped.skipped, MOST_COUNTED);
    assert!(skipped.run.is_some(), "the newest one is five seconds old");
    assert_eq!(once.due(Some(at(NINE)), now).run, skipped.run);
    // A rare one is found however long ago it was.
    let [skip, once] = both("{ cron: \"0 0 29 2 *\" }");
    let now = at("2043-01-01T00:00:00Z");
    assert_eq!(skip.due(Some(at(NINE)), now).skipped, 4);
    let run = once.due(Some(at(NINE)), now).run.unwrap();
    assert_eq!(run.nominal, at("2040-02-29T00:00:00Z"));
}

#[test]
fn r12_a_clock_that_ran_ahead_and_is_put_right_is_quiet_until_the_time_it_showed() {
    let [_, once] = both("hourly");
    let ahead = once.due(Some(at(NINE)), at("2027-03-02T09:30:00Z"));
    assert_eq!(ahead.run.unwrap().nominal, at("2027-03-02T09:00:00Z"));
    for now in [
        "2027-03-01T09:31:00Z",
        "2027-03-01T10:00:00Z",
        "2027-03-02T09:00:00Z",
    ] {
        assert_eq!(once.due(Some(ahead.settled), at(now)).run, None, "{now}");
    }
    let next = once.due(Some(ahead.settled), at("2027-03-02T10:00:00Z"));
    assert_eq!(
        (next.run.unwrap().nominal, next.skipped),
        (at("2027-03-02T10:00:00Z"), 0)
    );
}

/// A server that sleeps until the next tick, is sometimes late, and stops and starts at random.
fn live(timetable: &Timetable, seed: u64, days: i64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let start = at("2027-03-01T00:00:00Z");
    let end = start + SignedDuration::from_hours(24 * days);
    let is_skip = timetable.missed() == bridged::spec::schedule::Missed::Skip;
    let mut now = start;
    let mut settled = timetable.due(None, now).settled;
    let mut ran_already: BTreeSet<Timestamp> = BTreeSet::new();
    let (mut run, mut skipped, mut up) = (0, 0, Vec::new());
    while now < end {
        let stops = (now + SignedDuration::from_mins(random.i64(1..3000))).min(end);
        let begun = now;
        let mut catch_ups = 0;
        loop {
            // A crash between the keeping and the run would lose the run; nothing that is kept is asked for again.
            let due = timetable.due(Some(settled), now);
            if let Some(tick) = due.run {
                assert!(ran_already.insert(tick.nominal), "{tick:?} ran twice");
                assert!(tick.due <= now && tick.nominal > settled && due.settled == tick.nominal);
                let late = now.duration_since(tick.due);
                assert!(!is_skip || late <= GRACE, "{tick:?} was missed");
                catch_ups += u64::from(late > GRACE);
                run += 1;
            }
            skipped += due.skipped;
            settled = due.settled;
            let Some(next) = timetable.next(now) else {
                break;
            };
            now = next.due + SignedDuration::from_millis(random.i64(0..5_000));
            if now >= stops {
                now = now.min(stops);
                break;
            }
        }
        assert!(catch_ups <= 1, "{catch_ups} catch-ups");
        up.push((begun, now));
        now = stops + SignedDuration::from_mins(random.i64(0..2000));
    }
    let last = timetable.due(Some(settled), now);
    run += u64::from(last.run.is_some());
    skipped += last.skipped;
    let all: Vec<_> = timetable.between(start, now).collect();
    assert_eq!(
        run + skipped,
        all.len() as u64,
        "each tick is run or skipped"
    );
    // What came due while the server was up was run.
    for tick in all {
        let in_time = up
            .iter()
            .any(|(from, to)| *from < tick.due && tick.due < *to);
        let ran = ran_already.contains(&tick.nominal);
        assert!(ran || !in_time || last.settled == tick.nominal, "{tick:?}");
    }
}

#[test]
fn i21_stops_and_restarts_run_nothing_twice_and_make_up_once() {
    let schedules = [
        "hourly",
        "daily",
        "{ every: 10m }",
        "{ every: 7h }",
        "{ cron: \"*/20 * * * *\", timezone: America/New_York }",
        "{ cron: \"30 1,2,14 * * *\", timezone: Europe/Berlin }",
        "{ cron: \"0 6 * * 1-5\", timezone: Australia/Sydney }",
    ];
    for (place, schedule) in schedules.iter().enumerate() {
        for missed in ["skip", "once"] {
            for jitter in ["", "jitter: 0s", "jitter: 5m"] {
                let timetable = with(&format!("schedule: {schedule}\nmissed: {missed}\n{jitter}"));
                live(&timetable, place as u64 + 1, 40);
            }
        }
    }
}

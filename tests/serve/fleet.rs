//! Two hundred pipelines in ten zones over a month with a clock change, restarted every few steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use bridged::serve::project::Served;
use bridged::serve::scheduler::Why;
use bridged::store::Store;
use jiff::{SignedDuration, Timestamp};

use super::sample::{at, due, leads, scheduler, store};

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

fn fleet() -> Vec<Served> {
    let crons = [
        "30 1 * * *",
        "30 2 * * *",
        "0 0 * * 1-5",
        "15 3 1,15 * *",
        "0 2,14 * * *",
        "45 23 * * SUN",
    ];
    let member = |number: usize| {
        let schedule = match number % 8 {
            0 => "daily".to_owned(),
            1 => "{ every: 300m }".to_owned(),
            _ => {
                let cron = crons[number % crons.len()];
                format!(
                    "{{ cron: \"{cron}\", timezone: {} }}",
                    ZONES[number / 8 % 10]
                )
            }
        };
        let lines = format!("schedule: {schedule}\njitter: 0s");
        leads(&format!("pipeline-{number:03}"), &lines)
    };
    (0..200).map(member).collect()
}

/// Steps through a window, with a scheduler made anew from the store every fifth step; what fired, and at which instant.
fn fired(
    members: &[Served],
    (after, until): (Timestamp, Timestamp),
    store: &Arc<dyn Store>,
) -> BTreeMap<String, Vec<Timestamp>> {
    let mut fired: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    let mut server = scheduler(members);
    let mut now = after;
    let mut steps = 0;
    while now <= until {
        for instant in [now, now + SignedDuration::from_mins(14)] {
            for (name, why) in due(&mut server, instant, store) {
                let Why::Tick(nominal) = why else {
                    panic!("{name}: {why:?}");
                };
                assert_eq!(nominal, instant, "{name} is neither early nor late");
                fired.entry(name).or_default().push(nominal);
            }
        }
        steps += 1;
        if steps % 5 == 0 {
            server = scheduler(members);
        }
        now += SignedDuration::from_mins(15);
    }
    fired
}

#[track_caller]
fn each_tick_once(after: &str, until: &str) {
    let (after, until) = (at(after), at(until));
    let (_folder, store) = store();
    let members = fleet();
    let fired = fired(&members, (after, until), &store);
    let mut count = 0;
    for member in &members {
        let ticks = member.timetable.between(after, until);
        let expected: Vec<_> = ticks.map(|tick| tick.nominal).collect();
        let name = member.plan.pipeline.as_str();
        let found = fired.get(name).cloned().unwrap_or_default();
        assert_eq!(found, expected, "{name}: {}", member.timetable.words());
        count += found.len();
    }
    assert!(count > 4_000, "{count} starts");
}

#[test]
fn i21_r04_two_hundred_pipelines_fire_each_tick_once_over_restarts_in_spring() {
    each_tick_once("2027-03-10T00:00:00Z", "2027-04-09T00:00:00Z");
}

#[test]
fn i21_r04_two_hundred_pipelines_fire_each_tick_once_over_restarts_in_autumn() {
    each_tick_once("2027-10-12T00:00:00Z", "2027-11-11T00:00:00Z");
}

//! Timetables from what a pipeline's file says.

use bridged::schedule::Timetable;
use bridged::spec::pipeline::Pipeline;
use bridged::spec::read;
use jiff::Timestamp;

/// The pipeline with these lines more.
#[track_caller]
pub(super) fn pipeline(name: &str, lines: &str) -> Pipeline {
    let text = format!(
        "version: 1\nname: {name}\ndirection: read\nsource: {{ object: Lead }}\n\
         field_map: {{ name: \"{{{{ LastName }}}}\" }}\n{lines}\n"
    );
    let read = read::pipeline("pipelines/p.yaml", text.as_bytes());
    assert!(read.findings.is_empty(), "{lines}: {:?}", read.findings);
    read.document.expect("no finding, so a document").spec
}

/// The timetable of a schedule without a delay.
#[track_caller]
pub(super) fn exact(schedule: &str) -> Timetable {
    with(&format!("schedule: {schedule}\njitter: 0s"))
}

/// The timetable of a pipeline with these lines.
#[track_caller]
pub(super) fn with(lines: &str) -> Timetable {
    Timetable::of("acme", &pipeline("p", lines)).expect("a schedule that checking let pass")
}

/// The timetable of a cron expression in a zone.
#[track_caller]
pub(super) fn cron(expression: &str, zone: &str) -> Timetable {
    exact(&format!("{{ cron: \"{expression}\", timezone: {zone} }}"))
}

/// An instant as it is written.
#[track_caller]
pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The nominal times of a stretch, as they are written in UTC.
pub(super) fn times(timetable: &Timetable, after: &str, until: &str) -> Vec<String> {
    let ticks = timetable.between(at(after), at(until));
    ticks.map(|tick| tick.nominal.to_string()).collect()
}

/// The first `count` nominal times behind an instant.
pub(super) fn first(timetable: &Timetable, after: &str, count: usize) -> Vec<String> {
    let ticks = timetable.between(at(after), Timestamp::MAX);
    let times = ticks.take(count).map(|tick| tick.nominal.to_string());
    times.collect()
}

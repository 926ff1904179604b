//! Schedules as reports show them: in words, and with the next times in their zone and in UTC.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ledger::moment;
use super::text::line;
use crate::schedule::{Tick, Timetable};
use crate::spec::schedule::Missed;

/// How many of the next times are shown.
const SHOWN: usize = 3;

/// Two keys: the schedule in words, and when the next runs start, in its zone and in UTC.
pub fn text(timetable: &Timetable, now: Timestamp) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("schedule: {}", timetable.words()));
    for (place, tick) in next(timetable, now).into_iter().enumerate() {
        let key = if place == 0 { "next:" } else { "" };
        let utc = moment(tick.due);
        match local(timetable, tick.due) {
            Some(local) => line(&mut out, format_args!("{key:<9} {local} ({utc})")),
            None => line(&mut out, format_args!("{key:<9} {utc}")),
        }
    }
    out
}

/// The schedule and its next times.
pub fn json(timetable: &Timetable, now: Timestamp) -> Value {
    let ticks = next(timetable, now);
    let next: Vec<Value> = ticks
        .into_iter()
        .map(|tick| tick_json(timetable, tick))
        .collect();
    let missed = match timetable.missed() {
        Missed::Skip => "skip",
        Missed::Once => "once",
    };
    json!({
        "words": timetable.words(),
        "timezone": timetable.timezone(),
        "missed": missed,
        "delay_ms": timetable.delay().as_millis() as i64,
        "next": next,
    })
}

/// One time: what it is known by, when the run starts in UTC, and the same in the schedule's zone.
pub fn tick_json(timetable: &Timetable, tick: Tick) -> Value {
    let zone = timetable.zone().clone();
    json!({
        "nominal": tick.nominal.to_string(),
        "due": tick.due.to_string(),
        "local": tick.due.to_zoned(zone).strftime("%FT%T%.f%:z").to_string(),
    })
}

fn next(timetable: &Timetable, now: Timestamp) -> Vec<Tick> {
    let ticks = timetable.between(now, Timestamp::MAX);
    ticks.take(SHOWN).collect()
}

/// The instant by the clock of the schedule's zone; `None` where that is UTC.
fn local(timetable: &Timetable, at: Timestamp) -> Option<String> {
    let zone = timetable.zone();
    let zoned = at.to_zoned(zone.clone());
    (timetable.timezone() != "UTC").then(|| zoned.strftime("%F %T %Z").to_string())
}

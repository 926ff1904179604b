//! Schedules that never come, and time zones that do not exist.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};

use crate::spec::amount::Period;
use crate::spec::broadcast::{HOLD, PROFILE_ZONE};
use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;
use crate::spec::schedule::{Cron, Schedule, pattern};

/// The shortest repetition: shorter ones are `realtime`.
const LEAST_REPETITION: Duration = Duration::from_secs(10);

/// The fields of a cron expression, in their order.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];

pub(super) fn check(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    match &document.spec.schedule {
        Schedule::Every(period) if period.as_duration() < LEAST_REPETITION => found.push(
            Diagnostic::error(
                Code::ScheduleImpossible,
                format!("`every: {period}` is too often"),
            )
            .at(document.place("/schedule/every"))
            .help("write at least `10s`, or `schedule: realtime`"),
        ),
        Schedule::Cron(cron) => {
            expression(document, cron, found);
            if let Some(zone) = &cron.timezone {
                timezone(document, "/schedule/timezone", zone, found);
            }
        }
        _ => {}
    }
    jitter(document, found);
    quiet_hours(document, found);
}

/// A delay as long as the time between two starts would only name the wrong one of them.
fn jitter(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    let between = match &document.spec.schedule {
        Schedule::Realtime | Schedule::Manual => return,
        Schedule::Hourly => Period::from_secs(60 * 60),
        Schedule::Daily | Schedule::Cron(_) => Period::from_secs(24 * 60 * 60),
        Schedule::Every(period) => *period,
    };
    if let Some(jitter) = document.spec.jitter.filter(|jitter| *jitter > between) {
        found.push(
            Diagnostic::error(
                Code::ScheduleImpossible,
                format!("`jitter: {jitter}` is longer than the time between two starts"),
            )
            .at(document.place("/jitter"))
            .help(format!("write at most `{between}`")),
        );
    }
}

fn quiet_hours(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    let broadcast = document.spec.broadcast.as_ref();
    let Some(quiet) = broadcast.and_then(|broadcast| broadcast.quiet_hours.as_ref()) else {
        return;
    };
    if quiet.timezone != PROFILE_ZONE {
        timezone(
            document,
            "/broadcast/quiet_hours/timezone",
            &quiet.timezone,
            found,
        );
    }
    if quiet.unknown != HOLD {
        timezone(
            document,
            "/broadcast/quiet_hours/unknown",
            &quiet.unknown,
            found,
        );
    }
    if quiet.from == quiet.to {
        found.push(
            Diagnostic::error(
                Code::BadForm,
                format!(
                    "quiet hours from {} to {} are the whole day or nothing",
                    quiet.from, quiet.to
                ),
            )
            .at(document.place("/broadcast/quiet_hours/to"))
            .help("write two different times"),
        );
    }
}

fn expression(document: &Document<Pipeline>, cron: &Cron, found: &mut Vec<Diagnostic>) {
    let pointer = "/schedule/cron";
    let text = &cron.expression;
    let impossible = |message: String| Diagnostic::error(Code::ScheduleImpossible, message);
    let fields: Vec<&str> = text.split_whitespace().collect();
    if text.contains('@') || fields.len() != FIELDS.len() {
        let finding = impossible(format!("`{}` does not have five fields", shown(text)))
            .at(document.place(pointer))
            .help("write minute, hour, day of month, month and day of week, such as `\"0 6 * * 1-5\"`");
        found.push(finding);
        return;
    }
    let Some(parsed) = pattern(text) else {
        let wrong = (0..FIELDS.len()).find(|&index| pattern(&alone(&fields, index)).is_none());
        let index = wrong.unwrap_or_default();
        let start = fields[index].as_ptr().addr() - text.as_ptr().addr();
        let message = format!(
            "`{}` does not fit the {}",
            shown(fields[index]),
            FIELDS[index]
        );
        let finding = impossible(message)
            .at(document.text_place(pointer, start..start + fields[index].len()))
            .help(help_of(index));
        found.push(finding);
        return;
    };
    // Only a day of a month can be one that no calendar has.
    let dated = fields[2] != "*" && fields[3] != "*";
    let start = || Zoned::new(Timestamp::UNIX_EPOCH, TimeZone::UTC);
    if dated && parsed.find_next_occurrence(&start(), false).is_err() {
        let finding = impossible(format!("`{}` never comes", shown(text)))
            .at(document.place(pointer))
            .help("choose a day that the month has");
        found.push(finding);
    }
}

/// The expression with every field but one open.
fn alone(fields: &[&str], index: usize) -> String {
    (0..FIELDS.len())
        .map(|at| if at == index { fields[at] } else { "*" })
        .collect::<Vec<_>>()
        .join(" ")
}

fn help_of(index: usize) -> &'static str {
    match index {
        0 => "write 0 to 59, `*`, a range `0-29`, a list `0,30` or a step `*/15`",
        1 => "write 0 to 23, `*`, a range `9-17`, a list `6,18` or a step `*/2`",
        2 => "write 1 to 31, `*`, `L` for the last day, a range, a list or a step",
        3 => "write 1 to 12 or JAN to DEC, `*`, a range, a list or a step",
        _ => {
            "write 0 to 7 or SUN to SAT (0 and 7 are Sunday), `*`, a range, a list, or `MON#1` for the first Monday"
        }
    }
}

fn timezone(document: &Document<Pipeline>, pointer: &str, zone: &str, found: &mut Vec<Diagnostic>) {
    let database = jiff::tz::db();
    let exists = database
        .get(zone)
        .is_ok_and(|known| known.iana_name() == Some(zone));
    if exists {
        return;
    }
    let finding = Diagnostic::error(
        Code::UnknownTimezone,
        format!("there is no time zone `{}`", shown(zone)),
    )
    .at(document.place(pointer));
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    let by_city = names.iter().find(|name| {
        let city = name.rsplit('/').next().unwrap_or_default();
        city.eq_ignore_ascii_case(&zone.trim().replace(' ', "_"))
    });
    let meant = by_city
        .map(String::as_str)
        .or_else(|| nearest(zone, names.iter().map(String::as_str)));
    found.push(match meant {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")),
        None => finding.help("write an IANA name, such as `Europe/London`, or `UTC`"),
    });
}

fn shown(text: &str) -> String {
    crate::spec::forms::shown(text)
}

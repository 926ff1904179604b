//! A schedule in words.

use jiff::SignedDuration;

use super::cron::CronTimes;
use super::timetable::Timetable;
use crate::spec::schedule::{Missed, Schedule, pattern};

/// As many times of a day are listed one by one.
const LISTED: u32 = 4;

impl Timetable {
    /// When it runs, in one line, and in which zone: two schedules of the same words have the same nominal times.
    pub fn when(&self) -> String {
        let when = match self.schedule() {
            Schedule::Manual => return "only when a person starts it".to_owned(),
            Schedule::Realtime => return "as soon as something changes".to_owned(),
            Schedule::Hourly => "every hour, on the hour".to_owned(),
            Schedule::Daily => "every day at midnight".to_owned(),
            Schedule::Every(period) => format!("every {period}"),
            Schedule::Cron(written) => match self.cron() {
                Some(times) => clock(times) + &days(&written.expression),
                None => written.expression.clone(),
            },
        };
        format!("{when}, {}", self.timezone())
    }

    /// The schedule in one line: when, in which zone, how much later, and what becomes of missed times.
    pub fn words(&self) -> String {
        let mut words = self.when();
        if matches!(self.schedule(), Schedule::Manual | Schedule::Realtime) {
            return words;
        }
        if !self.delay().is_zero() {
            words = format!("{words}, {} later each time", length(self.delay()));
        }
        let missed = match self.missed() {
            Missed::Once => "missed times are made up for by one run",
            Missed::Skip => "missed times are skipped",
        };
        format!("{words}; {missed}")
    }
}

/// The times of a day.
fn clock(times: &CronTimes) -> String {
    let (hours, minutes) = (members(times.hours().into()), members(times.minutes()));
    if hours.len() < 24 && times.hours().count_ones() * times.minutes().count_ones() <= LISTED {
        let listed = hours.iter().flat_map(|hour| {
            let at = move |minute| format!("{hour:02}:{minute:02}");
            minutes.iter().map(at)
        });
        return format!("at {}", joined(&listed.collect::<Vec<_>>()));
    }
    let of_hours = match hours.len() {
        24 => "every hour".to_owned(),
        1 => format!("hour {}", spans(&hours)),
        _ => format!("hours {}", spans(&hours)),
    };
    let step = minutes.get(1).copied().unwrap_or(60);
    let is_even = 60 % step == 0 && minutes.iter().copied().eq((0..60).step_by(step as usize));
    match (is_even, minutes.len(), hours.len()) {
        (true, 60, 24) => "every minute".to_owned(),
        (true, 60, _) => format!("every minute of {of_hours}"),
        (true, 2.., 24) => format!("every {step} minutes"),
        (true, 2.., _) => format!("every {step} minutes of {of_hours}"),
        (_, 1, _) => format!("at minute {} of {of_hours}", spans(&minutes)),
        _ => format!("at minutes {} of {of_hours}", spans(&minutes)),
    }
}

/// The days of an expression as the end of a sentence; nothing where it has all of them.
fn days(expression: &str) -> String {
    let days: Vec<&str> = expression.split_whitespace().skip(2).collect();
    let midnight = pattern(&format!("0 0 {}", days.join(" ")));
    let said = midnight.map(|midnight| midnight.describe());
    let said = said.as_deref().unwrap_or_default();
    let days = said.strip_prefix("At 00:00").unwrap_or_default();
    days.trim_end_matches('.').to_owned()
}

/// The numbers of a set.
fn members(set: u64) -> Vec<u32> {
    (0..64).filter(|member| set >> member & 1 == 1).collect()
}

/// `0, 9 to 17 and 20`.
fn spans(numbers: &[u32]) -> String {
    let runs: Vec<String> = numbers
        .chunk_by(|one, next| one + 1 == *next)
        .flat_map(|run| match run {
            [first, .., last] if run.len() > 2 => vec![format!("{first} to {last}")],
            _ => run.iter().map(ToString::to_string).collect(),
        })
        .collect();
    joined(&runs)
}

/// `a`, `a and b`, `a, b and c`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// `2 min 13 s`, `41 s`, `850 ms`.
fn length(delay: SignedDuration) -> String {
    let seconds = delay.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, 0) => format!("{} ms", delay.as_millis()),
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

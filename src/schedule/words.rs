//! A schedule in words.

use jiff::SignedDuration;

use super::timetable::Timetable;
use crate::spec::schedule::{Missed, Schedule};

impl Timetable {
    /// The schedule in one line: when, in which zone, how much later, and what becomes of missed times.
    pub fn words(&self) -> String {
        let when = match self.schedule() {
            Schedule::Manual => return "only when a person starts it".to_owned(),
            Schedule::Realtime => return "as soon as something changes".to_owned(),
            Schedule::Hourly => "every hour, on the hour".to_owned(),
            Schedule::Daily => "every day at midnight".to_owned(),
            Schedule::Every(period) => format!("every {period}"),
            Schedule::Cron(cron) => self.described().unwrap_or_else(|| cron.expression.clone()),
        };
        let mut words = format!("{when}, {}", self.timezone());
        if !self.delay().is_zero() {
            words = format!("{words}, {} later each time", length(self.delay()));
        }
        let missed = match self.missed() {
            Missed::Once => "missed times are made up for by one run",
            Missed::Skip => "missed times are skipped",
        };
        format!("{words}; {missed}")
    }

    /// What a cron expression says, as the rest of a sentence.
    fn described(&self) -> Option<String> {
        let said = self.cron()?.describe();
        let said = said.trim_end_matches('.');
        let said = said
            .strip_prefix("At every")
            .map_or_else(|| lowercase_first(said), |rest| format!("every{rest}"));
        Some(said)
    }
}

fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(chars)
        .collect()
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

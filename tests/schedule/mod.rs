//! Schedules as instants: against the definition, minute by minute, through clock changes, stops and restarts.

mod calendar;
mod clock_changes;
mod fleet;
mod jitter;
mod missed;
mod oracle;
mod sample;
mod shown;

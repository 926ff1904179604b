//! The sandbox's own clock: real time, moved and held as tests need it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::value::Stamp;

/// Tells the time of the sandbox: the Date header, new stamps, date literals, expiry.
#[derive(Debug)]
pub struct SandboxClock(Mutex<Reading>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    time: Timestamp,
    read_at: Instant,
    held: bool,
}

impl SandboxClock {
    /// A clock that shows `start` and runs on; the machine's time where nothing is given.
    pub fn new(start: Option<Timestamp>) -> Self {
        Self(Mutex::new(Reading {
            time: start.unwrap_or_else(Timestamp::now),
            read_at: Instant::now(),
            held: false,
        }))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.reading().time
    }

    /// The time in whole seconds, as rows are stamped.
    pub fn stamp(&self) -> Stamp {
        Stamp::of(self.now())
    }

    /// Shows another time and runs on from there, or stands still when it is held.
    pub fn set(&self, time: Timestamp) {
        self.change(|reading| reading.time = time);
    }

    /// Moves the time, forwards or backwards; it stays where it is when the calendar ends there.
    pub fn advance(&self, by: SignedDuration) {
        self.change(|reading| reading.time = reading.time.checked_add(by).unwrap_or(reading.time));
    }

    /// Stops the clock, or lets it run again.
    pub fn hold(&self, held: bool) {
        self.change(|reading| reading.held = held);
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reading = guard.read();
        change(&mut reading);
        *guard = reading;
    }

    fn reading(&self) -> Reading {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read()
    }
}

impl Reading {
    fn read(self) -> Self {
        let read_at = Instant::now();
        let passed = SignedDuration::try_from(read_at - self.read_at).unwrap_or_default();
        let time = if self.held {
            self.time
        } else {
            self.time.checked_add(passed).unwrap_or(self.time)
        };
        Self {
            time,
            read_at,
            held: self.held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_moves_only_when_it_is_moved() {
        let start: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let clock = SandboxClock::new(Some(start));
        clock.set(start);
        clock.hold(true);
        let held = clock.now();
        assert_eq!(clock.now(), held);
        clock.advance(SignedDuration::from_hours(-2));
        assert_eq!(clock.now(), held - SignedDuration::from_hours(2));
    }

    #[test]
    fn a_running_clock_runs() {
        let clock = SandboxClock::new("2026-03-01T10:00:00Z".parse().ok());
        let first = clock.now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(clock.now() > first);
    }
}

//! How often Salesforce is asked for changes: soon behind one, and less and less while there are none.
//!
//! An empty question costs one API call, so a pipeline that nothing happens to costs 288 a day.

use jiff::{SignedDuration, Timestamp};

/// The shortest time between two questions.
pub(super) const SHORTEST: SignedDuration = SignedDuration::from_secs(10);

/// The longest.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_mins(5);

/// When a pipeline asks next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Poll {
    interval: SignedDuration,
    next: Option<Timestamp>,
}

impl Poll {
    /// Asks at once.
    pub(super) const fn new() -> Self {
        Self {
            interval: SHORTEST,
            next: None,
        }
    }

    /// Whether it is time to ask. A clock that was put back does not make it wait for hours.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next
            .is_none_or(|next| next <= now || next.duration_since(now) > LONGEST)
    }

    /// Plans the next question behind one that ended: soon where something was read, twice as late where nothing was, or where
    /// it failed.
    pub(super) fn ended(&mut self, now: Timestamp, found: bool) {
        self.interval = if found {
            SHORTEST
        } else {
            (self.interval * 2).min(LONGEST)
        };
        self.next = now.checked_add(self.interval).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Timestamp, seconds: i64) -> Timestamp {
        start
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap()
    }

    #[test]
    fn questions_become_rare_while_nothing_changes_and_frequent_when_something_does() {
        let start: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let mut poll = Poll::new();
        assert!(poll.is_due(start));
        for wait in [20, 40, 80, 160, 300, 300] {
            poll.ended(start, false);
            assert!(!poll.is_due(after(start, wait - 1)), "{wait}");
            assert!(poll.is_due(after(start, wait)), "{wait}");
        }
        poll.ended(start, true);
        assert!(!poll.is_due(after(start, 9)));
        assert!(poll.is_due(after(start, 10)));
    }

    #[test]
    fn r12_a_clock_that_was_put_back_asks_at_once() {
        let start: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let mut poll = Poll::new();
        poll.ended(start, true);
        assert!(poll.is_due(after(start, -3_600)));
    }
}

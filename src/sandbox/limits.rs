//! How many API calls the org has left.

use std::collections::VecDeque;

use super::value::Stamp;

/// Calls counted over the last 24 hours against a maximum.
///
/// Source: "Salesforce Developer Limits and Allocations Quick Reference", API Request Limits and Allocations.
#[derive(Debug)]
pub(super) struct Limits {
    max: u64,
    hours: VecDeque<(i64, u64)>,
}

const HOUR: i64 = 3_600;

impl Limits {
    /// A fresh count.
    pub(super) fn new(max: u64) -> Self {
        Self {
            max,
            hours: VecDeque::new(),
        }
    }

    /// The maximum.
    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// Sets the maximum and how many calls count as used.
    pub(super) fn set(&mut self, max: Option<u64>, used: Option<u64>, now: Stamp) {
        self.max = max.unwrap_or(self.max);
        if let Some(used) = used {
            self.hours = VecDeque::from([(now.0 / HOUR, used)]);
        }
    }

    /// Calls of the last 24 hours.
    pub(super) fn used(&mut self, now: Stamp) -> u64 {
        let oldest = now.0 / HOUR - 24;
        while self.hours.front().is_some_and(|&(hour, _)| hour <= oldest) {
            self.hours.pop_front();
        }
        self.hours.iter().map(|&(_, count)| count).sum()
    }

    /// Counts one call; false where none is left.
    pub(super) fn spend(&mut self, now: Stamp) -> bool {
        if self.used(now) >= self.max {
            return false;
        }
        let hour = now.0 / HOUR;
        match self.hours.back_mut() {
            Some((last, count)) if *last == hour => *count += 1,
            _ => self.hours.push_back((hour, 1)),
        }
        true
    }

    /// The value of `Sforce-Limit-Info`.
    pub(super) fn header(&mut self, now: Stamp) -> String {
        format!("api-usage={}/{}", self.used(now), self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_rolls_over_a_day() {
        let mut limits = Limits::new(3);
        assert!((0..3).all(|hour| limits.spend(Stamp(hour * HOUR))));
        assert!(!limits.spend(Stamp(3 * HOUR)));
        assert!(limits.spend(Stamp(24 * HOUR)));
        assert_eq!(limits.header(Stamp(24 * HOUR)), "api-usage=3/3");
        assert_eq!(limits.used(Stamp(100 * HOUR)), 0);
    }
}

//! How fast messages leave: evenly, never above the number's rate, slower after a refusal, and not at all while it rests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Messages a second of a number, where Meta did not raise them (Meta, "Cloud API, Throughput").
const OF_A_NUMBER: f64 = 80.0;

/// What is held back of the rate, so that the scatter of a network's delays never puts one message too many into a second.
const MARGIN: f64 = 0.025;

/// The least share of the rate that is left after refusals.
const LEAST: f64 = 1.0 / 16.0;

/// How long no refusal must come before the rate grows again, and after which it grows once more.
const CALM: Duration = Duration::from_secs(2);

/// By how much it grows each time.
const GROWTH: f64 = 1.25;

/// The pace of one number, or of one campaign; sends of several tasks share it.
#[derive(Debug)]
pub struct Pace(Mutex<State>);

/// The paces of the numbers that a process sends by: all campaigns of one number share one.
#[derive(Debug, Default)]
pub struct Numbers(Mutex<BTreeMap<String, Arc<Pace>>>);

impl Numbers {
    /// The pace of a number, by its id.
    pub fn pace(&self, phone_number_id: &str) -> Arc<Pace> {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = numbers.entry(phone_number_id.to_owned());
        Arc::clone(pace.or_insert_with(|| Arc::new(Pace::of_a_number())))
    }
}

#[derive(Debug)]
struct State {
    per_second: f64,
    share: f64,
    changed: Instant,
    next: Instant,
    rests_until: Option<Instant>,
}

impl Pace {
    /// So many messages a second at the most; above zero.
    pub fn new(per_second: f64) -> Self {
        let now = Instant::now();
        Self(Mutex::new(State {
            per_second: per_second.max(f64::MIN_POSITIVE),
            share: 1.0,
            changed: now,
            next: now,
            rests_until: None,
        }))
    }

    /// What a number may send by itself.
    pub fn of_a_number() -> Self {
        Self::new(OF_A_NUMBER)
    }

    /// Lets so many messages a second leave, where they were fewer: a campaign may know that Meta raised the number's rate.
    pub fn raise_to(&self, per_second: f64) {
        let mut state = self.state();
        state.per_second = state.per_second.max(per_second);
    }

    /// Waits until a message may leave. Cancelling it gives the place up, which costs a little time and nothing else.
    pub async fn permit(&self) {
        loop {
            let at = self.state().take(Instant::now());
            sleep_until(at).await;
            // A rest that was asked for meanwhile holds those back too that were let through before.
            match self.state().rests_until {
                Some(until) if until > Instant::now() => {}
                _ => return,
            }
        }
    }

    /// Halves the rate, once a second at the most: refusals of one moment come together.
    pub fn slow_down(&self) {
        let mut state = self.state();
        let now = Instant::now();
        if state.share >= 1.0 || now.duration_since(state.changed) >= Duration::from_secs(1) {
            state.share = (state.share / 2.0).max(LEAST);
            state.changed = now;
        }
    }

    /// Lets nothing leave for so long.
    pub fn rest(&self, length: Duration) {
        let until = Instant::now() + length;
        let mut state = self.state();
        state.rests_until = state.rests_until.max(Some(until));
    }

    /// How long the number rests from now on; zero where it does not.
    pub fn rests_for(&self) -> Duration {
        let until = self.state().rests_until;
        until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    /// Messages a second at present.
    pub fn per_second(&self) -> f64 {
        let mut state = self.state();
        state.recover(Instant::now());
        state.per_second * state.share
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The time of the next message. Time in which nothing was sent is not made up for.
    fn take(&mut self, now: Instant) -> Instant {
        self.recover(now);
        let from = self.next.max(now).max(self.rests_until.unwrap_or(now));
        let gap = 1.0 / (self.per_second * self.share * (1.0 - MARGIN));
        self.next = from + Duration::from_secs_f64(gap.min(86_400.0));
        from
    }

    fn recover(&mut self, now: Instant) {
        while self.share < 1.0 && now.duration_since(self.changed) >= CALM {
            self.share = (self.share * GROWTH).min(1.0);
            self.changed += CALM;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn w22_a_thousand_messages_leave_evenly_and_no_second_has_more_than_its_rate() {
        let pace = Pace::new(80.0);
        let start = Instant::now();
        let mut left = Vec::new();
        for _ in 0..1_000 {
            pace.permit().await;
            left.push(Instant::now());
        }
        let took = start.elapsed().as_secs_f64();
        assert!((12.4..=13.5).contains(&took), "{took}");
        for (at, from) in left.iter().enumerate() {
            let within = left[at..]
                .iter()
                .take_while(|one| **one - *from < Duration::from_secs(1));
            assert!(within.count() <= 80);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn w10_a_refusal_slows_down_within_two_seconds_and_the_rate_is_back_within_a_minute() {
        let pace = Pace::new(80.0);
        for _ in 0..20 {
            pace.slow_down();
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        assert!(pace.per_second() <= 20.0, "{}", pace.per_second());
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(pace.per_second() >= 76.0, "{}", pace.per_second());
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_is_not_made_up_for() {
        let pace = Pace::new(10.0);
        tokio::time::advance(Duration::from_mins(1)).await;
        let start = Instant::now();
        for _ in 0..11 {
            pace.permit().await;
        }
        assert!(start.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_leaves_while_the_number_rests() {
        let pace = Pace::new(80.0);
        pace.permit().await;
        pace.rest(Duration::from_secs(30));
        let start = Instant::now();
        pace.permit().await;
        assert!(start.elapsed() >= Duration::from_secs(30));
        assert_eq!(pace.rests_for(), Duration::ZERO);
    }

    #[test]
    fn a_number_has_one_pace_and_may_be_raised() {
        let numbers = Numbers::default();
        let one = numbers.pace("1");
        assert!(Arc::ptr_eq(&one, &numbers.pace("1")));
        assert!(!Arc::ptr_eq(&one, &numbers.pace("2")));
        one.raise_to(10.0);
        assert_eq!(numbers.pace("1").per_second().round() as u32, 80);
        one.raise_to(500.0);
        assert_eq!(numbers.pace("1").per_second().round() as u32, 500);
        assert_eq!(numbers.pace("2").per_second().round() as u32, 80);
    }
}

//! The circuit breaker of a client: while an org does not answer, one request at a time asks whether it does again, and
//! the others wait.
//!
//! ```text
//! closed ──several failures in a row──▶ open ──a probe is answered──▶ closed
//!                                        └──probes fail past the patience──▶ given up ──a while later──▶ open
//! ```

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::foundation::code::Code;

use super::refusal::Failure;
use super::settings::{BreakerPolicy, Outage, OutageObserver};

/// Lets requests out while the org answers; shared by all requests of a client.
pub(super) struct Breaker {
    policy: BreakerPolicy,
    observer: Option<OutageObserver>,
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Default)]
struct State {
    /// Failures since the last answer.
    failures: u32,
    /// Whether the org ever answered. Where it never did, an address is wrong or a network missing: waiting cures neither.
    is_known: bool,
    open: Option<Open>,
    given_up: Option<(Instant, Code, String)>,
}

/// An outage.
struct Open {
    since: Instant,
    /// When the next probe may leave.
    next: Instant,
    probes: u32,
    is_probing: bool,
}

/// What a request may do.
enum May {
    Leave,
    Probe,
    Wait(Option<Instant>),
    GiveUp(Code, String),
}

/// What the end of an exchange says about the org.
enum Sign {
    /// It answers.
    Answered,
    /// It does not.
    Failed,
    /// Nothing: the request never left, or the fault is on this side.
    None,
}

impl Breaker {
    /// A closed breaker.
    pub(super) fn new(policy: BreakerPolicy, observer: Option<OutageObserver>) -> Self {
        Self {
            policy,
            observer,
            state: Mutex::default(),
            moved: Notify::new(),
        }
    }

    /// Makes one exchange when it may leave, and learns from its end. A failure that belongs to an outage says so in
    /// [`Failure::in_outage`].
    ///
    /// # Errors
    /// The exchange's own failure; `salesforce-unavailable` or `org-maintenance`, settled, when the outage outlasts the
    /// patience.
    pub(super) async fn hold<T>(
        &self,
        exchange: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut pass = self.enter().await?;
        let mut outcome = exchange.await;
        let ended = match &outcome {
            Ok(_) => pass.answered(),
            Err(failure) => match sign(failure) {
                Sign::Answered => pass.answered(),
                Sign::Failed => pass.failed(failure),
                Sign::None => None,
            },
        };
        drop(pass);
        if let Err(failure) = &mut outcome {
            let state = self.lock();
            let is_down = state.open.is_some() || state.given_up.is_some();
            failure.in_outage = is_down && matches!(sign(failure), Sign::Failed);
        }
        if let Some(outage) = ended {
            if let Some(observer) = &self.observer {
                observer(&outage);
            } else {
                tracing::warn!("{outage}");
            }
        }
        outcome
    }

    /// Waits until a request may leave.
    async fn enter(&self) -> Result<Pass<'_>, Failure> {
        loop {
            let mut moved = pin!(self.moved.notified());
            // From here on no move is missed.
            moved.as_mut().enable();
            let until = match self.ask() {
                May::Leave => return Ok(Pass::new(self, false)),
                May::Probe => return Ok(Pass::new(self, true)),
                May::GiveUp(code, message) => {
                    let mut failure = Failure::new(code, message);
                    failure.settled = true;
                    return Err(failure);
                }
                May::Wait(until) => until,
            };
            match until {
                None => moved.await,
                Some(until) => tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep_until(until) => {}
                },
            }
        }
    }

    fn ask(&self) -> May {
        let now = Instant::now();
        let mut state = self.lock();
        if let Some((at, code, message)) = &state.given_up {
            if now < *at + self.policy.longest_wait {
                return May::GiveUp(*code, message.clone());
            }
            state.given_up = None;
            state.open = Some(Open::new(now, now));
        }
        match &mut state.open {
            None => May::Leave,
            Some(open) if open.is_probing => May::Wait(None),
            Some(open) if now < open.next => May::Wait(Some(open.next)),
            Some(open) => {
                open.is_probing = true;
                open.probes += 1;
                May::Probe
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    const fn new(since: Instant, next: Instant) -> Self {
        Self {
            since,
            next,
            probes: 0,
            is_probing: false,
        }
    }

    /// How long to wait behind the probes made so far: twice as long behind each, less up to half by chance, and at least
    /// as long as the answer asked for.
    fn wait(&self, policy: &BreakerPolicy, asked: Option<Duration>) -> Duration {
        let factor = 1_u32.checked_shl(self.probes).unwrap_or(u32::MAX);
        let longest = policy
            .first_wait
            .saturating_mul(factor)
            .min(policy.longest_wait);
        let chosen = longest.mul_f64(f64::midpoint(1.0, fastrand::f64()));
        chosen.max(asked.unwrap_or_default())
    }
}

/// The right to one exchange. A probe that is dropped unfinished leaves its turn to another request.
struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl<'a> Pass<'a> {
    const fn new(breaker: &'a Breaker, is_probe: bool) -> Self {
        Self { breaker, is_probe }
    }

    /// The first answer closes the breaker, whichever request it belongs to.
    fn answered(&mut self) -> Option<Outage> {
        let mut state = self.breaker.lock();
        state.failures = 0;
        state.is_known = true;
        state.given_up = None;
        let open = state.open.take()?;
        self.is_probe = false;
        drop(state);
        self.breaker.moved.notify_waiters();
        let lasted = open.since.elapsed();
        tracing::debug!(probes = open.probes, "the circuit is closed");
        Some(Outage::Over {
            lasted,
            probes: open.probes,
        })
    }

    fn failed(&mut self, failure: &Failure) -> Option<Outage> {
        let policy = &self.breaker.policy;
        let now = Instant::now();
        let mut state = self.breaker.lock();
        state.failures = state.failures.saturating_add(1);
        let Some(open) = &mut state.open else {
            return self.opened(&mut state, now, failure);
        };
        // Requests that left before the breaker opened say nothing new.
        if !self.is_probe {
            return None;
        }
        self.is_probe = false;
        open.is_probing = false;
        let end = open.since + policy.patience;
        if now < end {
            // The last probe is made when the patience ends.
            open.next = (now + open.wait(policy, failure.retry_after)).min(end);
        } else {
            let message = format!(
                "Salesforce did not answer for {} and {} probes: {}",
                shown(open.since.elapsed()),
                open.probes,
                failure.error.message()
            );
            state.open = None;
            let code = match failure.error.code() {
                Code::OrgMaintenance => Code::OrgMaintenance,
                _ => Code::SalesforceUnavailable,
            };
            state.given_up = Some((now, code, message));
        }
        drop(state);
        self.breaker.moved.notify_waiters();
        None
    }

    fn opened(&self, state: &mut State, now: Instant, failure: &Failure) -> Option<Outage> {
        let policy = &self.breaker.policy;
        let trips = state.is_known && state.given_up.is_none() && !policy.patience.is_zero();
        if !trips || state.failures < policy.failures {
            return None;
        }
        let mut open = Open::new(now, now);
        open.next = now + open.wait(policy, failure.retry_after).min(policy.patience);
        state.open = Some(open);
        tracing::debug!(failures = state.failures, "the circuit is open");
        Some(Outage::Began {
            reason: failure.error.message().to_owned(),
            patience: policy.patience,
        })
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.is_probe {
            return;
        }
        if let Some(open) = &mut self.breaker.lock().open {
            open.is_probing = false;
        }
        self.breaker.moved.notify_waiters();
    }
}

/// Only what says that the org does not answer trips the breaker; refusals and limits are answers.
fn sign(failure: &Failure) -> Sign {
    match failure.error.code() {
        Code::ConnectionFailed
        | Code::AnswerCutOff
        | Code::AnswerLate
        | Code::SalesforceUnavailable
        | Code::OrgMaintenance => Sign::Failed,
        _ if failure.error.context().http_status.is_some() => Sign::Answered,
        _ => Sign::None,
    }
}

/// A time in the unit that a person would choose.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outage::Began { reason, patience } => write!(
                f,
                "Salesforce does not answer ({reason}); requests wait for it, up to {}",
                shown(*patience)
            ),
            Outage::Over { lasted, probes } => write!(
                f,
                "Salesforce answers again after {} and {probes} probes",
                shown(*lasted)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn waits_between_probes_double_up_to_the_longest_and_vary_by_half() {
        let policy = BreakerPolicy::default();
        let now = Instant::now();
        for (probes, longest) in [(0, 1), (1, 2), (4, 16), (5, 30), (90, 30)] {
            let open = Open {
                probes,
                ..Open::new(now, now)
            };
            let longest = Duration::from_secs(longest);
            for _ in 0..50 {
                let wait = open.wait(&policy, None);
                assert!(wait <= longest && wait >= longest / 2, "{probes}: {wait:?}");
            }
            let asked = Duration::from_secs(77);
            assert_eq!(open.wait(&policy, Some(asked)), asked);
        }
    }

    #[test]
    fn only_the_silence_of_an_org_trips_the_breaker() {
        for code in Code::ALL {
            let failed = matches!(sign(&Failure::new(*code, "x")), Sign::Failed);
            let silent = [
                Code::ConnectionFailed,
                Code::AnswerCutOff,
                Code::AnswerLate,
                Code::SalesforceUnavailable,
                Code::OrgMaintenance,
            ];
            assert_eq!(failed, silent.contains(code), "{code}");
        }
    }

    #[tokio::test]
    async fn a_probe_that_is_dropped_leaves_its_turn_to_the_next() {
        let policy = BreakerPolicy {
            failures: 1,
            first_wait: millis(1),
            longest_wait: millis(1),
            patience: Duration::from_mins(1),
        };
        let breaker = Breaker::new(policy, None);
        breaker.hold(async { Ok(()) }).await.unwrap();
        let down = async { Err::<(), _>(Failure::new(Code::ConnectionFailed, "x")) };
        assert!(breaker.hold(down).await.unwrap_err().in_outage);
        let stuck = breaker.hold(std::future::pending::<Result<(), Failure>>());
        assert!(tokio::time::timeout(millis(50), stuck).await.is_err());
        let next = breaker.hold(async { Ok(()) });
        let answered = tokio::time::timeout(Duration::from_secs(10), next).await;
        answered.unwrap().unwrap();
        assert!(breaker.lock().open.is_none());
    }

    #[test]
    fn times_are_told_in_the_unit_a_person_would_choose() {
        assert_eq!(shown(millis(20)), "20 ms");
        assert_eq!(shown(Duration::from_secs(119)), "119 s");
        assert_eq!(shown(Duration::from_mins(5)), "5 min");
    }
}

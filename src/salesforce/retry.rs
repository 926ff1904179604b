//! When a failed request is sent again: by its class and by what a second try can do, with exponential back-off and full
//! jitter.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};

use super::breaker::Breaker;
use super::errors::Class;
use super::refusal::Failure;
use super::settings::{Retry, RetryObserver, RetryPolicy, Settings, doubled};

/// What a second try of a request can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Cost time: it changes nothing.
    Read,
    /// Nothing more than the first: it gives the same rows the same values. So an answer that leaves it open whether the
    /// first try was carried out is resolved by sending the request again.
    Same,
    /// The same again: it makes rows a second time. So it is never sent again once it may have been carried out.
    Twice,
}

/// Repeats requests for one client.
pub(super) struct Retries {
    policy: RetryPolicy,
    observer: Option<RetryObserver>,
    count: AtomicU64,
    breaker: Breaker,
}

impl Retries {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            policy: settings.retry,
            observer: settings.on_retry.clone(),
            count: AtomicU64::new(0),
            breaker: Breaker::new(settings.breaker, settings.on_outage.clone()),
        }
    }

    /// What every exchange passes.
    pub(super) const fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// How often a request was sent again.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How long to wait before rows that were locked are sent again, behind the try of this number.
    pub(super) fn backoff(&self, attempt: u32) -> Duration {
        let longest = doubled(self.policy.base, self.policy.cap, attempt);
        longest.mul_f64(fastrand::f64())
    }

    /// Makes one try after the other until one succeeds, fails for good, or the tries are used up.
    ///
    /// # Errors
    /// `write-unclear` for a request that may have been carried out and cannot be repeated.
    pub(super) async fn run<T, F>(&self, repeat: Repeat, mut once: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut attempt = 1;
        loop {
            let failure = match once().await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let is_held = failure.in_outage && is_repeated(&self.policy, repeat, &failure);
            let wait = wait(&self.policy, repeat, attempt, &failure, fastrand::f64());
            let failure = match repeat {
                Repeat::Twice if failure.maybe_done => unclear(failure.error),
                _ => failure,
            };
            let error = failure
                .error
                .with(|context| context.attempt = Some(attempt));
            // The breaker waits in place of this loop, and gives up in its place too.
            if is_held {
                self.count.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let Some(wait) = wait else {
                return Err(error);
            };
            attempt += 1;
            self.count.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(
                code = %error.code(),
                wait_ms = wait.as_millis() as u64,
                attempt,
                "the request is sent again"
            );
            if let Some(observer) = &self.observer {
                observer(&Retry {
                    error: &error,
                    wait,
                    attempt,
                });
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// How long to wait before the try after `attempt`; `None` when there is none. `random` is in 0..1.
fn wait(
    policy: &RetryPolicy,
    repeat: Repeat,
    attempt: u32,
    failure: &Failure,
    random: f64,
) -> Option<Duration> {
    if !is_repeated(policy, repeat, failure) || attempt >= policy.attempts {
        return None;
    }
    let longest = |base: Duration| doubled(base, policy.cap, attempt);
    let chosen = if failure.class() == Class::SlowDown {
        policy.slow_base + longest(policy.slow_base).mul_f64(random)
    } else {
        longest(policy.base).mul_f64(random)
    };
    Some(chosen.max(failure.retry_after.unwrap_or_default()))
}

/// Whether a failure is one that may be repeated at all.
fn is_repeated(policy: &RetryPolicy, repeat: Repeat, failure: &Failure) -> bool {
    let class = failure.class();
    // I12: the class decides, and for a change also whether it may have been made.
    let again = match repeat {
        Repeat::Read => class.is_retried(),
        // The same request gets the same answer, which is too large a second time.
        Repeat::Same if failure.error.code() == Code::AnswerTooLarge => false,
        Repeat::Same => class.is_retried() || failure.maybe_done,
        Repeat::Twice => class.is_retried() && !failure.maybe_done,
    };
    let in_reason = failure
        .retry_after
        .is_none_or(|asked| asked <= policy.retry_after_cap);
    again && in_reason && !failure.settled
}

/// Names the end of a request that may have been carried out and cannot be repeated.
fn unclear(error: Error) -> Failure {
    let context = error.context().clone();
    let mut failure = Failure::new(
        Code::WriteUnclear,
        format!(
            "records may have been created, and the answer does not tell: {}",
            error.message()
        ),
    );
    failure.error = failure
        .error
        .with(|empty| *empty = context)
        .caused_by(error);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn waits_double_up_to_the_cap_and_end_with_the_tries() {
        let policy = RetryPolicy {
            attempts: 10,
            ..RetryPolicy::default()
        };
        let failure = Failure::new(Code::SalesforceUnavailable, "x");
        let longest: Vec<_> = (1..=10)
            .map(|n| wait(&policy, Repeat::Read, n, &failure, 1.0))
            .collect();
        let expected = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(|n| Some(secs(n)));
        assert_eq!(longest[..9], expected);
        assert_eq!(longest[9], None);
        assert_eq!(wait(&policy, Repeat::Read, 3, &failure, 0.0), Some(secs(0)));
        assert_eq!(wait(&policy, Repeat::Read, 3, &failure, 0.5), Some(secs(2)));
    }

    #[test]
    fn a_concurrency_limit_waits_twenty_seconds_at_least() {
        let policy = RetryPolicy::default();
        let failure = Failure::new(Code::ConcurrencyLimit, "x");
        assert_eq!(
            wait(&policy, Repeat::Read, 1, &failure, 0.0),
            Some(secs(20))
        );
        assert_eq!(
            wait(&policy, Repeat::Read, 2, &failure, 1.0),
            Some(secs(60))
        );
        assert_eq!(
            wait(&policy, Repeat::Read, 5, &failure, 1.0),
            Some(secs(80))
        );
    }

    #[test]
    fn only_passing_failures_are_repeated() {
        let policy = RetryPolicy::default();
        for code in Code::ALL {
            let Some(class) = super::super::errors::class(*code) else {
                continue;
            };
            let repeated = wait(&policy, Repeat::Read, 1, &Failure::new(*code, "x"), 1.0).is_some();
            assert_eq!(
                repeated,
                matches!(class, Class::Transient | Class::SlowDown),
                "{code}"
            );
        }
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_changes_nothing() {
        let policy = RetryPolicy::default();
        let repeated = |repeat, code, maybe_done| {
            let mut failure = Failure::new(code, "x");
            failure.maybe_done = maybe_done;
            wait(&policy, repeat, 1, &failure, 1.0).is_some()
        };
        #[rustfmt::skip]
        let table = [
            // code, whether it may have been done, and whether a read, the same change, a second change is tried again
            (Code::ConnectionFailed, false, [true, true, true]),
            (Code::RecordLocked, false, [true, true, true]),
            (Code::ConcurrencyLimit, false, [true, true, true]),
            (Code::SalesforceUnavailable, true, [true, true, false]),
            (Code::AnswerCutOff, true, [true, true, false]),
            (Code::AnswerLate, true, [false, true, false]),
            (Code::AnswerUnreadable, true, [false, true, false]),
            (Code::AnswerTooLarge, true, [false, false, false]),
            (Code::BatchRefused, false, [false, false, false]),
            (Code::PermissionDenied, false, [false, false, false]),
            (Code::BudgetSpent, false, [false, false, false]),
        ];
        for (code, maybe_done, expected) in table {
            let is = [Repeat::Read, Repeat::Same, Repeat::Twice]
                .map(|repeat| repeated(repeat, code, maybe_done));
            assert_eq!(is, expected, "{code}");
        }
    }

    #[test]
    fn a_gateway_s_wish_is_granted_within_reason() {
        let policy = RetryPolicy::default();
        let mut failure = Failure::new(Code::SalesforceUnavailable, "x");
        failure.retry_after = Some(secs(90));
        assert_eq!(
            wait(&policy, Repeat::Read, 1, &failure, 1.0),
            Some(secs(90))
        );
        failure.retry_after = Some(secs(601));
        assert_eq!(wait(&policy, Repeat::Read, 1, &failure, 1.0), None);
        failure.retry_after = Some(secs(0));
        assert_eq!(wait(&policy, Repeat::Read, 1, &failure, 1.0), Some(secs(1)));
    }
}

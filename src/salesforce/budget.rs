//! How much of the org's API is used, as Salesforce tells it, and how fast requests may follow each other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::foundation::code::Code;

use super::refusal::Failure;
use super::settings::Budget;
use super::wire::Purpose;

/// How long a reading of the org's usage is trusted. A refusal costs no call, so without an end a process that
/// runs for days would never learn that the window has moved on.
const READING_TRUSTED: Duration = Duration::from_mins(5);

/// The org's calls in the last 24 hours, as the last answer told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyUsage {
    /// Calls made, by every program of the org.
    pub used: u64,
    /// Calls allowed.
    pub max: u64,
}

/// What is left of the org's daily API calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallsLeft {
    /// Calls until the budget's share is used up.
    pub left: u64,
    /// Calls made, by every program of the org.
    pub used: u64,
    /// Calls the budget allows.
    pub allowed: u64,
    /// Calls the org allows.
    pub max: u64,
}

/// Watches usage and pace; shared by all requests of a client.
pub(super) struct Meter {
    budget: Budget,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    daily: Option<(DailyUsage, Instant)>,
    // The instant at which a bucket of one second's requests would be full again.
    full_at: Option<Instant>,
}

impl Meter {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            state: Mutex::default(),
        }
    }

    /// Whether it watches this budget.
    pub(super) fn is_of(&self, budget: Budget) -> bool {
        self.budget == budget
    }

    /// The last reading.
    pub(super) fn daily(&self) -> Option<DailyUsage> {
        self.lock().daily.map(|(usage, _)| usage)
    }

    /// What the budget leaves of the last reading.
    pub(super) fn left(&self) -> Option<CallsLeft> {
        let DailyUsage { used, max } = self.daily()?;
        let allowed = (max as f64 * self.budget.daily_share).floor() as u64;
        Some(CallsLeft {
            left: allowed.saturating_sub(used),
            used,
            allowed,
            max,
        })
    }

    /// Takes the reading of an answer's `Sforce-Limit-Info`, where it has one.
    pub(super) fn note(&self, header: &str) {
        if let Some(usage) = parse(header) {
            self.lock().daily = Some((usage, Instant::now()));
        }
    }

    /// Refuses a call past the budget.
    ///
    /// Writes may go on half-way from the share to the whole limit, so that what was read can still be written.
    pub(super) fn admit(&self, purpose: Purpose) -> Result<(), Failure> {
        let Some((DailyUsage { used, max }, read_at)) = self.lock().daily else {
            return Ok(());
        };
        let share = self.budget.daily_share;
        let (share, what) = match purpose {
            Purpose::Write => (f64::midpoint(share, share.max(1.0)), "writing"),
            _ => (share, "reading"),
        };
        let allowed = (max as f64 * share).floor();
        if (used as f64) < allowed || read_at.elapsed() > READING_TRUSTED {
            return Ok(());
        }
        let percent = share * 100.0;
        Err(Failure::new(
            Code::BudgetSpent,
            format!(
                "the org has used {used} of its {max} API calls of the last 24 hours, and \
                 `daily_share` ends {what} at {percent:.0}% ({allowed:.0} calls)"
            ),
        ))
    }

    /// Waits until the next request may leave: up to one second's requests at once, then evenly spaced.
    pub(super) async fn pace(&self) {
        let Some(rate) = self.budget.requests_per_second else {
            return;
        };
        let step = Duration::from_secs(1) / rate.get();
        let leave = {
            let mut state = self.lock();
            let now = Instant::now();
            let full_at = state.full_at.map_or(now, |at| at.max(now)) + step;
            state.full_at = Some(full_at);
            full_at.checked_sub(Duration::from_secs(1))
        };
        if let Some(leave) = leave {
            tokio::time::sleep_until(leave).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `api-usage=18/15000` among whatever other directives the header carries
/// (REST API Developer Guide, "Limit Info Header").
fn parse(header: &str) -> Option<DailyUsage> {
    header.split([';', ',']).find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("api-usage") {
            return None;
        }
        let (used, max) = value.split_once('/')?;
        let digits = |text: &str| {
            let text = text.trim();
            let end = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            text[..end].parse().ok()
        };
        let usage = DailyUsage {
            used: digits(used)?,
            max: digits(max)?,
        };
        (usage.max > 0).then_some(usage)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_headers_are_read_whatever_else_they_say() {
        let usage = |used, max| Some(DailyUsage { used, max });
        for (header, expected) in [
            ("api-usage=18/15000", usage(18, 15000)),
            ("api-usage=18/15000; api-bursts=1/750", usage(18, 15000)),
            ("api-bursts=1/750;API-Usage = 18 / 15000", usage(18, 15000)),
            (
                "per-app-api-usage=17/250(appName=sample), api-usage=25/5000(x)",
                usage(25, 5000),
            ),
            ("per-app-api-usage=17/250(appName=sample)", None),
            ("api-usage=18", None),
            ("api-usage=/15000", None),
            ("api-usage=-1/15000", None),
            ("api-usage=1/0", None),
            ("api-usage=99999999999999999999999/1", None),
            ("api-usage=a/b; api-usage=1/2", usage(1, 2)),
            ("", None),
            (";;,,=", None),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
    }

    #[test]
    fn the_share_is_of_the_org_s_whole_usage() {
        let meter = Meter::new(Budget {
            daily_share: 0.8,
            requests_per_second: None,
        });
        assert!(meter.admit(Purpose::Query).is_ok(), "nothing is known yet");
        meter.note("api-usage=79/100");
        assert!(meter.admit(Purpose::Query).is_ok());
        meter.note("api-usage=80/100");
        let refused = meter.admit(Purpose::Query).unwrap_err().error;
        assert_eq!(refused.code(), Code::BudgetSpent);
        assert!(refused.message().contains("80 of its 100"), "{refused}");
        meter.note("nonsense");
        assert!(
            meter.admit(Purpose::Query).is_err(),
            "a header without a reading changes nothing"
        );
        meter.note("api-usage=12/100");
        assert!(meter.admit(Purpose::Query).is_ok());
    }
    #[test]
    fn s20_writes_go_on_half_way_past_the_share_and_then_stop() {
        let at = |share, used| {
            let meter = Meter::new(Budget {
                daily_share: share,
                requests_per_second: None,
            });
            meter.note(&format!("api-usage={used}/1000"));
            [Purpose::Query, Purpose::Other, Purpose::Write]
                .map(|purpose| meter.admit(purpose).is_ok())
        };
        for (share, used, expected) in [
            (0.8, 799, [true, true, true]),
            (0.8, 800, [false, false, true]),
            (0.8, 899, [false, false, true]),
            (0.8, 900, [false, false, false]),
            (0.0, 499, [false, false, true]),
            (0.0, 500, [false, false, false]),
            (1.0, 999, [true, true, true]),
            (1.0, 1000, [false, false, false]),
        ] {
            assert_eq!(at(share, used), expected, "{share} {used}");
        }
    }
}

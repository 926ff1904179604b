//! How much later than its time a pipeline starts, always the same for one pipeline.

use std::time::Duration;

use jiff::SignedDuration;

use crate::foundation::id::Fingerprint;
use crate::spec::pipeline::Pipeline;
use crate::spec::schedule::Schedule;

/// The longest delay that nobody asked for.
const MOST: Duration = Duration::from_mins(5);

/// The delay of each start: whole milliseconds from 0 up to the pipeline's bound, the bound left out.
pub(super) fn delay(project: &str, pipeline: &Pipeline) -> SignedDuration {
    let bound = bound(pipeline).as_millis();
    if bound == 0 {
        return SignedDuration::ZERO;
    }
    let name = format!("jitter\n{project}\n{}", pipeline.name);
    let hash = Fingerprint::of(&name).bytes();
    let number = hash[..8]
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let millis = i64::try_from(number % bound).unwrap_or_default();
    SignedDuration::from_millis(millis)
}

fn bound(pipeline: &Pipeline) -> Duration {
    let period = match &pipeline.schedule {
        Schedule::Realtime | Schedule::Manual => return Duration::ZERO,
        Schedule::Cron(_) => Duration::ZERO,
        Schedule::Hourly => Duration::from_hours(1),
        Schedule::Daily => Duration::from_hours(24),
        Schedule::Every(period) => period.as_duration(),
    };
    match pipeline.jitter {
        Some(jitter) => jitter.as_duration(),
        None => (period / 10).min(MOST),
    }
}

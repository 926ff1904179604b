//! When a pipeline runs: the next time, the times of a stretch, and what is due now.

use std::iter::FusedIterator;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::CronTimes;
use super::jitter;
use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::spec::amount::Period;
use crate::spec::pipeline::Pipeline;
use crate::spec::schedule::{Cron, Missed, Schedule, pattern};

/// How late a start may be and still be on time: a server that looks every second and is held up for a moment misses nothing.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The most skipped ticks that are counted: at this number there may be more.
pub const MOST_COUNTED: u64 = 10_000;

/// Monday 5 January 1970, 00:00 UTC, in nanoseconds: what repetitions are counted from.
const ANCHOR: i128 = 4 * 24 * 60 * 60 * 1_000_000_000;

/// One time of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick {
    /// The time that the definition says, and what the tick is known by.
    pub nominal: Timestamp,
    /// When the run starts: the nominal time and the pipeline's delay.
    pub due: Timestamp,
}

/// What a schedule asks for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The tick to run now; one at most, the newest.
    pub run: Option<Tick>,
    /// Ticks that came due and are not run, up to [`MOST_COUNTED`].
    pub skipped: u64,
    /// Up to here every tick is run or skipped: what the next question brings along. Kept before the run begins, it makes sure
    /// that no tick is run twice (I21).
    pub settled: Timestamp,
}

/// The times of one pipeline.
#[derive(Debug, Clone)]
pub struct Timetable {
    schedule: Schedule,
    times: Times,
    zone: TimeZone,
    delay: SignedDuration,
    missed: Missed,
}

#[derive(Debug, Clone)]
enum Times {
    None,
    /// Nanoseconds between two times, above zero.
    Every(i128),
    Cron(Box<CronTimes>),
}

impl Timetable {
    /// The timetable of a pipeline of `project`, whose name takes part in the delay.
    ///
    /// # Errors
    /// `schedule-impossible` and `unknown-timezone` for schedules that checking the file refuses.
    pub fn of(project: &str, pipeline: &Pipeline) -> Result<Self> {
        let times = match &pipeline.schedule {
            Schedule::Realtime | Schedule::Manual => Times::None,
            Schedule::Hourly => every(Period::from_secs(60 * 60))?,
            Schedule::Daily => every(Period::from_secs(24 * 60 * 60))?,
            Schedule::Every(period) => every(*period)?,
            Schedule::Cron(written) => Times::Cron(Box::new(cron(written)?)),
        };
        let zone = match &times {
            Times::Cron(cron) => cron.zone().clone(),
            Times::None | Times::Every(_) => TimeZone::UTC,
        };
        Ok(Self {
            schedule: pipeline.schedule.clone(),
            times,
            zone,
            delay: jitter::delay(project, pipeline),
            missed: pipeline.missed,
        })
    }

    /// The first tick that comes due later than `after`; `None` where none does.
    pub fn next(&self, after: Timestamp) -> Option<Tick> {
        let nominal = self.next_nominal(self.horizon(after))?;
        self.tick(nominal)
    }

    /// The ticks that come due later than `after` and not later than `until`, in their order.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> Ticks<'_> {
        Ticks {
            timetable: self,
            last: self.horizon(after),
            until: self.horizon(until),
        }
    }

    /// What is to be done at `now`, when all ticks up to the nominal time `settled` are done with.
    ///
    /// Without `settled` the pipeline is new, and nothing can have been missed: the answer's own `settled` is where it begins.
    pub fn due(&self, settled: Option<Timestamp>, now: Timestamp) -> Due {
        let horizon = self.horizon(now);
        let Some(settled) = settled else {
            return Due {
                run: None,
                skipped: 0,
                settled: horizon,
            };
        };
        let Some(newest) = self.newest(settled, horizon) else {
            return Due {
                run: None,
                skipped: 0,
                settled,
            };
        };
        let is_run = match self.missed {
            Missed::Once => true,
            Missed::Skip => now.duration_since(newest.due) <= GRACE,
        };
        let pending = Ticks {
            timetable: self,
            last: settled,
            until: newest.nominal,
        };
        let most = usize::try_from(MOST_COUNTED).unwrap_or(usize::MAX);
        let pending = pending.take(most.saturating_add(1)).count() as u64;
        Due {
            run: is_run.then_some(newest),
            skipped: (pending - u64::from(is_run)).min(MOST_COUNTED),
            settled: newest.nominal,
        }
    }

    /// How much later than its time each start is.
    pub fn delay(&self) -> SignedDuration {
        self.delay
    }

    /// The zone in which the schedule is meant.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The name of the zone; `UTC` where none is given.
    pub fn timezone(&self) -> &str {
        self.zone().iana_name().unwrap_or("UTC")
    }

    /// What happens to ticks whose time passed while nobody ran.
    pub fn missed(&self) -> Missed {
        self.missed
    }

    /// What was written.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The times of the cron expression, where it is one.
    pub(super) fn cron(&self) -> Option<&CronTimes> {
        match &self.times {
            Times::Cron(cron) => Some(cron),
            Times::None | Times::Every(_) => None,
        }
    }

    /// The newest tick behind `settled` whose nominal time is not later than `horizon`.
    ///
    /// It is looked for in stretches before the horizon, each longer than the one before, so that years of a busy schedule cost
    /// no more than its last hour.
    fn newest(&self, settled: Timestamp, horizon: Timestamp) -> Option<Tick> {
        let mut stretch = SignedDuration::from_hours(1);
        loop {
            let start = horizon.checked_sub(stretch).unwrap_or(Timestamp::MIN);
            let stretched = Ticks {
                timetable: self,
                last: start.max(settled),
                until: horizon,
            };
            if let Some(newest) = stretched.last() {
                return Some(newest);
            }
            if start <= settled {
                return None;
            }
            stretch = stretch.checked_mul(8).unwrap_or(SignedDuration::MAX);
        }
    }

    /// The nominal time that comes due at `at`.
    fn horizon(&self, at: Timestamp) -> Timestamp {
        at.checked_sub(self.delay).unwrap_or(Timestamp::MIN)
    }

    fn tick(&self, nominal: Timestamp) -> Option<Tick> {
        let due = nominal.checked_add(self.delay).ok()?;
        Some(Tick { nominal, due })
    }

    fn next_nominal(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::None => None,
            Times::Every(period) => {
                let since = after.as_nanosecond() - ANCHOR;
                let count = since.div_euclid(*period) + 1;
                Timestamp::from_nanosecond(ANCHOR + count * period).ok()
            }
            Times::Cron(cron) => cron.next(after),
        }
    }
}

/// The ticks of a stretch of time, made by [`Timetable::between`].
#[derive(Debug, Clone)]
pub struct Ticks<'a> {
    timetable: &'a Timetable,
    last: Timestamp,
    until: Timestamp,
}

impl Iterator for Ticks<'_> {
    type Item = Tick;

    fn next(&mut self) -> Option<Tick> {
        if self.last >= self.until {
            return None;
        }
        let nominal = self.timetable.next_nominal(self.last);
        let tick = nominal
            .filter(|nominal| *nominal <= self.until)
            .and_then(|nominal| self.timetable.tick(nominal));
        self.last = tick.map_or(self.until, |tick| tick.nominal);
        tick
    }
}

impl FusedIterator for Ticks<'_> {}

fn every(period: Period) -> Result<Times> {
    let nanos = i128::try_from(period.as_duration().as_nanos()).unwrap_or(i128::MAX);
    if nanos == 0 {
        let message = "a repetition without a length never comes";
        return Err(
            Error::new(Code::ScheduleImpossible, message).help("write at least `every: 10s`")
        );
    }
    Ok(Times::Every(nanos))
}

fn cron(written: &Cron) -> Result<CronTimes> {
    let understood = pattern(&written.expression).ok_or_else(|| {
        let message = format!("`{}` is no cron expression", written.expression);
        Error::new(Code::ScheduleImpossible, message)
            .help("write five fields, such as `\"0 6 * * 1-5\"`")
    })?;
    let name = written.timezone.as_deref().unwrap_or("UTC");
    let zone = TimeZone::get(name).map_err(|_| {
        Error::new(
            Code::UnknownTimezone,
            format!("there is no time zone `{name}`"),
        )
        .help("write an IANA name, such as `Europe/London`, or `UTC`")
    })?;
    Ok(CronTimes::new(understood, zone))
}

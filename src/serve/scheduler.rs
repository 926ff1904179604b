//! What is due: schedules, changes and messages that wait. It has no clock and starts nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::engine::open;
use crate::foundation::error::Result;
use crate::foundation::id::PipelineName;
use crate::store::Store;
use crate::store::model::SettledTick;

use super::poll::Poll;
use super::project::{Revision, Served};

/// How long a run that another process kept from starting waits.
const LOCKED: SignedDuration = SignedDuration::from_secs(15);

/// How long a pipeline whose run failed leaves its waiting messages and changes alone, the first time.
const FAILED: SignedDuration = SignedDuration::from_secs(30);

/// The longest such wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(30);

/// Why a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its schedule says so: the nominal time.
    Tick(Timestamp),
    /// It asks Salesforce for changes.
    Poll,
    /// Bridged's own records changed.
    Records,
    /// Messages of its campaign wait, and their time has come.
    Messages,
    /// It was kept from starting a moment ago.
    Again,
}

/// How a run ended, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It read so many records, and went through.
    Read(u64),
    /// It failed.
    Failed,
    /// Another process runs the pipeline, so it did not begin.
    Locked,
}

/// A pipeline that is to be started.
#[derive(Debug, Clone)]
pub struct Start {
    /// The pipeline.
    pub served: Served,
    /// Why.
    pub why: Why,
}

/// Decides what starts.
#[derive(Debug, Default)]
pub struct Scheduler {
    lines: BTreeMap<PipelineName, Line>,
}

/// One pipeline.
#[derive(Debug)]
struct Line {
    served: Served,
    /// Up to which nominal time its ticks are settled; `None` while the store was not asked.
    settled: Option<Timestamp>,
    /// Whether the store has not been told of that so far.
    is_unsaved: bool,
    skipped: u64,
    poll: Poll,
    /// The newest change that a run of it has seen.
    seen: Option<u64>,
    again: Option<Timestamp>,
    failures: u32,
    rests_until: Option<Timestamp>,
}

impl Scheduler {
    /// Puts another revision in place at `now`. What is known of a pipeline that stays is kept; one whose schedule changes has
    /// missed nothing of the new one.
    pub fn replace(&mut self, revision: &Revision, now: Timestamp) {
        let mut before = std::mem::take(&mut self.lines);
        for served in &revision.pipelines {
            let name = served.plan.pipeline.clone();
            let line = match before.remove(&name) {
                // A broken connection may be mended by the new files.
                Some(mut line) => {
                    line.reschedule(served, now);
                    Line {
                        served: served.clone(),
                        failures: 0,
                        rests_until: None,
                        ..line
                    }
                }
                None => Line::new(served.clone()),
            };
            self.lines.insert(name, line);
        }
    }

    /// A pipeline of the revision in place.
    pub fn served(&self, pipeline: &PipelineName) -> Option<&Served> {
        self.lines.get(pipeline).map(|line| &line.served)
    }

    /// Every pipeline, with its ticks that were skipped or made up for together.
    pub fn all(&self) -> impl Iterator<Item = (&Served, u64)> {
        self.lines.values().map(|line| (&line.served, line.skipped))
    }

    /// What is to be started at `now`, `room` pipelines at the most, in the order in which they came due.
    ///
    /// I21: a tick is settled in the store before its run starts, so that none is fired twice, whatever ends the process.
    ///
    /// # Errors
    /// What the store says. What was settled before it failed is started all the same, and the failure comes up the next time.
    pub fn due(
        &mut self,
        now: Timestamp,
        running: &BTreeSet<PipelineName>,
        room: usize,
        store: &dyn Store,
    ) -> Result<Vec<Start>> {
        let change = self.newest_change(store)?;
        let mut due: Vec<(&PipelineName, Due)> = Vec::new();
        for (name, line) in &mut self.lines {
            if running.contains(name) {
                continue;
            }
            match line.settled {
                None => line.settled = Some(begin(name, &line.served, now, store)?),
                Some(nominal) if line.is_unsaved => {
                    store.settle_tick(name, &settled(&line.served, nominal))?;
                }
                Some(_) => {}
            }
            line.is_unsaved = false;
            due.extend(line.due(now, change, name, store)?.map(|one| (name, one)));
        }
        due.sort_by_key(|(name, (since, ..))| (*since, *name));
        due.truncate(room);
        let chosen: Vec<_> = due
            .into_iter()
            .map(|(name, (_, why, settles))| (name.clone(), why, settles))
            .collect();
        let mut starts = Vec::with_capacity(chosen.len());
        for (name, why, settles) in chosen {
            let Some(line) = self.lines.get_mut(&name) else {
                continue;
            };
            if let Some((nominal, skipped)) = settles {
                match store.settle_tick(&name, &settled(&line.served, nominal)) {
                    Ok(()) => {}
                    Err(error) if starts.is_empty() => return Err(error),
                    // The ticks before it are settled: were they not started now, they would be lost.
                    Err(_) => break,
                }
                line.settled = Some(nominal);
                line.skipped += skipped;
            }
            line.again = None;
            line.seen = change.or(line.seen);
            starts.push(Start {
                served: line.served.clone(),
                why,
            });
        }
        Ok(starts)
    }

    /// Takes in how a run ended.
    pub fn ended(&mut self, pipeline: &PipelineName, how: Ended, now: Timestamp) {
        let Some(line) = self.lines.get_mut(pipeline) else {
            return;
        };
        match how {
            Ended::Read(records) => {
                line.failures = 0;
                line.rests_until = None;
                line.poll.ended(now, records > 0);
            }
            Ended::Failed => {
                let wait = FAILED * (1 << line.failures.min(6));
                line.failures += 1;
                line.rests_until = now.checked_add(wait.min(LONGEST)).ok();
                line.poll.ended(now, false);
            }
            Ended::Locked => line.again = now.checked_add(LOCKED).ok(),
        }
    }

    /// The number of the newest change, where any pipeline watches records.
    fn newest_change(&self, store: &dyn Store) -> Result<Option<u64>> {
        let watches = self
            .lines
            .values()
            .any(|line| line.served.watches_records());
        watches.then(|| store.newest_change()).transpose()
    }
}

/// Where a pipeline's ticks begin: behind what the store has settled of this schedule, or now for one that is new to it.
fn begin(
    name: &PipelineName,
    served: &Served,
    now: Timestamp,
    store: &dyn Store,
) -> Result<Timestamp> {
    let known = store.settled_tick(name)?;
    let when = served.timetable.when();
    let nominal = match known {
        Some(known) if known.schedule.as_ref().is_none_or(|of| *of == when) => {
            return Ok(known.nominal);
        }
        // A schedule that changed while nobody served it has missed nothing either.
        Some(known) => served.timetable.due(None, now).settled.max(known.nominal),
        None => served.timetable.due(None, now).settled,
    };
    store.settle_tick(name, &settled(served, nominal))?;
    Ok(nominal)
}

/// A tick of a pipeline's schedule as the store keeps it.
fn settled(served: &Served, nominal: Timestamp) -> SettledTick {
    SettledTick {
        nominal,
        schedule: Some(served.timetable.when()),
    }
}

/// Since when something is due, why, and the tick that is settled with it, with how many were skipped.
type Due = (Timestamp, Why, Option<(Timestamp, u64)>);

impl Line {
    const fn new(served: Served) -> Self {
        Self {
            served,
            settled: None,
            is_unsaved: false,
            skipped: 0,
            poll: Poll::new(),
            seen: None,
            again: None,
            failures: 0,
            rests_until: None,
        }
    }

    /// Begins another schedule at `now`.
    fn reschedule(&mut self, served: &Served, now: Timestamp) {
        let timetable = &served.timetable;
        if let Some(settled) = self.settled
            && timetable.when() != self.served.timetable.when()
        {
            self.settled = Some(timetable.due(None, now).settled.max(settled));
            self.is_unsaved = true;
        }
    }

    fn due(
        &mut self,
        now: Timestamp,
        change: Option<u64>,
        name: &PipelineName,
        store: &dyn Store,
    ) -> Result<Option<Due>> {
        let ticked = self.served.timetable.due(self.settled, now);
        if let Some(tick) = ticked.run {
            let settles = Some((ticked.settled, ticked.skipped));
            return Ok(Some((tick.due, Why::Tick(tick.nominal), settles)));
        }
        if Some(ticked.settled) != self.settled {
            // Missed, and to be skipped.
            store.settle_tick(name, &settled(&self.served, ticked.settled))?;
            self.settled = Some(ticked.settled);
            self.skipped += ticked.skipped;
        }
        if self.again.is_some_and(|again| is_over(again, now, LOCKED)) {
            return Ok(Some((now, Why::Again, None)));
        }
        if self
            .rests_until
            .is_some_and(|until| !is_over(until, now, LONGEST))
        {
            return Ok(None);
        }
        if self.served.plan.broadcast().is_some()
            && let Some(next) = store.next_message(name)?
            && next <= now
        {
            return Ok(Some((next, Why::Messages, None)));
        }
        if self.served.watches_records() && change != self.seen {
            if concerns(&self.served, name, change.unwrap_or(0), store)? {
                return Ok(Some((now, Why::Records, None)));
            }
            self.seen = change;
        }
        if self.served.polls() && self.poll.is_due(now) {
            return Ok(Some((now, Why::Poll, None)));
        }
        Ok(None)
    }
}

/// Whether anything that changed up to a number, and that the pipeline has not read, is of the kind that it reads.
fn concerns(served: &Served, name: &PipelineName, until: u64, store: &dyn Store) -> Result<bool> {
    let cursor = store.change_cursor(name)?;
    let after = cursor.map_or(0, |cursor| cursor.change);
    if after >= until {
        return Ok(false);
    }
    match served.plan.records() {
        Some(records) => Ok(store.count_changed(open::kind(records.kind), after, until)? > 0),
        None => Ok(!store.engaged_profiles(after, until, 1)?.is_empty()),
    }
}

/// Whether a wait is over; one that is longer than any is the mark of a clock that was put back.
fn is_over(until: Timestamp, now: Timestamp, longest: SignedDuration) -> bool {
    until <= now || until.duration_since(now) > longest
}

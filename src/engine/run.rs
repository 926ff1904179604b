//! One run of a plan, from the lock to the report.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{RunEvent, RunReport, RunState};
use crate::foundation::id::RunId;
use crate::foundation::trace;
use crate::plan::Plan;
use crate::plan::step::broadcast::Broadcast;
use crate::salesforce::describe::ObjectDescribe;
use crate::store::model::{CampaignState, NewRun, RunLock};
use crate::store::read_only::ReadOnly;

use super::absent;
use super::apply::{self, Applying};
use super::broadcast::address::Addresser;
use super::broadcast::send::{self, Outbox};
use super::broadcast::{self, Messaging, Opened, report};
use super::deliver::Delivery;
use super::expect;
use super::flow::{self, Ended, Stages};
use super::guard;
use super::meter::Meter;
use super::open::{Opening, Range};
use super::prepare::Preparer;
use super::preview::{self, ReadSide};
use super::saved::Saved;
use super::settle::{Account, Settler};
use super::targets::Targets;
use super::{Options, Outside};

/// Runs a plan and tells how it went. Every error behind the lock is told in the report, whose state is `failed` then.
///
/// # Errors
/// What keeps a run from beginning: `pipeline-locked`, and what the store says of its own state.
pub async fn run(plan: &Arc<Plan>, outside: &Outside, options: Options) -> Result<RunReport> {
    let run = begin(plan, outside, options.run_id)?;
    let span = span(plan, &run);
    let outcome = execute(plan, outside, options, &run)
        .instrument(span.clone())
        .await;
    finish_traced(plan, outside, run, outcome, &span)
}

/// The span of a run; what it came to is written into it at its end.
pub(super) fn span(plan: &Plan, run: &Begun) -> Span {
    tracing::info_span!(
        target: trace::TARGET,
        "run",
        otel.name = format!("run {}", plan.pipeline),
        pipeline = %plan.pipeline,
        run_id = %run.run_id,
        fingerprint = %plan.fingerprint,
        state = Empty,
        read = Empty,
        delivered = Empty,
        rejected = Empty,
        unknown = Empty,
        api_calls = Empty,
        error.type = Empty,
        otel.status_code = Empty,
    )
}

/// Closes a run, and tells its span how it ended.
pub(super) fn finish_traced(
    plan: &Plan,
    outside: &Outside,
    run: Begun,
    outcome: Outcome,
    span: &Span,
) -> Result<RunReport> {
    let report = span.in_scope(|| finish(plan, outside, run, outcome))?;
    span.record("state", report.state.as_str());
    let ledger = &report.ledger;
    for (name, number) in [
        ("read", ledger.read),
        ("delivered", ledger.delivered),
        ("rejected", ledger.rejected),
        ("unknown", ledger.unknown),
        ("api_calls", report.api_calls),
    ] {
        span.record(name, number);
    }
    if let Some((code, _)) = &report.error {
        span.record("error.type", code.as_str());
        span.record("otel.status_code", "ERROR");
    }
    Ok(report)
}

/// Writes a saved plan: exactly its rows, or none.
///
/// # Errors
/// What keeps a run from beginning, and what [`apply::check`] refuses.
pub async fn apply(plan: &Arc<Plan>, outside: &Outside, saved: &Saved) -> Result<RunReport> {
    let store = ReadOnly::new(Arc::clone(&outside.store));
    let org = apply::org_of(&outside.client).await?;
    apply::check(plan, saved, &store, &org)?;
    let run = begin(plan, outside, None)?;
    let mut outcome = Outcome::default();
    let span = span(plan, &run);
    outcome.result = apply_rows(plan, outside, saved, &org, &run, &mut outcome)
        .instrument(span.clone())
        .await;
    finish_traced(plan, outside, run, outcome, &span)
}

async fn apply_rows(
    plan: &Arc<Plan>,
    outside: &Outside,
    saved: &Saved,
    org: &str,
    run: &Begun,
    outcome: &mut Outcome,
) -> Result<()> {
    let store = ReadOnly::new(Arc::clone(&outside.store));
    // Under the lock nothing moves any more.
    apply::check(plan, saved, &store, org)?;
    let mut opening = Opening::new(plan, &outside.client, &store, outside.clock.now());
    let described = opening.targets().await?;
    opening.keep(&outside.store)?;
    let targets = Targets::new(plan, &described, store);
    tell_start(plan, outside, run, Some(saved.rows));
    let applying = Applying {
        plan,
        saved,
        outside,
        delivery: Delivery::new(plan, targets.clone(), outside, run.run_id),
        targets,
        settler: Arc::new(settler(plan, outside, run)?),
        begun_before: outside
            .store
            .applied(&saved.sha256)?
            .map(|applied| applied.begun_at),
    };
    applying.run(run, outcome).await
}

/// A run that has its lock and its row in the store.
pub(super) struct Begun {
    pub(super) run_id: RunId,
    pub(super) started_at: Timestamp,
    meter: Meter,
    warnings: Vec<String>,
    _lock: RunLock,
}

/// What a run did, however it ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) account: Account,
    pub(super) warnings: Vec<String>,
    pub(super) cut_short: bool,
    pub(super) result: Result<()>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            account: Account::default(),
            warnings: Vec::new(),
            cut_short: false,
            result: Ok(()),
        }
    }
}

/// I13: the lock comes before everything that a second run could disturb.
pub(super) fn begin(plan: &Plan, outside: &Outside, run_id: Option<RunId>) -> Result<Begun> {
    let lock = outside.store.lock_pipeline(&plan.pipeline)?;
    let run_id = run_id.unwrap_or_else(RunId::generate);
    let started_at = outside.clock.now();
    let messenger = outside
        .messaging
        .as_ref()
        .map(|messaging| &messaging.messenger);
    let meter = Meter::start(&outside.client).with(messenger);
    let crashed = outside.store.begin_run(
        &lock,
        &NewRun {
            run_id,
            pipeline: plan.pipeline.clone(),
            fingerprint: plan.fingerprint,
            started_at,
        },
    )?;
    let warnings = crashed
        .iter()
        .map(|id| format!("run {id} had crashed; this one continues from its last commit"))
        .collect();
    Ok(Begun {
        run_id,
        started_at,
        meter,
        warnings,
        _lock: lock,
    })
}

async fn execute(plan: &Arc<Plan>, outside: &Outside, options: Options, run: &Begun) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.result = carry_out(plan, outside, options, run, &mut outcome).await;
    outcome
}

async fn carry_out(
    plan: &Arc<Plan>,
    outside: &Outside,
    options: Options,
    run: &Begun,
    outcome: &mut Outcome,
) -> Result<()> {
    let store = ReadOnly::new(Arc::clone(&outside.store));
    let mut opening = Opening {
        options,
        ..Opening::new(plan, &outside.client, &store, outside.clock.now())
    };
    let range = opening.range().await;
    let described = match &range {
        Ok(Some(_)) => opening.targets().await,
        _ => Ok(HashMap::new()),
    };
    outcome.warnings.append(&mut opening.warnings);
    opening.keep(&outside.store)?;
    let (Some(range), described) = (range?, described?) else {
        return Ok(());
    };
    guard(plan, outside, options).await?;
    let casting = Casting::open(plan, outside, run).await?;
    let mut source = range.source(plan, &outside.client, &store, options.limit)?;
    let expected =
        expect::records(plan, &outside.client, &store, &range, options, &mut source).await?;
    tell_start(plan, outside, run, expected);
    let late = range.late_before();
    let settler = Arc::new(Settler {
        cursor: range.cursor().cloned(),
        late_before: late.map(|(_, before)| before),
        ..settler(plan, outside, run)?
    });
    let addresser = casting
        .as_ref()
        .map(|casting| casting.addresser(store.clone(), run.started_at));
    let preparer =
        Preparer::new(plan, store, run.started_at, late.map(|(by, _)| by)).addressing(addresser);
    let filled = preparer.filled();
    let stages = Stages {
        preparer,
        delivery: delivery(plan, outside, run.run_id, &described),
        settler: Arc::clone(&settler),
        batch: plan.batch,
    };
    let (account, ended) = flow::stream(&mut source, stages, outside).await;
    outcome.account = account;
    let ended = ended?;
    conclude(&settler, &range, options, ended, outcome)?;
    if ended == Ended::Source && range.is_whole(options) {
        let read = outcome.account.ledger.read;
        let absent = absent::explain(&outside.client, plan, read, filled.as_deref()).await;
        outcome.warnings.extend(absent::warnings(absent));
    }
    match casting {
        Some(casting) => casting.send(outside, run, outcome).await,
        None => Ok(()),
    }
}

/// A broadcast that is being carried out.
pub(super) struct Casting<'a> {
    plan: &'a Plan,
    step: &'a Broadcast,
    messaging: &'a Messaging,
    opened: Opened,
}

impl<'a> Casting<'a> {
    /// Looks at template and number, opens the campaign, and takes over what earlier runs left of it; `None` for a plan without a
    /// broadcast.
    pub(super) async fn open(
        plan: &'a Plan,
        outside: &'a Outside,
        run: &Begun,
    ) -> Result<Option<Self>> {
        let Some((step, messaging)) = broadcast::needed(plan, outside.messaging.as_deref())? else {
            return Ok(None);
        };
        let store = ReadOnly::new(Arc::clone(&outside.store));
        let opened = broadcast::look(step, &messaging.reach, &store).await?;
        let now = outside.clock.now();
        broadcast::open(step, &messaging.reach, &outside.store, now)?;
        outside
            .store
            .adopt_messages(run.run_id, &plan.pipeline, now)?;
        Ok(Some(Self {
            plan,
            step,
            messaging,
            opened,
        }))
    }

    /// What addresses the people that are read.
    pub(super) fn addresser(&self, store: ReadOnly, now: Timestamp) -> Addresser {
        Addresser::new(
            self.step,
            &self.messaging.reach,
            store,
            self.opened.clone(),
            now,
        )
    }

    /// Sends what is due, and tells what waits and what was kept back.
    pub(super) async fn send(
        &self,
        outside: &Outside,
        run: &Begun,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let outbox = Outbox {
            plan: self.plan,
            step: self.step,
            messaging: self.messaging,
            opened: &self.opened,
            outside,
            meter: &run.meter,
            run_id: run.run_id,
        };
        let ended = outbox.send().await;
        let kept = outside.store.run(run.run_id)?;
        outcome.account.ledger = kept.map(|kept| kept.ledger).unwrap_or_default();
        outcome
            .warnings
            .extend(report::kept_back(&outcome.account.suppressed));
        let waiting = outside.store.waiting_messages(&self.plan.pipeline)?;
        outcome
            .warnings
            .extend(report::waiting(&waiting, self.step));
        let campaign = outside
            .store
            .campaign(self.step.section.campaign.as_str())?;
        if campaign.is_some_and(|campaign| campaign.state == CampaignState::Paused) {
            outcome.warnings.push(report::paused(self.step));
        }
        match ended? {
            send::Ended::Drained => Ok(()),
            send::Ended::Cancelled => Err(Error::new(
                Code::Interrupted,
                "the run was stopped before all was sent",
            )
            .help("run the same command again: what was not sent waits in the send ledger")),
        }
    }
}

/// Holds the guards against everything the run would write.
async fn guard(plan: &Arc<Plan>, outside: &Outside, options: Options) -> Result<()> {
    if plan.guards.is_empty() {
        return Ok(());
    }
    let side = ReadSide {
        client: outside.client.clone(),
        store: ReadOnly::new(Arc::clone(&outside.store)),
        clock: outside.clock.clone(),
        cancel: outside.cancel.clone(),
        reach: outside
            .messaging
            .as_ref()
            .map(|messaging| Arc::new(messaging.reach.clone())),
    };
    let foreseen = Box::pin(preview::preview(plan, &side, options, 0, &mut |_| Ok(()))).await;
    let preview = foreseen.map_err(|error| {
        let message = format!("the guards could not be computed: {error}");
        Error::new(Code::GuardNotComputable, message).caused_by(error)
    })?;
    guard::hold(&plan.guards, &preview)
}

pub(super) fn tell_start(plan: &Plan, outside: &Outside, run: &Begun, expected: Option<u64>) {
    (outside.observer)(&RunEvent::Started {
        pipeline: plan.pipeline.clone(),
        run_id: run.run_id,
        fingerprint: plan.fingerprint,
        expected,
    });
}

/// What writes to the targets of a plan, where it has any.
pub(super) fn delivery(
    plan: &Arc<Plan>,
    outside: &Outside,
    run_id: RunId,
    described: &HashMap<String, Arc<ObjectDescribe>>,
) -> Option<Arc<Delivery>> {
    plan.targets().next()?;
    let store = ReadOnly::new(Arc::clone(&outside.store));
    let targets = Targets::new(plan, described, store);
    Some(Arc::new(Delivery::new(plan, targets, outside, run_id)))
}

/// A settler that moves no cursor.
pub(super) fn settler(plan: &Arc<Plan>, outside: &Outside, run: &Begun) -> Result<Settler> {
    Ok(Settler {
        run_id: run.run_id,
        plan: Arc::clone(plan),
        outside: outside.clone(),
        meter: run.meter.clone(),
        cursor: None,
        late_before: None,
        has_letters: outside.store.has_open_letters(&plan.pipeline)?,
    })
}

/// Closes the range where it was read to its end, and says what the operator should know.
fn conclude(
    settler: &Settler,
    range: &Range,
    options: Options,
    ended: Ended,
    outcome: &mut Outcome,
) -> Result<()> {
    if ended == Ended::Source && options.limit.is_none() {
        settler.close(range.earlier())?;
    } else {
        outcome.cut_short = true;
    }
    if outcome.account.late > 0 {
        outcome.warnings.push(format!(
            "late_beyond_overlap: {} records changed something although they lie before the last window; \
             lengthen `source.overlap`",
            outcome.account.late
        ));
    }
    // I10: what was read is settled and committed by here.
    if ended == Ended::Cancelled {
        return Err(
            Error::new(Code::Interrupted, "the run was stopped before its end")
                .help("run the same command again: it continues where it stopped"),
        );
    }
    Ok(())
}

fn finish(plan: &Plan, outside: &Outside, run: Begun, outcome: Outcome) -> Result<RunReport> {
    let error = outcome.result.err();
    let ledger = outcome.account.ledger;
    let interrupted = error
        .as_ref()
        .is_some_and(|error| error.code() == Code::Interrupted);
    let state = match &error {
        Some(_) if !interrupted => RunState::Failed,
        None if ledger.rejected + ledger.unknown == 0 && !outcome.cut_short => RunState::Done,
        _ => RunState::Partial,
    };
    let spent = run.meter.spent();
    let mut warnings = run.warnings;
    warnings.extend(outcome.warnings);
    if ledger.unknown > 0 && plan.broadcast().is_some() {
        warnings.push(report::unknown(ledger.unknown));
    } else if ledger.unknown > 0 {
        let named = outcome.account.unknown.join(", ");
        warnings.push(format!(
            "{} records are unknown: Salesforce's answer was lost, and they are not sent again by themselves; look for them in \
             Salesforce: {named}",
            ledger.unknown
        ));
    }
    let report = RunReport {
        pipeline: plan.pipeline.clone(),
        run_id: run.run_id,
        fingerprint: plan.fingerprint,
        state,
        ledger,
        requests: spent.requests,
        api_calls: spent.api_calls,
        cursor: outside.store.cursor(&plan.pipeline).ok().flatten(),
        change_cursor: outside.store.change_cursor(&plan.pipeline).ok().flatten(),
        started_at: run.started_at,
        // A clock that was set back during the run must not end it before it began.
        finished_at: outside.clock.now().max(run.started_at),
        error: error.map(|error| (error.code(), told(&error))),
        warnings,
    };
    outside.store.finish_run(&report)?;
    (outside.observer)(&RunEvent::Finished {
        report: Box::new(report.clone()),
    });
    Ok(report)
}

/// The error in one line, with its help: the report has room for one text.
fn told(error: &Error) -> String {
    match error.help_text() {
        Some(help) => format!("{}; {help}", error.message()),
        None => error.message().to_owned(),
    }
}

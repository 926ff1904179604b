//! One run of a plan, from the lock to the report.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{RunEvent, RunReport, RunState};
use crate::foundation::id::RunId;
use crate::plan::Plan;
use crate::salesforce::describe::ObjectDescribe;
use crate::store::model::{NewRun, RunLock};
use crate::store::read_only::ReadOnly;

use super::absent;
use super::apply::{self, Applying};
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
/// What keeps a run from beginning: `not-executable`, `pipeline-locked`, and what the store says of its own state.
pub async fn run(plan: &Arc<Plan>, outside: &Outside, options: Options) -> Result<RunReport> {
    executable(plan)?;
    let run = begin(plan, outside)?;
    let outcome = execute(plan, outside, options, &run).await;
    finish(plan, outside, run, outcome)
}

/// Writes a saved plan: exactly its rows, or none.
///
/// # Errors
/// What keeps a run from beginning, and what [`apply::check`] refuses.
pub async fn apply(plan: &Arc<Plan>, outside: &Outside, saved: &Saved) -> Result<RunReport> {
    executable(plan)?;
    let store = ReadOnly::new(Arc::clone(&outside.store));
    let org = apply::org_of(&outside.client).await?;
    apply::check(plan, saved, &store, &org)?;
    let run = begin(plan, outside)?;
    let mut outcome = Outcome::default();
    outcome.result = apply_rows(plan, outside, saved, &org, &run, &mut outcome).await;
    finish(plan, outside, run, outcome)
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

/// Whether this version can run every step of a plan, asked before anything is connected to.
///
/// # Errors
/// `not-executable`, with the step that is not carried out.
pub fn executable(plan: &Plan) -> Result<()> {
    let Some(step) = plan.not_executable() else {
        return Ok(());
    };
    Err(Error::new(
        Code::NotExecutable,
        format!(
            "pipeline `{}` has the step `{}`, which this version plans but does not run",
            plan.pipeline, step.name
        ),
    )
    .help("`validate`, `plan` and `test` work on all of it; take the section out to run the rest")
    .in_step(&step.name))
}

/// I13: the lock comes before everything that a second run could disturb.
pub(super) fn begin(plan: &Plan, outside: &Outside) -> Result<Begun> {
    let lock = outside.store.lock_pipeline(&plan.pipeline)?;
    let run_id = RunId::generate();
    let started_at = outside.clock.now();
    let meter = Meter::start(&outside.client);
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
    let preparer = Preparer::new(plan, store, run.started_at, late.map(|(by, _)| by));
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
    Ok(())
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

pub(super) fn finish(
    plan: &Plan,
    outside: &Outside,
    run: Begun,
    outcome: Outcome,
) -> Result<RunReport> {
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
    if ledger.unknown > 0 {
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

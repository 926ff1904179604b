//! One run of a plan, from the lock to the report.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::foundation::code::Code;
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{Cursor, RunEvent, RunReport, RunState};
use crate::foundation::id::RunId;
use crate::plan::Plan;
use crate::plan::query::{StampField, Window};
use crate::plan::step::read::Read;
use crate::store::model::{NewRun, RunLock};

use super::meter::Meter;
use super::read::{PageRead, Pages};
use super::settle::{Account, CursorBase, Settler};
use super::window::{self, Bounds};
use super::{Options, Outside, resolve};

/// Pages that wait between reading and settling: memory does not grow with the number of records (I7).
const WAITING_PAGES: usize = 1;

/// Runs a plan and tells how it went. Every error behind the lock is told in the report, whose state is `failed` then.
///
/// # Errors
/// What keeps a run from beginning: `not-executable`, `pipeline-locked`, and what the store says of its own state.
pub async fn run(plan: &Arc<Plan>, outside: &Outside, options: Options) -> Result<RunReport> {
    let read = executable(plan)?;
    let run = begin(plan, outside)?;
    let outcome = execute(plan, read, outside, options, &run).await;
    finish(plan, outside, run, outcome)
}

/// A run that has its lock and its row in the store.
struct Begun {
    run_id: RunId,
    started_at: Timestamp,
    meter: Meter,
    warnings: Vec<String>,
    _lock: RunLock,
}

/// What a run did, however it ended.
struct Outcome {
    account: Account,
    warnings: Vec<String>,
    cut_short: bool,
    result: Result<()>,
}

/// The read of a plan that this version can run, checked before anything is connected to.
///
/// # Errors
/// `not-executable`, with the step that is not carried out.
pub fn executable(plan: &Plan) -> Result<&Read> {
    if let Some(step) = plan.not_executable() {
        return Err(Error::new(
            Code::NotExecutable,
            format!(
                "pipeline `{}` has the step `{}`, which this version plans but does not run",
                plan.pipeline, step.name
            ),
        )
        .help(
            "`validate`, `plan` and `test` work on all of it; take the section out to run the rest",
        )
        .in_step(&step.name));
    }
    plan.read()
        .ok_or_else(|| Error::bug("a plan that reads nothing passed the compiler"))
}

/// I13: the lock comes before everything that a second run could disturb.
fn begin(plan: &Plan, outside: &Outside) -> Result<Begun> {
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

async fn execute(
    plan: &Arc<Plan>,
    read: &Read,
    outside: &Outside,
    options: Options,
    run: &Begun,
) -> Outcome {
    let mut outcome = Outcome {
        account: Account::default(),
        warnings: Vec::new(),
        cut_short: false,
        result: Ok(()),
    };
    outcome.result = match open(plan, read, outside, options, &mut outcome.warnings).await {
        Err(error) => Err(error),
        Ok(None) => Ok(()),
        Ok(Some(opened)) => {
            (outside.observer)(&RunEvent::Started {
                pipeline: plan.pipeline.clone(),
                run_id: run.run_id,
                fingerprint: plan.fingerprint,
                expected: options.limit,
            });
            let settler = Settler {
                run_id: run.run_id,
                plan: Arc::clone(plan),
                outside: outside.clone(),
                meter: run.meter.clone(),
                cursor: opened.cursor.clone(),
                late_before: opened.late_before,
            };
            stream(read, options, &opened, settler, &mut outcome).await
        }
    };
    outcome
}

/// A window and what is to be remembered of it.
struct Opened {
    window: Window,
    cursor: Option<CursorBase>,
    earlier: Option<Cursor>,
    late_before: Option<(StampField, Timestamp)>,
}

async fn open(
    plan: &Plan,
    read: &Read,
    outside: &Outside,
    options: Options,
    warnings: &mut Vec<String>,
) -> Result<Option<Opened>> {
    let object = &read.query.object;
    let kept = outside.store.describe(&plan.connection, object)?;
    let resolved = resolve::describe(read, &outside.client, outside.clock.now(), kept).await?;
    if let Some(fresh) = &resolved.fresh {
        outside
            .store
            .put_describe(&plan.connection, object, fresh)?;
    }
    let (by, warning) = resolve::stamp_field(read, &resolved.object);
    warnings.extend(warning);
    let query_hash = read.query.hash();
    let keeps_cursor = read.query.incremental && by.is_some();
    let earlier = if keeps_cursor {
        earlier(plan, outside, options, &query_hash)?
    } else {
        None
    };
    let now = outside.client.server_time().await?;
    let bounds = Bounds {
        by,
        cursor: earlier.as_ref().filter(|_| !options.full),
        overlap: read.overlap,
        now,
    };
    let Some(window) = window::open(&bounds)? else {
        warnings.push(format!(
            "Salesforce's clock says {now}, which lies before the last run; nothing was read"
        ));
        return Ok(None);
    };
    let cursor = match &window {
        Window::Stamped { until, .. } if keeps_cursor => Some(CursorBase {
            query_hash,
            window_end: *until,
        }),
        _ => None,
    };
    let late_before = late_before(plan, read, outside, options, by, earlier.as_ref())?;
    Ok(Some(Opened {
        window,
        cursor,
        earlier,
        late_before,
    }))
}

/// The cursor to continue from, or to compare with on a full read.
fn earlier(
    plan: &Plan,
    outside: &Outside,
    options: Options,
    query_hash: &str,
) -> Result<Option<Cursor>> {
    if options.full {
        // A full read replaces the cursor, whatever state it is in.
        return Ok(outside
            .store
            .cursor(&plan.pipeline)
            .ok()
            .flatten()
            .filter(|c| c.query_hash == query_hash));
    }
    match outside.store.cursor(&plan.pipeline)? {
        Some(cursor) if cursor.query_hash != query_hash => Err(Error::new(
            Code::CursorQueryChanged,
            format!(
                "pipeline `{}` asks for other records than at its last run, so its cursor does not fit",
                plan.pipeline
            ),
        )
        .help(format!(
            "run `bridged run {} --full` once: it reads everything under the changed query; unchanged profiles are not written",
            plan.pipeline
        ))),
        cursor => Ok(cursor),
    }
}

/// On a full read under the plan of the last run, a row that changes something although it lies before the cursor and
/// its overlap was missed by incremental runs.
fn late_before(
    plan: &Plan,
    read: &Read,
    outside: &Outside,
    options: Options,
    by: Option<StampField>,
    earlier: Option<&Cursor>,
) -> Result<Option<(StampField, Timestamp)>> {
    let (true, Some(by), Some(earlier)) = (options.full, by, earlier) else {
        return Ok(None);
    };
    let same_plan = outside
        .store
        .last_done(&plan.pipeline)?
        .is_some_and(|run| run.fingerprint == plan.fingerprint);
    let settled = earlier.stamp.min(
        earlier
            .window_end
            .saturating_sub(read.overlap)
            .unwrap_or(earlier.stamp),
    );
    Ok(same_plan.then_some((by, settled)))
}

/// Reads and settles at once: the settler has a thread of its own, the reader hands it pages.
async fn stream(
    read: &Read,
    options: Options,
    opened: &Opened,
    settler: Settler,
    outcome: &mut Outcome,
) -> Result<()> {
    let outside = settler.outside.clone();
    let settler = Arc::new(settler);
    let (sender, receiver) = mpsc::channel(WAITING_PAGES);
    let settling = tokio::task::spawn_blocking({
        let settler = Arc::clone(&settler);
        move || settler.settle(receiver)
    });
    let mut pages = Pages::new(
        &outside.client,
        &read.query,
        read.page_size,
        opened.window.clone(),
        options.limit,
    );
    let reading = hand_over(&mut pages, sender, &outside).await;
    // A panic in a step fails this run alone; what it committed stands in the store.
    let (account, settled) = match settling.await {
        Ok(ended) => ended,
        Err(panic) => {
            let kept = outside.store.run(settler.run_id)?;
            let ledger = kept.map(|run| run.ledger).unwrap_or_default();
            let error = Error::bug("the thread that settles records panicked").caused_by(panic);
            (Account { ledger, late: 0 }, Err(error))
        }
    };
    outcome.account = account;
    settled?;
    let ended = reading?;
    if ended == Ended::Window && options.limit.is_none() {
        settler.close_window(opened.earlier.as_ref())?;
    } else {
        outcome.cut_short = true;
    }
    if account.late > 0 {
        outcome.warnings.push(format!(
            "late_beyond_overlap: {} records changed something although they lie before the last window; \
             lengthen `source.overlap`",
            account.late
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

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// There are no more pages.
    Window,
    /// The run was asked to stop.
    Cancelled,
    /// The settler gave up; its error tells why.
    Settler,
}

async fn hand_over(
    pages: &mut Pages<'_>,
    sender: mpsc::Sender<PageRead>,
    outside: &Outside,
) -> Result<Ended> {
    loop {
        let page = tokio::select! {
            biased;
            () = outside.cancel.cancelled() => return Ok(Ended::Cancelled),
            page = pages.next() => page?,
        };
        let Some(page) = page else {
            return Ok(Ended::Window);
        };
        (outside.observer)(&RunEvent::PageRead {
            records: page.records.len() as u64,
        });
        if sender.send(page).await.is_err() {
            return Ok(Ended::Settler);
        }
    }
}

fn finish(plan: &Plan, outside: &Outside, run: Begun, outcome: Outcome) -> Result<RunReport> {
    let error = outcome.result.err();
    let ledger = outcome.account.ledger;
    let interrupted = error
        .as_ref()
        .is_some_and(|error| error.code() == Code::Interrupted);
    let state = match &error {
        Some(_) if !interrupted => RunState::Failed,
        None if ledger.rejected == 0 && !outcome.cut_short => RunState::Done,
        _ => RunState::Partial,
    };
    let spent = run.meter.spent();
    let mut warnings = run.warnings;
    warnings.extend(outcome.warnings);
    let report = RunReport {
        pipeline: plan.pipeline.clone(),
        run_id: run.run_id,
        fingerprint: plan.fingerprint,
        state,
        ledger,
        requests: spent.requests,
        api_calls: spent.api_calls,
        cursor: outside.store.cursor(&plan.pipeline).ok().flatten(),
        change_cursor: None,
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

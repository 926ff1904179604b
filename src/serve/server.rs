//! The server itself: gives the scheduler a clock, starts what is due, watches the files, and ends in good order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};

use crate::connections::connect::Signing;
use crate::engine::cancel::{self, Cancel, Canceller};
use crate::engine::{self, Options};
use crate::foundation::clock::Clock;
use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::error::{Error, Result};
use crate::foundation::event::{RunReport, RunState};
use crate::foundation::id::{PipelineName, RunId};
use crate::privacy;
use crate::store::Store;
use crate::store::model::ConnectionLock;

use super::control::{Asked, CallsLeft, Control, Health, Reloaded, Standing};
use super::metrics::Metrics;
use super::project::{Project, Revision, Served};
use super::scheduler::{Ended, Scheduler, Start, Why};

/// How often it is looked for what is due: well within a second of its time.
const LOOK: Duration = Duration::from_millis(250);

/// How often it is looked for values whose time is over.
const FORGETTING: Duration = Duration::from_hours(1);

/// Files that change twice within this time are read once.
const SETTLING: Duration = Duration::from_millis(500);

/// How a server is started.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Runs at once.
    pub runs: usize,
    /// How long runs may take to end when the server stops.
    pub drain: Duration,
}

/// A server that was not run so far.
pub struct Server {
    project: Arc<dyn Project>,
    store: Arc<dyn Store>,
    clock: Clock,
    settings: Settings,
    /// Counted events, for `/metrics`.
    pub metrics: Arc<Metrics>,
    state: Mutex<State>,
    wake: Notify,
    since: Timestamp,
    _lock: ConnectionLock,
}

struct State {
    scheduler: Scheduler,
    revision: String,
    /// The files that were looked at last, good or broken.
    stamp: String,
    reload_refused: bool,
    running: BTreeMap<PipelineName, Running>,
    asked: Vec<(Asked, RunId)>,
    retention: Option<Duration>,
    is_stopping: bool,
}

struct Running {
    run_id: RunId,
    canceller: Canceller,
}

/// A run that counts as running, and is to be spawned.
struct Begun {
    served: Served,
    options: Options,
    actor: String,
    cancel: Cancel,
}

impl State {
    /// Counts a run as running from the moment it is chosen, so that nobody can ask for its pipeline in between.
    fn begin(&mut self, served: Served, options: Options, run_id: RunId, actor: String) -> Begun {
        let (canceller, cancel) = cancel::pair();
        let pipeline = served.plan.pipeline.clone();
        self.running.insert(pipeline, Running { run_id, canceller });
        Begun {
            served,
            options,
            actor,
            cancel,
        }
    }
}

/// A run that has ended.
type Outcome = (PipelineName, Result<RunReport>);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every run ended in good order.
    Drained,
    /// The time for it was over before; the store has everything that was settled.
    Late,
}

impl Server {
    /// Takes the store, and loads the files.
    ///
    /// # Errors
    /// `server-running` where another process serves from this store; what the store says.
    pub fn new(
        project: Arc<dyn Project>,
        store: Arc<dyn Store>,
        clock: Clock,
        settings: Settings,
    ) -> std::result::Result<Arc<Self>, Refused> {
        let lock = store.lock_server()?.ok_or_else(|| {
            Error::new(
                Code::ServerRunning,
                "another process serves this project from the same store",
            )
            .help("stop it first; its right to serve ends with its process")
        })?;
        let stamp = project.stamp();
        let revision = project.load().map_err(Refused::Files)?;
        let since = clock.now();
        let mut scheduler = Scheduler::default();
        scheduler.replace(&revision, since);
        Ok(Arc::new(Self {
            project,
            store,
            clock,
            settings,
            metrics: Arc::default(),
            state: Mutex::new(State {
                scheduler,
                revision: revision.hash,
                stamp,
                reload_refused: false,
                running: BTreeMap::new(),
                asked: Vec::new(),
                retention: revision.retention,
                is_stopping: false,
            }),
            wake: Notify::new(),
            since,
            _lock: lock,
        }))
    }

    /// How many pipelines are served, and their revision.
    pub fn revision(&self) -> (String, usize) {
        let state = self.state();
        (state.revision.clone(), state.scheduler.all().count())
    }

    /// Serves until `stop` is asked for, then lets the runs in hand end.
    ///
    /// # Errors
    /// None of a run's: these are logged and counted. A store that cannot be read is tried again.
    pub async fn run(self: &Arc<Self>, stop: Cancel) -> Stopped {
        let mut runs: JoinSet<Outcome> = JoinSet::new();
        let mut names: BTreeMap<Id, PipelineName> = BTreeMap::new();
        let mut looked = tokio::time::Instant::now();
        let mut forgotten = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = runs.join_next_with_id(), if !runs.is_empty() => self.take(ended, &mut names),
                () = self.wake.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            if looked.elapsed() >= SETTLING {
                looked = tokio::time::Instant::now();
                self.look_at_files();
            }
            if forgotten.is_none_or(|at: tokio::time::Instant| at.elapsed() >= FORGETTING) {
                forgotten = Some(tokio::time::Instant::now());
                self.forget();
            }
            for start in self.starts() {
                self.start_run(&mut runs, &mut names, start);
            }
        }
        self.drain(runs, names).await
    }

    /// Forgets values whose time is over, beside everything else.
    fn forget(&self) {
        let Some(period) = self.state().retention else {
            return;
        };
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        tokio::task::spawn_blocking(move || match privacy::retain(store.as_ref(), period, now) {
            Ok(forgotten) if forgotten.total() == 0 => {}
            Ok(forgotten) => tracing::info!(
                letters = forgotten.letters,
                profiles = forgotten.profiles,
                webhooks = forgotten.webhooks,
                "forgot values whose time is over"
            ),
            Err(error) => {
                tracing::warn!(code = %error.code(), "old values could not be forgotten: {error}");
            }
        });
    }

    /// What starts now: what was asked for, then what is due.
    fn starts(&self) -> Vec<Begun> {
        let now = self.clock.now();
        let mut state = self.state();
        let mut starts = Vec::new();
        let asked = std::mem::take(&mut state.asked);
        for (asked, run_id) in asked {
            if let Some(served) = state.scheduler.served(&asked.pipeline) {
                let options = Options {
                    full: asked.full,
                    limit: asked.limit,
                    run_id: Some(run_id),
                };
                let served = served.clone();
                starts.push(state.begin(served, options, run_id, asked.actor));
            }
        }
        let running: BTreeSet<PipelineName> = state.running.keys().cloned().collect();
        let room = self.settings.runs.saturating_sub(running.len());
        let due = state
            .scheduler
            .due(now, &running, room, self.store.as_ref())
            .unwrap_or_else(|error| {
                // What somebody asked for starts whether or not the schedule can be looked at.
                tracing::error!(code = %error.code(), "the schedule cannot be looked at: {error}");
                Vec::new()
            });
        for Start { served, why } in due {
            let pipeline = &served.plan.pipeline;
            match why {
                Why::Tick(nominal) => tracing::info!(%pipeline, %nominal, "due by its schedule"),
                Why::Poll => tracing::debug!(%pipeline, "asks for changes"),
                Why::Records => tracing::info!(%pipeline, "records changed"),
                Why::Messages => tracing::info!(%pipeline, "messages are due"),
                Why::Again => tracing::info!(%pipeline, "tries again to start"),
            }
            let run_id = RunId::generate();
            let options = Options {
                run_id: Some(run_id),
                ..Options::default()
            };
            starts.push(state.begin(served, options, run_id, "serve".to_owned()));
        }
        starts
    }

    fn start_run(
        &self,
        runs: &mut JoinSet<Outcome>,
        names: &mut BTreeMap<Id, PipelineName>,
        start: Begun,
    ) {
        let Begun {
            served,
            options,
            actor,
            cancel,
        } = start;
        let plan = served.plan;
        let pipeline = plan.pipeline.clone();
        let project = Arc::clone(&self.project);
        let name = pipeline.clone();
        let handle = runs.spawn(async move {
            // Opening a connection may read the vault.
            let opened = {
                let plan = Arc::clone(&plan);
                tokio::task::spawn_blocking(move || project.outside(&plan, cancel, &actor)).await
            };
            let ended = match opened {
                Ok(Ok(outside)) => engine::run::run(&plan, &outside, options).await,
                Ok(Err(error)) => Err(error),
                Err(panic) => Err(Error::bug("opening a connection panicked").caused_by(panic)),
            };
            (name, ended)
        });
        names.insert(handle.id(), pipeline);
    }

    /// I25: takes in the end of a run; one that panicked costs itself alone.
    fn take(
        &self,
        ended: std::result::Result<(Id, Outcome), JoinError>,
        names: &mut BTreeMap<Id, PipelineName>,
    ) {
        let (pipeline, ended) = match ended {
            Ok((id, outcome)) => {
                names.remove(&id);
                outcome
            }
            Err(panic) => {
                let Some(pipeline) = names.remove(&panic.id()) else {
                    return;
                };
                (
                    pipeline,
                    Err(Error::bug("the run panicked").caused_by(panic)),
                )
            }
        };
        let how = match &ended {
            Ok(report) => {
                self.metrics.ran(report);
                tell(report);
                match report.state {
                    RunState::Failed => Ended::Failed,
                    RunState::Done | RunState::Partial => Ended::Read(report.ledger.read),
                }
            }
            Err(error) if error.code() == Code::PipelineLocked => {
                tracing::warn!(%pipeline, "is being run by another process; it is tried again");
                Ended::Locked
            }
            Err(error) => {
                self.metrics.not_begun(&pipeline);
                tracing::error!(%pipeline, code = %error.code(), "did not run: {error}");
                Ended::Failed
            }
        };
        let now = self.clock.now();
        let mut state = self.state();
        state.running.remove(&pipeline);
        state.scheduler.ended(&pipeline, how, now);
    }

    /// I10: asks the runs to end, and waits for them for a while.
    async fn drain(
        &self,
        mut runs: JoinSet<Outcome>,
        mut names: BTreeMap<Id, PipelineName>,
    ) -> Stopped {
        {
            let mut state = self.state();
            state.is_stopping = true;
            for running in state.running.values() {
                running.canceller.cancel();
            }
        }
        if !runs.is_empty() {
            tracing::info!(
                runs = runs.len(),
                "stopping: runs finish what they have in hand"
            );
        }
        let all = async {
            while let Some(ended) = runs.join_next_with_id().await {
                self.take(ended, &mut names);
            }
        };
        match tokio::time::timeout(self.settings.drain, all).await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::Late,
        }
    }

    /// Loads the files where they are others than those that were looked at last.
    fn look_at_files(&self) {
        let stamp = self.project.stamp();
        if self.state().stamp == stamp {
            return;
        }
        match self.reload() {
            Reloaded::Replaced(revision) => {
                tracing::info!(revision, "the files changed: a new revision runs");
            }
            Reloaded::Unchanged(_) => {}
            Reloaded::Refused(findings) => {
                let first = findings.iter().find(|one| one.is_error());
                let why =
                    first.map_or_else(String::new, |one| format!("{}: {}", one.code, one.message));
                tracing::error!(
                    findings = findings.len(),
                    "the files changed and have errors; the revision before goes on. {why}"
                );
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(report: &RunReport) {
    let (pipeline, run) = (&report.pipeline, report.run_id);
    let ledger = report.ledger;
    if let Some((code, message)) = &report.error {
        tracing::error!(%pipeline, %run, state = %report.state, read = ledger.read, %code, "{message}");
    } else {
        tracing::info!(
            %pipeline, %run, state = %report.state, read = ledger.read, delivered = ledger.delivered,
            rejected = ledger.rejected, unknown = ledger.unknown, pending = ledger.pending, "ran"
        );
    }
    for warning in &report.warnings {
        tracing::warn!(%pipeline, %run, "{warning}");
    }
}

/// Why a server does not start.
#[derive(Debug)]
pub enum Refused {
    /// The files have errors: everything that was found.
    Files(Vec<Diagnostic>),
    /// Something else.
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Control for Server {
    fn calls_left(&self) -> Vec<CallsLeft> {
        self.project.calls_left()
    }

    fn pipelines(&self) -> Vec<Standing> {
        let now = self.clock.now();
        let state = self.state();
        let standing = |(served, skipped): (&Served, u64)| {
            let pipeline = served.plan.pipeline.clone();
            let done = self.store.last_done(&pipeline).ok().flatten();
            Standing {
                fingerprint: served.plan.fingerprint,
                schedule: served.timetable.words(),
                next: served.timetable.next(now).map(|tick| tick.due),
                running: state.running.get(&pipeline).map(|running| running.run_id),
                last_done: done.and_then(|run| run.finished_at),
                skipped,
                pipeline,
            }
        };
        state.scheduler.all().map(standing).collect()
    }

    fn start(&self, asked: &Asked) -> Result<RunId> {
        let mut state = self.state();
        if state.is_stopping {
            return Err(Error::new(Code::ServerStopping, "the server is stopping"));
        }
        if state.scheduler.served(&asked.pipeline).is_none() {
            let names = state
                .scheduler
                .all()
                .map(|(served, _)| served.plan.pipeline.as_str());
            let near = nearest(asked.pipeline.as_str(), names).map(str::to_owned);
            let message = format!("no pipeline `{}` is served", asked.pipeline);
            let error = Error::new(Code::UnknownPipeline, message);
            return Err(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            });
        }
        let waits = state
            .asked
            .iter()
            .any(|(other, _)| other.pipeline == asked.pipeline);
        if waits || state.running.contains_key(&asked.pipeline) {
            let message = format!("pipeline `{}` is being run", asked.pipeline);
            return Err(Error::new(Code::PipelineLocked, message)
                .help("wait until that run is over, or cancel it"));
        }
        let run_id = RunId::generate();
        state.asked.push((asked.clone(), run_id));
        drop(state);
        self.wake.notify_one();
        Ok(run_id)
    }

    fn cancel(&self, run: RunId) -> bool {
        let mut state = self.state();
        let before = state.asked.len();
        state.asked.retain(|(_, waiting)| *waiting != run);
        if state.asked.len() < before {
            return true;
        }
        let found = state.running.values().find(|running| running.run_id == run);
        found.map(|running| running.canceller.cancel()).is_some()
    }

    fn reload(&self) -> Reloaded {
        let stamp = self.project.stamp();
        let loaded = self.project.load();
        let mut state = self.state();
        state.stamp = stamp;
        match loaded {
            Err(findings) => {
                state.reload_refused = true;
                self.metrics.reload_refused();
                Reloaded::Refused(findings)
            }
            Ok(Revision { hash, .. }) if hash == state.revision => {
                state.reload_refused = false;
                Reloaded::Unchanged(hash)
            }
            Ok(revision) => {
                state.reload_refused = false;
                state.scheduler.replace(&revision, self.clock.now());
                state.revision.clone_from(&revision.hash);
                state.retention = revision.retention;
                drop(state);
                self.wake.notify_one();
                Reloaded::Replaced(revision.hash)
            }
        }
    }

    fn signing(&self, connection: &str, actor: &str) -> Result<Signing> {
        self.project.signing(connection, actor)
    }

    fn health(&self) -> Health {
        let state = self.state();
        let mut reasons = Vec::new();
        if state.is_stopping {
            reasons.push("the server is stopping".to_owned());
        }
        if state.reload_refused {
            reasons.push("the files have errors, and an earlier revision runs".to_owned());
        }
        Health {
            is_ready: !state.is_stopping,
            reasons,
            revision: state.revision.clone(),
            since: self.since,
            reload_refused: state.reload_refused,
        }
    }

    fn records_changed(&self) {
        self.wake.notify_one();
    }
}

impl Server {
    /// Marks the server as stopping before its loop hears of it, so that nobody is sent to it any more.
    pub fn stopping(&self) {
        self.state().is_stopping = true;
    }
}

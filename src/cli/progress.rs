//! What a run shows while it runs: a bar on a terminal, log lines elsewhere; always on stderr.

use std::io::IsTerminal as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::text::thousands;
use crate::foundation::event::{Ledger, RunEvent};
use crate::salesforce::settings::Retry;

/// The terminal's bars; log lines are written above them.
pub static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Between two log lines of one run.
const PAUSE: Duration = Duration::from_secs(5);

/// Whether bars can be drawn: stderr is a terminal that can move its cursor.
pub fn on_terminal() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Follows one run and shows how far it is.
#[derive(Debug)]
pub struct Progress {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pipeline: String,
    expected: Option<u64>,
    read: u64,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    /// Follows the run of `pipeline`; draws a bar where `bar` says so.
    pub fn new(pipeline: &str, bar: bool) -> Arc<Self> {
        let bar = bar.then(|| {
            let bar = BARS.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {prefix}  {msg}"));
            bar.set_prefix(pipeline.to_owned());
            bar.set_message("starting");
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let state = State {
            pipeline: pipeline.to_owned(),
            expected: None,
            read: 0,
            bar,
            told: Instant::now(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    /// Takes a call in that is about to be tried again.
    pub fn retrying(&self, retry: &Retry<'_>) {
        self.observe(&RunEvent::Retrying {
            reason: retry.error.to_string(),
            wait_ms: u64::try_from(retry.wait.as_millis()).unwrap_or(u64::MAX),
            attempt: retry.attempt,
        });
    }

    /// Takes one event in; never fails, never waits for more than the terminal.
    pub fn observe(&self, event: &RunEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::Started {
                run_id, expected, ..
            } => state.started(&run_id.to_string(), *expected),
            RunEvent::PageRead { records } => state.page(*records),
            RunEvent::Committed { ledger } => state.committed(ledger),
            RunEvent::Retrying {
                reason,
                wait_ms,
                attempt,
            } => {
                tracing::warn!(
                    pipeline = state.pipeline,
                    attempt,
                    wait_ms,
                    "retrying: {reason}"
                );
            }
            RunEvent::Warning { message } => tracing::warn!(pipeline = state.pipeline, "{message}"),
            RunEvent::Finished { report } => {
                if let Some(bar) = state.bar.take() {
                    bar.finish_and_clear();
                } else {
                    tracing::info!(
                        pipeline = state.pipeline,
                        state = report.state.as_str(),
                        "finished"
                    );
                }
            }
        }
    }
}

impl State {
    fn started(&mut self, run_id: &str, expected: Option<u64>) {
        self.expected = expected;
        let Some(bar) = &self.bar else {
            tracing::info!(pipeline = self.pipeline, run_id, expected, "started");
            return;
        };
        match expected {
            Some(expected) => {
                bar.set_length(expected);
                bar.set_style(style(
                    "{prefix}  {bar:32.cyan/dim} {human_pos}/{human_len}  {msg}",
                ));
            }
            None => bar.set_style(style("{spinner} {prefix}  {msg}")),
        }
        bar.set_message("");
    }

    fn page(&mut self, records: u64) {
        self.read += records;
        if let (Some(bar), None) = (&self.bar, self.expected) {
            bar.set_message(format!("{} read", thousands(self.read)));
        }
    }

    fn committed(&mut self, ledger: &Ledger) {
        let settled = ledger.read - ledger.pending;
        if let Some(bar) = &self.bar {
            bar.set_position(settled);
            let rejected = match ledger.rejected {
                0 => String::new(),
                rejected => format!("  {} rejected", thousands(rejected)),
            };
            let rate = thousands(bar.per_sec() as u64);
            bar.set_message(format!("{rate}/s{rejected}"));
        } else if self.told.elapsed() >= PAUSE {
            self.told = Instant::now();
            tracing::info!(
                pipeline = self.pipeline,
                read = ledger.read,
                expected = self.expected,
                delivered = ledger.delivered,
                rejected = ledger.rejected,
                "running"
            );
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━━─")
}

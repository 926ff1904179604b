//! What `/metrics` shows, in the text format of Prometheus: counted while the server runs, or read from the store when it is asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::foundation::error::Result;
use crate::foundation::event::{Ledger, RunReport};
use crate::foundation::id::PipelineName;
use crate::store::Store;

use super::control::{CallsLeft, Health, Standing};

/// The upper bounds of the histogram of run durations, in seconds.
const BOUNDS: [u64; 8] = [1, 5, 15, 60, 300, 900, 3_600, 14_400];

/// What was counted since the process began.
#[derive(Debug, Default)]
pub struct Metrics {
    runs: Mutex<BTreeMap<String, Runs>>,
    reloads_refused: AtomicU64,
    webhooks: [AtomicU64; 4],
    unknown_codes: Mutex<BTreeMap<i64, u64>>,
}

#[derive(Debug, Default)]
struct Runs {
    by_state: BTreeMap<&'static str, u64>,
    ledger: Ledger,
    requests: u64,
    api_calls: u64,
    durations: [u64; BOUNDS.len() + 1],
    seconds: f64,
}

/// What became of a webhook's delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Kept.
    Kept,
    /// Known already.
    Repeated,
    /// Not signed by a secret of ours.
    Refused,
    /// The store could not keep it in time.
    NotKept,
}

impl Metrics {
    /// Counts a run.
    pub fn ran(&self, report: &RunReport) {
        let mut runs = self.runs();
        let of = runs.entry(report.pipeline.to_string()).or_default();
        *of.by_state.entry(report.state.as_str()).or_default() += 1;
        of.ledger.add(&report.ledger);
        let requests = report.requests;
        of.requests += requests.query + requests.write + requests.auth + requests.other;
        of.api_calls += report.api_calls;
        let took = report.finished_at.duration_since(report.started_at);
        let seconds = took.as_secs_f64().max(0.0);
        of.seconds += seconds;
        let at = BOUNDS.iter().position(|bound| seconds <= *bound as f64);
        of.durations[at.unwrap_or(BOUNDS.len())] += 1;
    }

    /// Counts a run that did not begin.
    pub fn not_begun(&self, pipeline: &PipelineName) {
        let mut runs = self.runs();
        let of = runs.entry(pipeline.to_string()).or_default();
        *of.by_state.entry("not-begun").or_default() += 1;
    }

    /// Counts a revision that was refused.
    pub fn reload_refused(&self) {
        self.reloads_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a webhook.
    pub fn delivered(&self, what: Delivery) {
        self.webhooks[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a code of Meta's that nobody here knows.
    pub fn unknown_code(&self, code: i64) {
        let mut codes = self
            .unknown_codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Bounded, whatever is sent.
        if codes.len() < 100 || codes.contains_key(&code) {
            *codes.entry(code).or_default() += 1;
        }
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Errors
    /// What the store says.
    pub fn text(
        &self,
        standings: &[Standing],
        health: &Health,
        calls_left: &[CallsLeft],
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<String> {
        let mut page = Page::default();
        page.head("bridged_ready", "gauge", "Whether the server takes work.");
        page.row("bridged_ready", &[], u8::from(health.is_ready));
        page.head(
            "bridged_reloads_refused_total",
            "counter",
            "Revisions with errors that were not taken.",
        );
        page.row(
            "bridged_reloads_refused_total",
            &[],
            self.reloads_refused.load(Ordering::Relaxed),
        );
        self.runs_page(&mut page);
        page.head(
            "bridged_last_success_age_seconds",
            "gauge",
            "Time since the last run of a pipeline that went through.",
        );
        for standing in standings {
            if let Some(done) = standing.last_done {
                let age = now.duration_since(done).as_secs().max(0);
                page.row(
                    "bridged_last_success_age_seconds",
                    &[("pipeline", standing.pipeline.as_str())],
                    age,
                );
            }
        }
        page.head(
            "bridged_ticks_skipped_total",
            "counter",
            "Times of schedules that had no run of their own.",
        );
        for standing in standings {
            page.row(
                "bridged_ticks_skipped_total",
                &[("pipeline", standing.pipeline.as_str())],
                standing.skipped,
            );
        }
        page.head("bridged_running", "gauge", "Runs that go on.");
        page.row(
            "bridged_running",
            &[],
            standings.iter().filter(|one| one.running.is_some()).count(),
        );
        page.head(
            "bridged_messages",
            "gauge",
            "Messages of the send ledger by their state.",
        );
        for (state, count) in store.count_messages(None)? {
            page.row("bridged_messages", &[("state", state.as_str())], count);
        }
        calls_page(&mut page, calls_left);
        self.webhooks_page(&mut page, store, now)?;
        Ok(page.0)
    }

    fn runs_page(&self, page: &mut Page) {
        let runs = self.runs();
        page.head("bridged_runs_total", "counter", "Runs by how they ended.");
        for (pipeline, of) in runs.iter() {
            for (state, count) in &of.by_state {
                page.row(
                    "bridged_runs_total",
                    &[("pipeline", pipeline), ("state", state)],
                    *count,
                );
            }
        }
        page.head(
            "bridged_records_total",
            "counter",
            "Records by the place that they ended in.",
        );
        for (pipeline, of) in runs.iter() {
            for (place, count) in places(&of.ledger) {
                page.row(
                    "bridged_records_total",
                    &[("pipeline", pipeline), ("place", place)],
                    count,
                );
            }
        }
        page.head(
            "bridged_requests_total",
            "counter",
            "Requests to other systems.",
        );
        for (pipeline, of) in runs.iter() {
            page.row(
                "bridged_requests_total",
                &[("pipeline", pipeline)],
                of.requests,
            );
        }
        page.head(
            "bridged_api_calls_total",
            "counter",
            "Calls that count against the org's daily limit.",
        );
        for (pipeline, of) in runs.iter() {
            page.row(
                "bridged_api_calls_total",
                &[("pipeline", pipeline)],
                of.api_calls,
            );
        }
        durations(&runs, page);
    }

    fn webhooks_page(&self, page: &mut Page, store: &dyn Store, now: Timestamp) -> Result<()> {
        page.head(
            "bridged_webhooks_total",
            "counter",
            "Deliveries to the webhook by what became of them.",
        );
        let all = [
            ("kept", Delivery::Kept),
            ("repeated", Delivery::Repeated),
            ("refused", Delivery::Refused),
            ("not_kept", Delivery::NotKept),
        ];
        for (word, what) in all {
            let count = self.webhooks[what as usize].load(Ordering::Relaxed);
            page.row("bridged_webhooks_total", &[("outcome", word)], count);
        }
        let (waiting, first) = store.webhooks_waiting()?;
        page.head(
            "bridged_webhooks_waiting",
            "gauge",
            "Deliveries that are kept and not understood so far.",
        );
        page.row("bridged_webhooks_waiting", &[], waiting);
        page.head(
            "bridged_webhooks_lag_seconds",
            "gauge",
            "How long the first of them has been waiting.",
        );
        let lag = first.map_or(0, |first| now.duration_since(first).as_secs().max(0));
        page.row("bridged_webhooks_lag_seconds", &[], lag);
        page.head(
            "bridged_whatsapp_unknown_codes_total",
            "counter",
            "Codes of Meta's that nobody here knows.",
        );
        let codes = self
            .unknown_codes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (code, count) in codes.iter() {
            page.row(
                "bridged_whatsapp_unknown_codes_total",
                &[("code", &code.to_string())],
                *count,
            );
        }
        Ok(())
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<String, Runs>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn calls_page(page: &mut Page, calls_left: &[CallsLeft]) {
    type Value = fn(&CallsLeft) -> u64;
    let gauges: [(&str, &str, Value); 3] = [
        (
            "bridged_api_calls_left",
            "Calls until the budget's share of the org's daily limit is used up.",
            |told| told.left,
        ),
        (
            "bridged_api_calls_used",
            "Calls of the org's last 24 hours, made by every program.",
            |told| told.used,
        ),
        (
            "bridged_api_calls_limit",
            "Calls that the org allows in 24 hours.",
            |told| told.max,
        ),
    ];
    for (name, help, value) in gauges {
        page.head(name, "gauge", help);
        for told in calls_left {
            page.row(name, &[("connection", &told.connection)], value(told));
        }
    }
}

fn durations(runs: &BTreeMap<String, Runs>, page: &mut Page) {
    page.head("bridged_run_seconds", "histogram", "How long runs took.");
    for (pipeline, of) in runs {
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(of.durations) {
            sum += count;
            let bound = bound.to_string();
            page.row(
                "bridged_run_seconds_bucket",
                &[("pipeline", pipeline), ("le", &bound)],
                sum,
            );
        }
        sum += of.durations[BOUNDS.len()];
        page.row(
            "bridged_run_seconds_bucket",
            &[("pipeline", pipeline), ("le", "+Inf")],
            sum,
        );
        page.row(
            "bridged_run_seconds_sum",
            &[("pipeline", pipeline)],
            of.seconds,
        );
        page.row("bridged_run_seconds_count", &[("pipeline", pipeline)], sum);
    }
}

fn places(ledger: &Ledger) -> [(&'static str, u64); 9] {
    [
        ("read", ledger.read),
        ("delivered", ledger.delivered),
        ("unchanged", ledger.unchanged),
        ("filtered", ledger.filtered),
        ("suppressed", ledger.suppressed),
        ("expired", ledger.expired),
        ("rejected", ledger.rejected),
        ("unknown", ledger.unknown),
        ("pending", ledger.pending),
    ]
}

/// The page as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Values of labels are names of pipelines and words, in which nothing has to be escaped.
    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{}}} {value}", labels.join(","))
        };
    }
}

//! What storing costs: microseconds a profile when it is inserted, unchanged and changed, and the memory it takes.
//!
//! `cargo bench --bench store [-- ROWS…]`; 100,000 and 1,000,000 rows where nothing is said. A profile has 20
//! attributes, a commit 2,000 profiles; every commit is flushed to the disk as in a run. Each number is the time on the
//! wall, and in brackets the time on a processor, which tells the same on a machine that is busy with other things.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bridged::foundation::event::{Ledger, Requests};
use bridged::foundation::id::{Fingerprint, PipelineName, RunId};
use bridged::foundation::record::Profile;
use bridged::store::Store;
use bridged::store::model::{Commit, NewRun};
use jiff::Timestamp;
use serde_json::{Map, Value};

const COMMIT: u64 = 2_000;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let mut rows: Vec<u64> = std::env::args()
        .filter_map(|argument| argument.replace(['_', ','], "").parse().ok())
        .collect();
    if rows.is_empty() {
        rows = vec![100_000, 1_000_000];
    }
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:>10} {:>10} {:>17} {:>17} {:>17} {:>12} {:>10}",
        "rows", "keys", "insert", "unchanged", "changed", "peak memory", "file"
    )?;
    for rows in rows {
        for shuffled in [false, true] {
            let line = measure(rows, shuffled)?;
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn measure(rows: u64, shuffled: bool) -> Outcome<String> {
    let dir = tempfile::tempdir()?;
    let store = bridged::store::open("sqlite:bridged.db", dir.path())?;
    let pipeline = PipelineName::parse("bench").ok_or("a name")?;
    let lock = store.lock_pipeline(&pipeline)?;
    let run = NewRun {
        run_id: RunId::generate(),
        pipeline,
        fingerprint: Fingerprint::of("bench"),
        started_at: Timestamp::UNIX_EPOCH,
    };
    store.begin_run(&lock, &run)?;
    let load = Load {
        store: Arc::clone(&store),
        run,
        rows,
        shuffled,
    };
    let insert = load.pass(0, |ledger| ledger.delivered)?;
    let unchanged = load.pass(0, |ledger| ledger.unchanged)?;
    let changed = load.pass(1, |ledger| ledger.delivered)?;
    let size = std::fs::metadata(dir.path().join("bridged.db"))?.len();
    let keys = if shuffled { "shuffled" } else { "ascending" };
    let micros = |spent: Spent| {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / rows as f64;
        format!("{:.2} ({:.2}) µs", each(spent.wall), each(spent.processor))
    };
    Ok(format!(
        "{rows:>10} {keys:>10} {:>17} {:>17} {:>17} {:>8} MiB {:>6} MiB",
        micros(insert),
        micros(unchanged),
        micros(changed),
        peak_memory_mib(),
        size >> 20,
    ))
}

/// Time that passed inside the store.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    wall: Duration,
    processor: Duration,
}

struct Load {
    store: Arc<dyn Store>,
    run: NewRun,
    rows: u64,
    shuffled: bool,
}

impl Load {
    /// Commits every profile once, in its `round`-th form; returns the time spent inside the store.
    fn pass(&self, round: u64, expected: fn(&Ledger) -> u64) -> Outcome<Spent> {
        let mut spent = Spent::default();
        for first in (0..self.rows).step_by(COMMIT as usize) {
            let profiles: Vec<_> = (first..self.rows.min(first + COMMIT))
                .map(|index| profile(self.number(index), round).into())
                .collect();
            let commit = Commit {
                run_id: self.run.run_id,
                pipeline: &self.run.pipeline,
                at: Timestamp::UNIX_EPOCH,
                profiles: &profiles,
                scores: &[],
                acknowledged: &[],
                dead_letters: &[],
                settled_keys: &[],
                messages: &[],
                ledger: Ledger {
                    read: profiles.len() as u64,
                    ..Ledger::default()
                },
                cursor: None,
                change_cursor: None,
                requests_so_far: Requests::default(),
                api_calls_so_far: 0,
            };
            let (start, before) = (Instant::now(), processor_time());
            let committed = self.store.commit(&commit)?;
            spent.wall += start.elapsed();
            spent.processor += processor_time().saturating_sub(before);
            if expected(&committed.delta) != profiles.len() as u64 {
                return Err(format!("not what was measured: {:?}", committed.delta).into());
            }
        }
        Ok(spent)
    }

    /// The number of the profile that comes as the `index`-th.
    fn number(&self, index: u64) -> u64 {
        if !self.shuffled {
            return index;
        }
        // A prime beyond the rows: every number comes once.
        let step = 2_147_483_647;
        (u128::from(index) * step % u128::from(self.rows)) as u64
    }
}

fn profile(number: u64, round: u64) -> Profile {
    let mut attributes = Map::new();
    let mut put = |name: &str, value: Value| {
        attributes.insert(name.to_owned(), value);
    };
    put("full_name", format!("Ada Lovelace {number}").into());
    put("phone", format!("+1415{:07}", number % 10_000_000).into());
    put("email", format!("ada.{number}@example.com").into());
    put("score", (number % 100 + round).into());
    put("owner", "Grace Hopper".into());
    put("converted", false.into());
    put("website", Value::Null);
    put("revenue", (number as f64 * 1.25).into());
    for field in 0..12 {
        put(
            &format!("field_{field}"),
            format!("value {field} of {number}").into(),
        );
    }
    Profile {
        key: format!("00Q5e{number:010}EAA"),
        salesforce_id: Some(format!("00Q5e{number:010}EAA")),
        object: Some("Lead".to_owned()),
        attributes,
        consent: Map::new(),
        deleted: false,
    }
}

/// The most memory the process held so far; 0 where the system does not say.
fn peak_memory_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) >> 10
}

/// How long this thread has been on a processor; zero where the system does not say.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

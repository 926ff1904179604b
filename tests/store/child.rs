//! Processes that a test may kill: this test binary again, told by its environment what to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use bridged::store::Store;
use bridged::store::model::{Commit, LetterFilter, RunFilter};
use serde_json::json;

use super::sample::{Open, at, begin, cursor, incoming, name, profile, read};

/// How many commits a whole `load` makes.
pub(crate) const COMMITS: i64 = 3;
/// How many profiles of its own each commit brings; one more is shared by all.
const OWN: i64 = 4;

/// A child that plays `scene` on the store in `dir`.
pub(crate) fn command(scene: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    prepare(&mut command, scene, dir);
    command
}

/// The same, begun by a shell that runs `before` first (`umask`, `ulimit`).
pub(crate) fn command_after(before: &str, scene: &str, dir: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before}; exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().expect("this binary"));
    prepare(&mut command, scene, dir);
    command
}

fn prepare(command: &mut Command, scene: &str, dir: &Path) {
    command
        .args(["--ignored", "--exact", "store::child::play", "--nocapture"])
        .env("STORE_SCENE", scene)
        .env("STORE_DIR", dir)
        .env_remove("BRIDGED_FAILPOINT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// What a child printed behind the marker `name=`.
pub(crate) fn said(stdout: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(stdout);
    let marker = format!("{name}=");
    let line = text.lines().find_map(|line| line.split_once(&marker))?;
    Some(line.1.to_owned())
}

/// A child that holds the lock of `leads`, in a run, until it is killed.
pub(crate) struct Holder {
    pub(crate) process: Child,
    pub(crate) run_id: String,
}

impl Holder {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut process = command("hold", dir).spawn().expect("the child starts");
        let stdout = process.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines();
        let run_id = lines
            .find_map(|line| Some(line.ok()?.split_once("held=")?.1.to_owned()))
            .expect("the child takes the lock");
        Self { process, run_id }
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("gone");
    }
}

pub(crate) fn open(dir: &Path) -> Arc<dyn Store> {
    bridged::store::open("sqlite:state/bridged.db", dir).expect("the store opens")
}

/// The `number`-th commit of a load: the same for the same number, whatever came before.
fn load_one(open: &Open, number: i64) -> bridged::foundation::error::Result<()> {
    let mut profiles: Vec<_> = (0..OWN)
        .map(|index| profile(&format!("p{number}-{index}"), json!({ "n": number })))
        .collect();
    profiles.push(profile("shared", json!({ "n": number })));
    let letters = [open.letter(&format!("l{number}"), Code::Interrupted, number)];
    let position = cursor(number);
    let commit = Commit {
        profiles: &incoming(&profiles),
        dead_letters: &letters,
        ledger: Ledger {
            rejected: 1,
            ..read(profiles.len() as u64 + 1)
        },
        cursor: Some(&position),
        ..open.empty(number)
    };
    open.store.commit(&commit).map(drop)
}

/// How many commits of a load the store holds; fails unless it holds each of them whole and nothing of any other.
#[track_caller]
pub(crate) fn whole_commits(store: &dyn Store) -> i64 {
    let position = store.cursor(&name("leads")).expect("the cursor");
    let count = position.map_or(0, |position| {
        position.stamp.as_millisecond() - at(0).as_millisecond()
    });
    let profiles = store.profiles(None, 1_000_000).expect("the profiles");
    let expected = if count == 0 { 0 } else { count * OWN + 1 };
    assert_eq!(
        i64::try_from(profiles.len()),
        Ok(expected),
        "{count} commits"
    );
    if count > 0 {
        let shared = store.profile("shared").expect("read").expect("stored");
        assert_eq!(shared.profile.attributes["n"], json!(count));
    }
    let all = LetterFilter {
        limit: Some(1_000_000),
        ..LetterFilter::default()
    };
    let letters = store.dead_letters(&all).expect("the letters");
    let runs = store.runs(&RunFilter::default()).expect("the runs");
    let mut sum = Ledger::default();
    for run in &runs {
        assert!(run.ledger.balances(), "{run:?}");
        sum.add(&run.ledger);
    }
    assert_eq!(letters.len() as u64, sum.rejected);
    // A commit that is made again finds its profiles unchanged: each is delivered once over all runs, but for the
    // shared one, which every commit changes.
    assert_eq!(sum.read, sum.rejected * (OWN.unsigned_abs() + 2), "{sum:?}");
    assert!(sum.delivered >= count.unsigned_abs() * OWN.unsigned_abs());
    count
}

/// Plays the scene that the environment names.
#[test]
#[ignore = "a process of its own, started by the tests of crashes"]
fn play() {
    let scene = std::env::var("STORE_SCENE").expect("started by another test");
    let dir = std::env::var_os("STORE_DIR").expect("started by another test");
    let dir = Path::new(&dir);
    match scene.as_str() {
        "open" => drop(open(dir)),
        "load" => load(dir),
        "grow" => grow(dir),
        "hold" => hold(dir),
        "fill" => fill(dir),
        other => panic!("no scene {other}"),
    }
}

/// One run of all commits, to its end.
fn load(dir: &Path) {
    let store = open(dir);
    let run = begin(&store, "leads");
    for number in 1..=COMMITS {
        load_one(&run, number).expect("the commit");
    }
    let row = store.run(run.run.run_id).expect("read").expect("known");
    store.finish_run(&run.report(row.ledger)).expect("the end");
}

/// Commits until the store fails, and says how often it did not.
fn grow(dir: &Path) {
    let store = match bridged::store::open("sqlite:state/bridged.db", dir) {
        Ok(store) => store,
        Err(error) => {
            println!("committed=0\nfailed={}", error.code());
            return;
        }
    };
    let lock = match store.lock_pipeline(&name("leads")) {
        Ok(lock) => lock,
        Err(error) => {
            println!("committed=0\nfailed={}", error.code());
            return;
        }
    };
    let run = super::sample::new_run("leads", 0);
    let begun = store.begin_run(&lock, &run);
    let open = Open {
        store,
        run,
        crashed: Vec::new(),
        lock,
    };
    let failed = begun.map(drop).and_then(|()| {
        (1..=200).try_for_each(|number| {
            load_one(&open, number)?;
            println!("committed={number}");
            Ok(())
        })
    });
    let code = failed.map_or_else(|error| error.code().to_string(), |()| "none".to_owned());
    println!("failed={code}");
}

/// Takes the lock, begins a run, says so and waits.
fn hold(dir: &Path) {
    let run = begin(&open(dir), "leads");
    println!("held={}", run.run.run_id);
    std::io::stdout().flush().expect("said");
    let mut rest = String::new();
    std::io::stdin()
        .read_to_string(&mut rest)
        .expect("the parent goes");
}

/// Stores many profiles and says how much memory that took at most, after a part and after all of them.
fn fill(dir: &Path) {
    let store = open(dir);
    let run = begin(&store, "leads");
    let text = "x".repeat(40);
    for number in 0..40_i64 {
        let profiles: Vec<_> = (0..500)
            .map(|index| {
                let attributes: serde_json::Map<_, _> = (0..20)
                    .map(|field| (format!("field_{field}"), json!(format!("{text}{number}"))))
                    .collect();
                profile(
                    &format!("{:x}", (number * 500 + index) * 7_919),
                    attributes.into(),
                )
            })
            .collect();
        run.deliver(number, &profiles);
        if number == 9 {
            println!("part={}", peak_memory());
        }
    }
    println!("all={}", peak_memory());
    store
        .finish_run(&bridged::foundation::event::RunReport {
            state: RunState::Done,
            ..run.report(
                store
                    .run(run.run.run_id)
                    .expect("read")
                    .expect("known")
                    .ledger,
            )
        })
        .expect("the end");
}

/// The most memory this process held at once, in KiB; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

//! Processes that a test may kill: this test binary again, told by its environment what to do.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::event::{ChangeCursor, Ledger, RunState};
use bridged::foundation::record::EngagementKind;
use bridged::store::Store;
use bridged::store::model::{Acknowledgement, Closed, Commit, LetterFilter, RecordKind, RunFilter};
use serde_json::json;

use super::sample::{
    Open, at, begin, cursor, engagement, incoming, name, outcome, profile, read, score,
};

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
    let letters = [
        open.letter(&format!("l{number}"), Code::Interrupted, number),
        open.letter("again", Code::Interrupted, number),
    ];
    let settled = [format!("l{}", number - 1)];
    let scores = [("shared".to_owned(), score(number))];
    let acknowledged = ["shared".to_owned(), format!("p{number}")].map(|key| Acknowledgement {
        target: "lead".to_owned(),
        key,
        digest: digest(number),
        salesforce_id: None,
        fields: Some("{}".to_owned()),
    });
    let position_of_own = ChangeCursor {
        source_hash: "4567cdef".to_owned(),
        change: number.unsigned_abs(),
    };
    let position = cursor(number);
    let commit = Commit {
        profiles: &incoming(&profiles),
        scores: &scores,
        acknowledged: &acknowledged,
        dead_letters: &letters,
        settled_keys: &settled,
        ledger: Ledger {
            rejected: 2,
            ..read(profiles.len() as u64 + 2)
        },
        cursor: Some(&position),
        change_cursor: Some(&position_of_own),
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
    assert_own_parts(store, count);
    let runs = store.runs(&RunFilter::default()).expect("the runs");
    let mut sum = Ledger::default();
    for run in &runs {
        assert!(run.ledger.balances(), "{run:?}");
        sum.add(&run.ledger);
    }
    assert_letters(store, count, sum.rejected);
    // A commit that is made again finds its profiles unchanged: each is delivered once over all runs, but for the
    // shared one, which every commit changes.
    let each = OWN.unsigned_abs() + 3;
    assert_eq!(sum.read * 2, sum.rejected * each, "{sum:?}");
    assert!(sum.delivered >= count.unsigned_abs() * OWN.unsigned_abs());
    count
}

fn digest(number: i64) -> [u8; 32] {
    [u8::try_from(number).expect("small"); 32]
}

/// Scores, acknowledgements, change numbers and the position among them are those of the last commit.
#[track_caller]
fn assert_own_parts(store: &dyn Store, count: i64) {
    let leads = name("leads");
    let position = store.change_cursor(&leads).expect("the position");
    let change = position.map_or(0, |position| position.change);
    assert_eq!(change, count.unsigned_abs());
    let scores = store.scores_of("shared").expect("the scores");
    let points: Vec<_> = scores
        .into_iter()
        .map(|(_, score, _)| score.score)
        .collect();
    let expected: Vec<_> = (count > 0).then_some(count).into_iter().collect();
    assert_eq!(points, expected);
    let last = format!("p{count}");
    let keys = ["shared", last.as_str()];
    let found = store.acknowledged(&leads, "lead", &keys).expect("read");
    for one in found {
        assert_eq!(
            one.map(|one| one.digest),
            (count > 0).then(|| digest(count))
        );
    }
    let newest = store.newest_change().expect("the counter");
    let changed = store
        .changed_profiles(0, newest, 1_000_000)
        .expect("the changes");
    let stored = store.profiles(None, 1_000_000).expect("the profiles");
    assert_eq!(changed.len(), stored.len());
    assert!(changed.is_sorted_by(|left, right| left.change < right.change));
    assert_eq!(changed.last().map_or(0, |one| one.change), newest);
}

/// The letter of the last commit is open, and the one that every commit brings; those before are closed.
#[track_caller]
fn assert_letters(store: &dyn Store, count: i64, rejected: u64) {
    let list = |closed| {
        let filter = LetterFilter {
            limit: Some(1_000_000),
            closed,
            ..LetterFilter::default()
        };
        store.dead_letters(&filter).expect("the letters")
    };
    let open = list(false);
    let mut keys: Vec<_> = open.iter().map(|row| row.letter.key.clone()).collect();
    keys.sort_unstable();
    let expected = if count == 0 {
        Vec::new()
    } else {
        vec!["again".to_owned(), format!("l{count}")]
    };
    assert_eq!(keys, expected);
    for row in open.iter().filter(|row| row.letter.key == "again") {
        // Two attempts a commit, and two rejections.
        assert_eq!(u64::from(row.letter.attempts), rejected);
    }
    for row in list(true) {
        let is_open = open.contains(&row);
        assert!(is_open || matches!(row.closed, Some((Closed::Delivered, _))));
    }
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
        "import" => import(dir),
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

/// Imports rounds of a profile, two outcomes and two events, each kind in a transaction of its own.
fn import(dir: &Path) {
    let store = open(dir);
    for number in 1..=COMMITS {
        let key = format!("p{number}");
        let profiles = [profile(&key, json!({ "n": number }))];
        let outcomes = [0, 1].map(|index| outcome(&format!("o{number}-{index}"), &key, number));
        let events = [EngagementKind::Sent, EngagementKind::Read]
            .map(|kind| engagement(&format!("{}{number}", kind.as_str()), &key, kind, number));
        store.import_profiles(&profiles, at(1)).expect("profiles");
        store.import_outcomes(&outcomes, at(1)).expect("outcomes");
        store.import_engagements(&events, at(1)).expect("events");
    }
}

/// How many transactions of the imports the store holds; fails unless each is there whole.
#[track_caller]
pub(crate) fn whole_imports(store: &dyn Store) -> u64 {
    let count = |kind| store.count_changed(kind, 0, u64::MAX).expect("count");
    let profiles = count(RecordKind::Profiles);
    let outcomes = count(RecordKind::Outcomes);
    let mut events = 0;
    for number in 1..=COMMITS {
        let key = format!("p{number}");
        let found = store.engagements_of(&key, 9).expect("list");
        assert_eq!(found.len() % 2, 0);
        events += found.len() as u64;
    }
    assert_eq!(outcomes % 2, 0);
    let done = profiles + outcomes / 2 + events / 2;
    // A profile, two outcomes, and one number for the profile of the events.
    let newest = store.newest_change().expect("the counter");
    assert_eq!(newest, profiles + outcomes + events / 2);
    assert!(profiles >= outcomes / 2 && outcomes / 2 >= events / 2);
    done
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
    for number in 0..48_i64 {
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
        // By then the cache is full.
        if number == 23 {
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

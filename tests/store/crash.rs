//! Crashes, losses of power and full disks: whatever ends a process, each commit is there whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, RunState};
use bridged::store::Store;
use bridged::store::model::RunFilter;
use bridged::store::sqlite::{FAILPOINTS, Options, SqliteStore};
use serde_json::json;

use super::child::{COMMITS, command, command_after, open, said, whole_commits, whole_imports};
use super::sample::{Sqlite, Subject, begin, incoming, name, profile};

/// Kills a load at the `nth` passing of `failpoint`, looks at what is left, and lets a second load finish.
#[track_caller]
fn killed_at(failpoint: &str, nth: i64, committed: i64, runs: usize) {
    let dir = tempfile::tempdir().expect("folder");
    let output = command("load", dir.path())
        .env("BRIDGED_FAILPOINT", format!("{failpoint}@{nth}"))
        .output()
        .expect("the child ran");
    let place = format!("{failpoint}@{nth}");
    assert_eq!(
        output.status.code(),
        None,
        "{place}: killed, not ended: {output:?}"
    );

    let store = open(dir.path());
    assert_eq!(whole_commits(&*store), committed, "{place}");
    assert_eq!(
        store.runs(&RunFilter::default()).expect("list").len(),
        runs,
        "{place}"
    );
    drop(store);

    let output = command("load", dir.path()).output().expect("the child ran");
    assert!(output.status.success(), "{place}: {output:?}");
    let store = open(dir.path());
    assert_eq!(whole_commits(&*store), COMMITS, "{place}");
    let all = store.runs(&RunFilter::default()).expect("list");
    assert_eq!(all.len(), runs + 1, "{place}");
    assert_eq!(all[0].state, Some(RunState::Done), "{place}");
    for run in &all[1..] {
        let ended_well = failpoint == "store-after-finish";
        let expected = if ended_well {
            RunState::Done
        } else {
            RunState::Failed
        };
        assert_eq!(run.state, Some(expected), "{place}");
        let code = run.error.as_ref().map(|(code, _)| *code);
        assert_eq!(code, (!ended_well).then_some(Code::Crashed), "{place}");
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn r09_a_layout_interrupted_at_each_step_is_made_whole_by_the_next_opening() {
    killed_at("store-created", 1, 0, 0);
    for failpoint in [
        "store-before-migration",
        "store-mid-migration",
        "store-after-migration",
    ] {
        for step in 1..=3 {
            killed_at(failpoint, step, 0, 0);
        }
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn s08_a_crash_before_the_commit_is_durable_leaves_nothing_of_it() {
    killed_at("store-before-begin", 1, 0, 0);
    for nth in 1..=COMMITS {
        killed_at("store-mid-commit", nth, nth - 1, 1);
        killed_at("store-before-commit", nth, nth - 1, 1);
    }
    killed_at("store-before-finish", 1, COMMITS, 1);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn s09_a_crash_after_the_commit_is_durable_loses_nothing_of_it() {
    killed_at("store-after-begin", 1, 0, 1);
    for nth in 1..=COMMITS {
        killed_at("store-after-commit", nth, nth, 1);
    }
    killed_at("store-after-finish", 1, COMMITS, 1);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn s08_an_import_that_is_killed_is_there_up_to_a_whole_transaction_and_goes_on() {
    let all = 3 * COMMITS.unsigned_abs();
    for nth in 1..=all {
        for (failpoint, done) in [
            ("store-mid-commit", nth - 1),
            ("store-before-commit", nth - 1),
            ("store-after-commit", nth),
        ] {
            let dir = tempfile::tempdir().expect("folder");
            let place = format!("{failpoint}@{nth}");
            let output = command("import", dir.path())
                .env("BRIDGED_FAILPOINT", &place)
                .output()
                .expect("the child ran");
            assert_eq!(output.status.code(), None, "{place}: killed: {output:?}");
            assert_eq!(whole_imports(&*open(dir.path())), done, "{place}");

            let output = command("import", dir.path())
                .output()
                .expect("the child ran");
            assert!(output.status.success(), "{place}: {output:?}");
            assert_eq!(whole_imports(&*open(dir.path())), all, "{place}");
        }
    }
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn every_failpoint_is_passed_by_a_first_run() {
    for failpoint in FAILPOINTS {
        let dir = tempfile::tempdir().expect("folder");
        let status = command("load", dir.path())
            .env("BRIDGED_FAILPOINT", failpoint)
            .output()
            .expect("the child ran")
            .status;
        assert_eq!(status.code(), None, "{failpoint} is never reached");
    }
}

/// The files of the store as they are on the disk at this moment, elsewhere.
fn copy_files(from: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).expect("folder");
    for suffix in ["", "-wal"] {
        let name = format!("bridged.db{suffix}");
        if from.join(&name).exists() {
            fs::copy(from.join(&name), to.join(&name)).expect("copied");
        }
    }
    to.join("bridged.db")
}

fn wal_length(folder: &Path) -> u64 {
    fs::metadata(folder.join("bridged.db-wal")).map_or(0, |wal| wal.len())
}

#[test]
fn r08_what_was_committed_survives_a_log_torn_at_any_place_behind_it() {
    let subject = Sqlite::new();
    let store = subject.open();
    let folder = subject.0.path().join("state");
    let run = begin(&store, "leads");
    run.deliver(
        1,
        &[
            profile("a", json!({ "n": 1 })),
            profile("b", json!({ "n": 1 })),
        ],
    );
    let before = wal_length(&folder);
    run.deliver(
        2,
        &[
            profile("a", json!({ "n": 2 })),
            profile("c", json!({ "n": 2 })),
        ],
    );
    let after = wal_length(&folder);
    assert!(
        before > 0 && after > before,
        "the log grew: {before} to {after}"
    );

    let mut seen = [0, 0];
    for cut in (before..=after).step_by(512).chain([after - 1, after]) {
        for garbled in [false, true] {
            let torn = tempfile::tempdir().expect("folder");
            let path = copy_files(&folder, torn.path());
            let wal = torn.path().join("bridged.db-wal");
            let mut bytes = fs::read(&wal).expect("the log");
            if garbled {
                let from = usize::try_from(cut).expect("small").min(bytes.len() - 1);
                for byte in &mut bytes[from..] {
                    *byte ^= 0x5a;
                }
            } else {
                bytes.truncate(usize::try_from(cut).expect("small"));
            }
            fs::write(&wal, bytes).expect("torn");

            let store = SqliteStore::open(&path, &Options::default()).expect("opens");
            let found = store.profiles(None, 10).expect("list");
            let values: Vec<_> = found
                .iter()
                .map(|row| {
                    (
                        row.profile.key.as_str(),
                        row.profile.attributes["n"].as_i64(),
                    )
                })
                .collect();
            let ledger = store
                .run(run.run.run_id)
                .expect("read")
                .expect("known")
                .ledger;
            if ledger.read == 2 {
                assert_eq!(values, [("a", Some(1)), ("b", Some(1))], "cut at {cut}");
                seen[0] += 1;
            } else {
                assert_eq!(ledger.read, 4, "cut at {cut}");
                assert_eq!(values, [("a", Some(2)), ("b", Some(1)), ("c", Some(2))]);
                seen[1] += 1;
            }
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "both outcomes occur: {seen:?}");
}

#[test]
fn r08_a_copy_taken_between_two_commits_holds_all_before_it() {
    let subject = Sqlite::new();
    let store = subject.open();
    let run = begin(&store, "leads");
    for number in 1..=5 {
        run.deliver(number, &[profile(&format!("k{number}"), json!({}))]);
        let copy = tempfile::tempdir().expect("folder");
        let path = copy_files(&subject.0.path().join("state"), copy.path());
        let store = SqliteStore::open(&path, &Options::default()).expect("opens");
        assert_eq!(store.profile_count().expect("count"), number.unsigned_abs());
    }
}

#[test]
fn r07_a_full_store_rolls_back_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    let small = Options {
        max_pages: Some(100),
        ..Options::default()
    };
    let store: std::sync::Arc<dyn Store> =
        std::sync::Arc::new(SqliteStore::open(&path, &small).expect("opens"));
    let run = begin(&store, "leads");
    let text = "x".repeat(3_000);
    let mut delivered = 0;
    let error = loop {
        let profiles = [0, 1, 2]
            .map(|index| profile(&format!("{delivered:04}-{index}"), json!({ "text": text })));
        let commit = bridged::store::model::Commit {
            profiles: &incoming(&profiles),
            ledger: super::sample::read(3),
            ..run.empty(1)
        };
        match store.commit(&commit) {
            Ok(_) => delivered += 3,
            Err(error) => break error,
        }
        assert!(delivered < 1_000, "the limit is never met");
    };
    assert_eq!(error.code(), Code::StoreFull);
    let whole = |store: &dyn Store| {
        assert_eq!(store.profile_count().expect("count"), delivered);
        let row = store.run(run.run.run_id).expect("read").expect("known");
        assert_eq!(
            (row.ledger.read, row.ledger.delivered),
            (delivered, delivered)
        );
    };
    whole(&*store);
    let store = SqliteStore::open(&path, &Options::default()).expect("opens");
    whole(&store);
    let profiles = [profile("more", json!({ "text": text }))];
    let commit = bridged::store::model::Commit {
        profiles: &incoming(&profiles),
        ledger: super::sample::read(1),
        ..run.empty(2)
    };
    store.commit(&commit).expect("there is room again");
}

#[cfg(unix)]
#[test]
fn r07_a_write_that_fails_at_any_size_of_the_files_corrupts_nothing() {
    let mut codes = std::collections::BTreeSet::new();
    let mut counts = std::collections::BTreeSet::new();
    // The limit counts blocks of 512 or 1,024 bytes, as the shell has it; a page is 8,192.
    for blocks in (1..2_000).step_by(43) {
        let dir = tempfile::tempdir().expect("folder");
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}");
        let output = command_after(&limit, "grow", dir.path())
            .output()
            .expect("the child ran");
        assert!(output.status.success(), "{blocks} blocks: {output:?}");
        let failed = said(&output.stdout, "failed").expect("it says how it ended");
        let text = String::from_utf8_lossy(&output.stdout);
        let committed = text
            .lines()
            .filter_map(|line| line.split_once("committed=")?.1.parse::<i64>().ok())
            .max()
            .unwrap_or(0);

        let store = open(dir.path());
        assert_eq!(whole_commits(&*store), committed, "{blocks} blocks");
        let run = begin(&store, "leads");
        store
            .finish_run(&run.report(Ledger::default()))
            .expect("it goes on");
        codes.insert(failed);
        counts.insert(committed);
    }
    assert!(codes.contains("store-io"), "{codes:?}");
    assert!(
        counts.len() > 3,
        "the limit bites at several commits: {counts:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn r15_memory_does_not_grow_with_the_rows() {
    let dir = tempfile::tempdir().expect("folder");
    let output = command("fill", dir.path()).output().expect("the child ran");
    assert!(output.status.success(), "{output:?}");
    let kib = |name: &str| -> u64 {
        let text = said(&output.stdout, name).expect("it says how much");
        text.parse().expect("a number")
    };
    let (part, all) = (kib("part"), kib("all"));
    assert!(part > 1_000, "{part} KiB");
    assert!(
        all < part + 6_000,
        "from {part} KiB after 12,000 rows to {all} KiB after 24,000"
    );
}

#[test]
fn a_lock_held_open_by_nobody_opens_at_once() {
    let subject = Sqlite::new();
    drop(begin(&subject.open(), "leads").lock);
    let patience = Options {
        busy_timeout: Duration::ZERO,
        ..Options::default()
    };
    let path = subject.0.path().join("state/bridged.db");
    let store = SqliteStore::open(&path, &patience).expect("nobody holds it");
    drop(store.lock_pipeline(&name("leads")).expect("free"));
}

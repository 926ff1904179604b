//! Several processes on one store: one runs a pipeline at a time, others run other pipelines.

use std::thread;
use std::time::Duration;

use bridged::foundation::code::Code;
use bridged::foundation::event::Ledger;
use bridged::store::Store;
use bridged::store::sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use serde_json::json;

use super::child::{Holder, command, open};
use super::sample::{Sqlite, Subject, begin, name, profile};

#[test]
fn r03_another_process_is_refused_and_told_who_runs_the_pipeline() {
    let dir = tempfile::tempdir().expect("folder");
    let holder = Holder::start(dir.path());
    let store = open(dir.path());

    let error = store.lock_pipeline(&name("leads")).expect_err("held");
    assert_eq!(error.code(), Code::PipelineLocked);
    let message = error.message();
    assert!(message.contains("`leads`"), "{message}");
    assert!(
        message.contains(&format!("process {}", holder.process.id())),
        "{message}"
    );
    assert!(message.contains(" since 2"), "{message}");
    assert!(message.contains(&holder.run_id), "{message}");
    drop(
        store
            .lock_pipeline(&name("contacts"))
            .expect("another pipeline"),
    );

    let run_id = holder.run_id.clone();
    holder.kill();
    let next = begin(&store, "leads");
    assert_eq!(next.crashed.len(), 1);
    assert_eq!(next.crashed[0].to_string(), run_id);
}

#[test]
fn a_lock_file_that_says_nothing_useful_still_locks() {
    let subject = Sqlite::new();
    let store = subject.open();
    let _held = store.lock_pipeline(&name("leads")).expect("free");
    let file = subject.0.path().join("state/bridged.db-locks/leads.lock");
    for text in ["", "x", "99999999999999 then", "\u{0}\u{1}"] {
        std::fs::write(&file, text).expect("written");
        let error = store.lock_pipeline(&name("leads")).expect_err("held");
        assert_eq!(error.code(), Code::PipelineLocked);
        assert_eq!(error.message(), "pipeline `leads` is being run");
    }
}

#[test]
fn two_pipelines_commit_at_once() {
    let subject = Sqlite::new();
    let stores = [("leads", subject.open()), ("contacts", subject.open())];
    thread::scope(|scope| {
        for (pipeline, store) in &stores {
            scope.spawn(move || {
                let run = begin(store, pipeline);
                let mut total = Ledger::default();
                for round in 0..40 {
                    let own = profile(&format!("{pipeline}-{round}"), json!({ "round": round }));
                    let shared = profile("shared", json!({ *pipeline: round }));
                    total = run.deliver(round, &[own, shared]).total;
                }
                assert_eq!((total.read, total.delivered), (80, 80));
                store.finish_run(&run.report(total)).expect("the end");
            });
        }
    });
    let store = subject.open();
    assert_eq!(store.profile_count().expect("count"), 81);
    let shared = store.profile("shared").expect("read").expect("stored");
    let expected = json!({ "leads": 39, "contacts": 39 });
    assert_eq!(
        serde_json::Value::Object(shared.profile.attributes),
        expected
    );
}

#[test]
fn many_processes_may_create_one_store_at_once() {
    let dir = tempfile::tempdir().expect("folder");
    let children: Vec<_> = (0..6)
        .map(|_| {
            command("open", dir.path())
                .spawn()
                .expect("the child starts")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("the child ran");
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(open(dir.path()).profile_count().expect("count"), 0);
}

#[test]
fn a_store_that_another_program_keeps_locked_is_busy_and_works_again_afterwards() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    let patience = Options {
        busy_timeout: Duration::from_millis(20),
        ..Options::default()
    };
    let store: std::sync::Arc<dyn Store> =
        std::sync::Arc::new(SqliteStore::open(&path, &patience).expect("opens"));
    let run = begin(&store, "leads");
    let other = Connection::open(&path).expect("another program");
    other.execute_batch("BEGIN IMMEDIATE").expect("it locks");

    let error = store.commit(&run.empty(1)).expect_err("locked");
    assert_eq!(error.code(), Code::StoreBusy);
    assert_eq!(store.profile_count().expect("reading goes on"), 0);

    other.execute_batch("ROLLBACK").expect("it lets go");
    store.commit(&run.empty(1)).expect("free again");
}

#[test]
fn a_reader_that_stays_in_its_transaction_holds_no_writer_up() {
    let subject = Sqlite::new();
    let store = subject.open();
    let run = begin(&store, "leads");
    let path = subject.0.path().join("state/bridged.db");
    let reader = Connection::open(path).expect("another program");
    reader
        .execute_batch("BEGIN; SELECT * FROM profiles")
        .expect("it reads");
    for round in 0..5 {
        run.deliver(round, &[profile("a", json!({ "round": round }))]);
    }
    let seen: i64 = reader
        .query_row("SELECT count(*) FROM profiles", [], |row| row.get(0))
        .expect("it goes on reading");
    assert_eq!(seen, 0, "its view stands still");
}

//! Damage to what is stored: it is named and refused, never read as something else and never repaired in silence.

use std::fs;
use std::path::PathBuf;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::event::ChangeCursor;
use bridged::foundation::record::EngagementKind;
use bridged::store::Store;
use bridged::store::model::{Acknowledgement, Applied, Commit, LetterFilter, RunFilter};
use bridged::store::sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use serde_json::json;

use super::sample::{
    Open, Sqlite, Subject, at, begin, cursor, engagement, incoming, name, outcome, profile, score,
};

/// The bytes of a page in a new file.
const PAGE: usize = 8_192;

fn path(subject: &Sqlite) -> PathBuf {
    subject.0.path().join("state/bridged.db")
}

fn tamper(subject: &Sqlite, sql: &str) {
    let raw = Connection::open(path(subject)).expect("raw");
    raw.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {sql}"
    ))
    .expect("tampered");
}

/// A store with a run, a profile, a dead letter and a cursor.
fn filled(subject: &Sqlite) -> Open {
    let store = subject.open();
    let run = begin(&store, "leads");
    let letters = [run.letter("b", Code::Interrupted, 1)];
    let profiles = [profile("a", json!({ "phone": "+14155550100" }))];
    let position = cursor(1);
    let commit = Commit {
        profiles: &incoming(&profiles),
        dead_letters: &letters,
        ledger: bridged::foundation::event::Ledger {
            read: 2,
            rejected: 1,
            ..Default::default()
        },
        cursor: Some(&position),
        ..run.empty(1)
    };
    store.commit(&commit).expect("the commit");
    run
}

#[test]
fn s18_a_cursor_that_cannot_be_one_is_refused_with_a_hint_and_not_reset() {
    for damage in [
        "stamp = -1",
        "stamp = 32472144000000",
        "stamp = 9223372036854775807",
        "window_end = 32472144000000",
        "window_end = -9223372036854775808",
        "id = '00Q'",
        "id = '00Q00000000000000; '",
        "query_hash = ''",
    ] {
        let subject = Sqlite::new();
        let store = filled(&subject).store;
        tamper(&subject, &format!("UPDATE cursors SET {damage}"));
        for _ in 0..2 {
            let error = store.cursor(&name("leads")).expect_err(damage);
            assert_eq!(error.code(), Code::CursorCorrupt, "{damage}");
            assert!(error.message().contains("`leads`"), "{damage}: {error}");
            assert!(
                error.help_text().expect("a hint").contains("--full"),
                "{damage}"
            );
        }
        assert!(
            store.reset_cursor(&name("leads")).expect("by order"),
            "{damage}"
        );
        assert_eq!(store.cursor(&name("leads")).expect("gone"), None);
    }
}

#[test]
fn s18_a_cursor_of_the_wrong_type_is_refused() {
    let subject = Sqlite::new();
    let store = filled(&subject).store;
    // Only a table without types can hold such a value.
    tamper(
        &subject,
        "CREATE TABLE loose AS SELECT * FROM cursors; DROP TABLE cursors;
         ALTER TABLE loose RENAME TO cursors; UPDATE cursors SET stamp = 'soon';",
    );
    let error = store.cursor(&name("leads")).expect_err("no number");
    assert_eq!(error.code(), Code::CursorCorrupt);
}

#[test]
fn x31_a_stored_text_that_is_no_json_is_named_and_harms_nothing_else() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let texts = [
        "",
        "{",
        "[]",
        "{\"a\":NaN}",
        "{\"a\":1}x",
        "{\"a\":\"\\ud800\"}",
        &deep,
    ];
    for text in texts {
        let subject = Sqlite::new();
        let run = filled(&subject);
        run.deliver(2, &[profile("ok", json!({}))]);
        let shown = &text[..text.len().min(20)];
        tamper(
            &subject,
            &format!("UPDATE profiles SET attributes = '{text}' WHERE key = 'a'"),
        );
        tamper(
            &subject,
            &format!("UPDATE dead_letters SET payload = '{text}x'"),
        );
        let error = run.store.profile("a").expect_err(shown);
        assert_eq!(error.code(), Code::StoreCorrupt, "{shown}");
        assert!(error.message().contains("profile `a`"), "{error}");
        let error = run
            .store
            .dead_letters(&LetterFilter::default())
            .expect_err(shown);
        assert_eq!(error.code(), Code::StoreCorrupt, "{shown}");
        assert!(run.store.profile("ok").expect("read").is_some());
    }
}

#[test]
fn x31_a_key_that_stands_twice_in_a_stored_text_counts_as_its_last() {
    let subject = Sqlite::new();
    let run = filled(&subject);
    tamper(
        &subject,
        "UPDATE profiles SET attributes = '{\"a\":1,\"a\":2}'",
    );
    let found = run.store.profile("a").expect("read").expect("stored");
    assert_eq!(found.profile.attributes["a"], json!(2));
    let committed = run.deliver(2, &[profile("a", json!({ "a": 2 }))]);
    assert_eq!(committed.delta.unchanged, 1);
}

#[test]
fn a_row_that_no_version_writes_is_corrupt() {
    for (damage, table) in [
        ("UPDATE runs SET fingerprint = 'xyz'", "runs"),
        ("UPDATE runs SET pipeline = 'Not A Name'", "runs"),
        ("UPDATE runs SET state = 'odd', finished_at = 1", "runs"),
        ("UPDATE runs SET read = -1", "runs"),
        ("UPDATE runs SET started_at = 9223372036854775807", "runs"),
        ("UPDATE runs SET warnings = '{}'", "runs"),
        (
            "UPDATE runs SET error_code = 'no-such-code', error_message = 'x'",
            "runs",
        ),
        ("UPDATE dead_letters SET run_id = 'x'", "letters"),
        ("UPDATE dead_letters SET code = 'no-such-code'", "letters"),
        ("UPDATE dead_letters SET attempts = -1", "letters"),
        (
            "UPDATE dead_letters SET at = 9223372036854775807",
            "letters",
        ),
    ] {
        let subject = Sqlite::new();
        let store = filled(&subject).store;
        tamper(&subject, damage);
        let error = match table {
            "runs" => store.runs(&RunFilter::default()).map(drop),
            _ => store.dead_letters(&LetterFilter::default()).map(drop),
        };
        assert_eq!(
            error.expect_err(damage).code(),
            Code::StoreCorrupt,
            "{damage}"
        );
    }
}

#[test]
fn a_record_of_bridged_that_no_version_writes_is_corrupt() {
    type Read<'r> = &'r dyn Fn(&dyn Store) -> Result<(), Error>;
    let leads = name("leads");
    let read: [(&str, Read<'_>); 8] = [
        ("UPDATE outcomes SET fields = '[]'", &|store| {
            store.outcome("o").map(drop)
        }),
        ("UPDATE outcomes SET fields = '{\"a\":NaN}'", &|store| {
            store.changed_outcomes(0, 9, 9).map(drop)
        }),
        (
            "UPDATE outcomes SET occurred_at = 9223372036854775807",
            &|store| store.outcomes_of("a", 9).map(drop),
        ),
        ("UPDATE engagements SET kind = 'seen'", &|store| {
            store.engagement(&["a"], at(1)).map(drop)
        }),
        (
            "UPDATE engagements SET at = -9223372036854775808",
            &|store| store.engagements_of("a", 9).map(drop),
        ),
        ("UPDATE scores SET reasons = '{}'", &|store| {
            store.scores_of("a").map(drop)
        }),
        ("UPDATE acknowledgements SET digest = x'00'", &|store| {
            store.acknowledged(&leads, "lead", &["a"]).map(drop)
        }),
        ("UPDATE applied_plans SET run_id = 'x'", &|store| {
            store.applied("plan").map(drop)
        }),
    ];
    for (damage, read) in read {
        let subject = Sqlite::new();
        let run = filled(&subject);
        let store = &*run.store;
        fill_own_records(&run);
        read(store).expect(damage);
        tamper(&subject, damage);
        let error = read(store).expect_err(damage);
        assert_eq!(error.code(), Code::StoreCorrupt, "{damage}: {error}");
    }
}

#[test]
fn s18_a_change_cursor_that_cannot_be_one_is_refused_and_not_reset() {
    for damage in ["change = -1", "source_hash = ''", "source_hash = 'a b'"] {
        let subject = Sqlite::new();
        let run = filled(&subject);
        fill_own_records(&run);
        tamper(&subject, &format!("UPDATE change_cursors SET {damage}"));
        for _ in 0..2 {
            let error = run.store.change_cursor(&name("leads")).expect_err(damage);
            assert_eq!(error.code(), Code::CursorCorrupt, "{damage}");
        }
        assert!(run.store.reset_cursor(&name("leads")).expect("by order"));
        assert_eq!(run.store.change_cursor(&name("leads")).expect("gone"), None);
    }
}

/// A row in each table of the second layout.
fn fill_own_records(run: &Open) {
    let store = &run.store;
    store
        .import_outcomes(&[outcome("o", "a", 1)], at(1))
        .expect("an outcome");
    let event = engagement("e", "a", EngagementKind::Sent, 1);
    store.import_engagements(&[event], at(1)).expect("an event");
    let scores = [("a".to_owned(), score(1))];
    let acknowledged = [Acknowledgement {
        target: "lead".to_owned(),
        key: "a".to_owned(),
        digest: [1; 32],
        salesforce_id: None,
        fields: None,
    }];
    let position = ChangeCursor {
        source_hash: "h".to_owned(),
        change: 1,
    };
    let commit = Commit {
        scores: &scores,
        acknowledged: &acknowledged,
        change_cursor: Some(&position),
        ..run.empty(1)
    };
    store.commit(&commit).expect("the commit");
    let applied = Applied {
        digest: "plan".to_owned(),
        pipeline: name("leads"),
        run_id: run.run.run_id,
        begun_at: at(1),
        finished_at: None,
    };
    store.put_applied(&applied).expect("a plan");
}

#[test]
fn a_file_that_is_cut_off_is_corrupt_and_left_as_it_is() {
    let subject = Sqlite::new();
    drop(filled(&subject));
    let path = path(&subject);
    let whole = fs::read(&path).expect("read");
    for keep in [whole.len() - 1, whole.len() / 2, PAGE, 100] {
        fs::write(&path, &whole[..keep]).expect("cut");
        let error = SqliteStore::open(&path, &Options::default()).expect_err("cut off");
        assert_eq!(error.code(), Code::StoreCorrupt, "{keep} bytes: {error}");
        assert_eq!(fs::read(&path).expect("read"), whole[..keep]);
    }
    fs::write(&path, &whole).expect("restored");
    let store = SqliteStore::open(&path, &Options::default()).expect("whole again");
    assert_eq!(store.profile_count().expect("count"), 1);
}

/// Everything a store can be asked for, as one text.
fn everything(store: &dyn Store) -> Result<String, Error> {
    Ok(format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        store.profiles(None, 10)?,
        store.profiles_by_phone("+14155550100")?,
        store.profile_count()?,
        store.runs(&RunFilter::default())?,
        store.dead_letters(&LetterFilter::default())?,
        store.cursor(&name("leads"))?,
    ))
}

#[test]
fn a_page_that_is_overwritten_is_an_error_or_was_not_needed() {
    let subject = Sqlite::new();
    let before = everything(&*filled(&subject).store).expect("whole");
    let path = path(&subject);
    let whole = fs::read(&path).expect("read");
    let mut noticed = 0;
    for page in 0..whole.len() / PAGE {
        let mut bytes = whole.clone();
        // The header of the first page stays: without it the file is no database at all.
        let start = (page * PAGE).max(100);
        bytes[start..(page + 1) * PAGE].fill(0xa5);
        fs::write(&path, bytes).expect("overwritten");
        let read =
            SqliteStore::open(&path, &Options::default()).and_then(|store| everything(&store));
        match read {
            Ok(text) => assert_eq!(text, before, "page {page}"),
            Err(error) => {
                assert_eq!(error.code(), Code::StoreCorrupt, "page {page}: {error}");
                assert!(error.help_text().expect("help").contains("backup"));
                noticed += 1;
            }
        }
    }
    assert!(noticed >= 5, "{noticed} pages were noticed");
}

#[test]
fn a_table_that_is_gone_fails_the_statement_and_the_commit_with_it() {
    let subject = Sqlite::new();
    let run = filled(&subject);
    tamper(&subject, "DROP TABLE cursors");
    let position = cursor(5);
    let profiles = [profile("new", json!({}))];
    let commit = Commit {
        at: at(5),
        profiles: &incoming(&profiles),
        ledger: super::sample::read(1),
        cursor: Some(&position),
        ..run.empty(5)
    };
    let error = run.store.commit(&commit).expect_err("no table");
    assert_eq!(error.code(), Code::StoreFailed);
    assert_eq!(run.store.profile("new").expect("read"), None);
}

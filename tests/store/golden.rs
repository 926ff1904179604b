//! The layout and an old database file, kept as goldens: what earlier versions wrote stays readable.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bridged::foundation::code::Code;
use bridged::foundation::event::{ChangeCursor, Cursor, Ledger, Requests, RunReport, RunState};
use bridged::foundation::id::RunId;
use bridged::foundation::record::EngagementKind;
use bridged::store::Store;
use bridged::store::model::{
    Acknowledgement, Applied, CachedDescribe, Card, CardChange, Closed, Commit, ConnectionChange,
    LetterFilter, NewRun, RunFilter,
};
use bridged::store::sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::golden::{assert_golden, folder};

use super::child::command;
use super::sample::{
    Open, at, audited, card, cursor, engagement, fingerprint, incoming, name, object, outcome,
    profile, score, sealed,
};

#[test]
fn the_layout_is_the_one_in_the_golden() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    drop(SqliteStore::open(&path, &Options::default()).expect("opens"));
    let raw = Connection::open(&path).expect("raw");
    let mut statement = raw
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
        .expect("the schema");
    let texts = statement
        .query_map([], |row| row.get::<_, String>(0))
        .expect("the schema");
    let mut layout = String::new();
    for text in texts {
        writeln!(layout, "{};", text.expect("text")).expect("written");
    }
    for pragma in ["application_id", "user_version", "page_size"] {
        let value: i64 = raw
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
            .expect("a number");
        writeln!(layout, "PRAGMA {pragma} = {value};").expect("written");
    }
    assert_golden("store/layout.sql", &layout);
}

/// Every version's file is kept and never rewritten; this writes the one of the newest layout where it is missing.
#[test]
fn every_old_file_opens_and_reads_back_whole() {
    let newest = folder().join("store/v6.db");
    if !newest.exists() && std::env::var_os("UPDATE_GOLDENS").is_some() {
        write_file(&newest);
    }
    for version in ["v1", "v2", "v3", "v4", "v5", "v6"] {
        let dir = tempfile::tempdir().expect("folder");
        let path = copy(version, dir.path());
        let store = SqliteStore::open(&path, &Options::default()).expect("opens");
        assert_golden(&format!("store/{version}.txt"), &everything(&store));
    }
}

/// The old file of a version, where a child opens its store.
fn copy(version: &str, dir: &Path) -> PathBuf {
    let path = dir.join("state/bridged.db");
    fs::create_dir_all(dir.join("state")).expect("folder");
    fs::copy(folder().join(format!("store/{version}.db")), &path).expect("the old file");
    path
}

fn version(path: &Path) -> i64 {
    let raw = Connection::open(path).expect("raw");
    raw.query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a number")
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn r09_an_old_file_whose_change_of_layout_is_interrupted_loses_nothing() {
    for (old, failpoint, left) in [
        ("v1", "store-before-migration", 1),
        ("v1", "store-mid-migration", 1),
        ("v1", "store-after-migration", 2),
        ("v1", "store-mid-migration@2", 2),
        ("v1", "store-after-migration@2", 3),
        ("v2", "store-before-migration", 2),
        ("v2", "store-mid-migration", 2),
        ("v2", "store-after-migration", 3),
        ("v3", "store-mid-migration", 3),
        ("v3", "store-after-migration", 4),
        ("v5", "store-mid-migration", 5),
        ("v5", "store-after-migration", 6),
    ] {
        let dir = tempfile::tempdir().expect("folder");
        let path = copy(old, dir.path());
        let output = command("open", dir.path())
            .env("BRIDGED_FAILPOINT", failpoint)
            .output()
            .expect("the child ran");
        assert_eq!(output.status.code(), None, "{failpoint}: {output:?}");
        assert_eq!(version(&path), left, "{failpoint}");
        let store = SqliteStore::open(&path, &Options::default()).expect("opens");
        assert_golden(&format!("store/{old}.txt"), &everything(&store));
    }
}

#[test]
fn of_several_letters_of_one_record_the_newest_stays_open() {
    let dir = tempfile::tempdir().expect("folder");
    let path = copy("v1", dir.path());
    let raw = Connection::open(&path).expect("raw");
    for (pipeline, key) in [
        ("leads", "a"),
        ("tasks", "a"),
        ("leads", "a"),
        ("leads", ""),
        ("leads", ""),
    ] {
        raw.execute(
            "INSERT INTO dead_letters (run_id, pipeline, fingerprint, step, key, code, message,
                attempts, at, payload)
             SELECT run_id, ?1, fingerprint, step, ?2, code, 'later', 1, at, payload
             FROM dead_letters WHERE id = 1",
            [pipeline, key],
        )
        .expect("a letter of the first layout");
    }
    drop(raw);
    let store = SqliteStore::open(&path, &Options::default()).expect("opens");
    let ids = |closed| -> Vec<i64> {
        let filter = LetterFilter {
            closed,
            ..LetterFilter::default()
        };
        let found = store.dead_letters(&filter).expect("letters");
        found.into_iter().map(|row| row.id).collect()
    };
    assert_eq!(ids(false), [7, 6, 5, 4, 2]);
    assert_eq!(ids(true), [7, 6, 5, 4, 3, 2, 1], "none is lost");
    for id in [1, 3] {
        let row = store.dead_letter(id).expect("read").expect("kept");
        assert_eq!(row.closed, Some((Closed::Replaced, row.letter.at)));
    }
}

#[test]
fn an_old_files_profiles_are_numbered_and_the_next_change_stands_behind_them() {
    let dir = tempfile::tempdir().expect("folder");
    let path = copy("v1", dir.path());
    let store = SqliteStore::open(&path, &Options::default()).expect("opens");
    let changed = |after| -> Vec<(u64, String)> {
        let found = store.changed_profiles(after, u64::MAX, 9).expect("list");
        let each = found.into_iter();
        each.map(|one| (one.change, one.record.profile.key))
            .collect()
    };
    assert_eq!(changed(0), [(1, "ada".to_owned()), (2, "bare".to_owned())]);
    assert_eq!(store.newest_change().expect("the counter"), 2);
    let new = [profile("new", json!({}))];
    store.import_profiles(&new, at(9)).expect("imported");
    assert_eq!(changed(2), [(3, "new".to_owned())]);
}

/// All that the store holds, as text.
fn everything(store: &dyn Store) -> String {
    let mut text = String::new();
    let mut add = |what: &str, value: &dyn std::fmt::Debug| {
        writeln!(text, "# {what}\n{value:#?}\n").expect("written");
    };
    add("profiles", &store.profiles(None, 100).expect("profiles"));
    add(
        "phone",
        &store
            .profiles_by_phone("+14155550100")
            .expect("by phone")
            .len(),
    );
    add(
        "email",
        &store
            .profiles_by_email("ada@example.com")
            .expect("by email")
            .len(),
    );
    add("count", &store.profile_count().expect("count"));
    add("runs", &store.runs(&RunFilter::default()).expect("runs"));
    add(
        "letters",
        &store
            .dead_letters(&LetterFilter::default())
            .expect("letters"),
    );
    add("cursor", &store.cursor(&name("leads")).expect("cursor"));
    add(
        "describe",
        &store.describe("salesforce", "lead").expect("describe"),
    );
    text + &own_records(store) + &connections(store)
}

/// The same for what the third layout brought.
fn connections(store: &dyn Store) -> String {
    let mut text = String::new();
    let mut add = |what: &str, value: &dyn std::fmt::Debug| {
        writeln!(text, "# {what}\n{value:#?}\n").expect("written");
    };
    add("sealed", &store.sealed_after(None, 100).expect("sealed"));
    add("cards", &store.cards().expect("cards"));
    add("audit", &store.audit(0, 100).expect("audit"));
    add("head", &store.audit_head().expect("head"));
    text
}

/// The same for what the second layout brought.
fn own_records(store: &dyn Store) -> String {
    let mut text = String::new();
    let mut add = |what: &str, value: &dyn std::fmt::Debug| {
        writeln!(text, "# {what}\n{value:#?}\n").expect("written");
    };
    add("change", &store.newest_change().expect("change"));
    add(
        "changed profiles",
        &store
            .changed_profiles(0, u64::MAX, 100)
            .expect("profiles")
            .into_iter()
            .map(|one| (one.change, one.record.profile.key))
            .collect::<Vec<_>>(),
    );
    add(
        "changed outcomes",
        &store.changed_outcomes(0, u64::MAX, 100).expect("outcomes"),
    );
    add(
        "change cursor",
        &store.change_cursor(&name("leads")).expect("cursor"),
    );
    add(
        "engagements",
        &store.engagements_of("ada", 100).expect("engagements"),
    );
    add(
        "acknowledged",
        &store
            .acknowledged(&name("leads"), "lead", &["ada", "bare"])
            .expect("acknowledged"),
    );
    add("scores", &store.scores_of("ada").expect("scores"));
    add("applied", &store.applied("a-plan").expect("applied"));
    add(
        "closed letters",
        &store
            .dead_letters(&LetterFilter {
                closed: true,
                ..LetterFilter::default()
            })
            .expect("letters")
            .into_iter()
            .map(|row| (row.id, row.letter.key, row.closed))
            .collect::<Vec<_>>(),
    );
    text
}

/// Fills every column of every table at least once with a value and, where it may, with none.
fn write_file(golden: &Path) {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    let store: std::sync::Arc<dyn Store> =
        std::sync::Arc::new(SqliteStore::open(&path, &Options::default()).expect("opens"));
    for (id, whole) in [
        ("01890000-0000-7000-8000-000000000001", true),
        ("01890000-0000-7000-8000-000000000002", false),
    ] {
        let lock = store.lock_pipeline(&name("leads")).expect("free");
        let run = NewRun {
            run_id: RunId::parse(id).expect("an id"),
            pipeline: name("leads"),
            fingerprint: fingerprint(),
            started_at: at(0),
        };
        store.begin_run(&lock, &run).expect("begins");
        let open = Open {
            store: store.clone(),
            run,
            crashed: Vec::new(),
            lock,
        };
        if whole {
            fill(&open);
        }
    }
    drop(store);
    let raw = Connection::open(&path).expect("raw");
    raw.execute_batch("UPDATE runs SET pid = 4242; PRAGMA journal_mode = DELETE; VACUUM;")
        .expect("one small file");
    drop(raw);
    fs::create_dir_all(golden.parent().expect("a folder")).expect("folder");
    fs::copy(&path, golden).expect("kept");
}

fn fill_own_records(store: &dyn Store) {
    let outcomes = [outcome("o1", "ada", 1), outcome("o2", "nobody", 2)];
    store.import_outcomes(&outcomes, at(4)).expect("outcomes");
    let mut sent = engagement("e1", "ada", EngagementKind::Sent, 1);
    sent.campaign = Some("spring".to_owned());
    let events = [
        sent,
        engagement("e2", "ada", EngagementKind::OptedOut, 2),
        engagement("e3", "ada", EngagementKind::OptedIn, 3),
    ];
    store.import_engagements(&events, at(4)).expect("events");
    for finished_at in [None, Some(at(6))] {
        let applied = Applied {
            digest: "a-plan".to_owned(),
            pipeline: name("leads"),
            run_id: RunId::parse("01890000-0000-7000-8000-000000000001").expect("an id"),
            begun_at: at(5),
            finished_at,
        };
        store.put_applied(&applied).expect("put");
    }
}

fn fill_connections(store: &dyn Store) {
    for (name, card) in [
        ("salesforce", card("salesforce")),
        ("bare", Card::new("bare", "api_key", at(8))),
    ] {
        let change = ConnectionChange {
            connection: name,
            put: &[
                sealed(name, "consumer_key", 1),
                sealed(name, "refresh_token", 2),
            ],
            remove: &[],
            card: Some(CardChange::Put(&card)),
            audit: Some(&audited(name, 9)),
        };
        store.change_connection(&change).expect("changed");
    }
}

fn fill(open: &Open) {
    let mut ada = profile(
        "ada",
        json!({ "phone": "+14155550100", "email": "Ada@example.com", "n": 0.5, "none": null }),
    );
    ada.consent = object(json!({ "whatsapp": true }));
    let mut bare = profile("bare", Value::Object(serde_json::Map::new()));
    bare.salesforce_id = None;
    bare.object = None;
    bare.deleted = true;
    let profiles = [ada, bare];
    let mut letter = open.letter("b", Code::Interrupted, 2);
    letter.reason.field = None;
    letter.reason.remote_code = None;
    let letters = [open.letter("a", Code::Interrupted, 1), letter];
    let position = cursor(3);
    let position_of_own = ChangeCursor {
        source_hash: "4567cdef".to_owned(),
        change: 2,
    };
    let mut plain = score(0);
    plain.grade = None;
    let scores = [("ada".to_owned(), score(70)), ("bare".to_owned(), plain)];
    let acknowledged = [("ada", Some("x")), ("bare", None)].map(|(key, text)| Acknowledgement {
        target: "lead".to_owned(),
        key: key.to_owned(),
        digest: [7; 32],
        salesforce_id: text.map(str::to_owned),
        fields: text.map(str::to_owned),
    });
    let commit = Commit {
        profiles: &incoming(&profiles),
        scores: &scores,
        acknowledged: &acknowledged,
        dead_letters: &letters,
        ledger: Ledger {
            read: 17,
            filtered: 3,
            suppressed: 4,
            rejected: 2,
            unknown: 6,
            ..Ledger::default()
        },
        cursor: Some(&position),
        change_cursor: Some(&position_of_own),
        ..open.empty(3)
    };
    let total = open.store.commit(&commit).expect("the commit").total;
    fill_own_records(&*open.store);
    fill_connections(&*open.store);
    open.store
        .close_letters(&[1], Closed::Gone, at(5))
        .expect("closed");
    finish(open, total, (position, position_of_own));
}

fn finish(open: &Open, total: Ledger, (position, of_own): (Cursor, ChangeCursor)) {
    let report = RunReport {
        state: RunState::Partial,
        ledger: Ledger {
            read: total.read + 7,
            pending: 7,
            ..total
        },
        requests: Requests {
            query: 1,
            write: 2,
            auth: 3,
            other: 4,
        },
        api_calls: 5,
        cursor: Some(position),
        change_cursor: Some(of_own),
        error: Some((Code::Interrupted, "stopped".to_owned())),
        warnings: vec!["a warning".to_owned()],
        ..open.report(total)
    };
    open.store.finish_run(&report).expect("the end");
    let describe = CachedDescribe {
        body: "{}".to_owned(),
        last_modified: Some("Wed, 01 Jul 2026 00:00:00 GMT".to_owned()),
        fetched_at: at(4),
    };
    open.store
        .put_describe("salesforce", "Lead", &describe)
        .expect("put");
}

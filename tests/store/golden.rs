//! The layout and an old database file, kept as goldens: what earlier versions wrote stays readable.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, Requests, RunReport, RunState};
use bridged::foundation::id::RunId;
use bridged::store::Store;
use bridged::store::model::{CachedDescribe, Commit, LetterFilter, NewRun, RunFilter};
use bridged::store::sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::golden::{assert_golden, folder};

use super::sample::{Open, at, cursor, fingerprint, incoming, name, object, profile};

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
    let golden = folder().join("store/v1.db");
    if !golden.exists() && std::env::var_os("UPDATE_GOLDENS").is_some() {
        write_file(&golden);
    }
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    fs::copy(&golden, &path).expect("the old file");
    let store = SqliteStore::open(&path, &Options::default()).expect("opens");
    assert_golden("store/v1.txt", &everything(&store));
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
    let commit = Commit {
        profiles: &incoming(&profiles),
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
        ..open.empty(3)
    };
    let total = open.store.commit(&commit).expect("the commit").total;
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

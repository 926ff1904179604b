//! The audit log under attack: whoever edits the file is found, at the first entry that is not as it was written.

use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::store::Store;
use bridged::store::audit::{Verified, verify};
use bridged::store::model::{AuditAction, AuditEntry, NewAudit, parse_hash};
use rusqlite::{Connection, params};
use serde_json::json;

use crate::store::sample::{Sqlite, Subject, audited, object};

/// How many entries a filled log has.
const ENTRIES: u64 = 7;

/// A log of seven entries in a file.
fn filled() -> (Sqlite, Arc<dyn Store>) {
    let subject = Sqlite::new();
    let store = subject.open();
    for number in 1..=ENTRIES {
        let action = AuditAction::ALL[number as usize % AuditAction::ALL.len()];
        let new = NewAudit {
            action,
            details: object(json!({ "number": number })),
            ..audited("salesforce", number.cast_signed())
        };
        store.append_audit(&new).expect("appended");
    }
    assert_eq!(verify(&*store, None).expect("read").broken, None);
    (subject, store)
}

/// The file, open to somebody who knows SQLite.
fn raw(subject: &Sqlite) -> Connection {
    Connection::open(subject.0.path().join("state/bridged.db")).expect("raw")
}

/// The same without the triggers that keep the log append-only.
fn unguarded(subject: &Sqlite) -> Connection {
    let raw = raw(subject);
    let names: Vec<String> = raw
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut all| all.query_map([], |row| row.get(0))?.collect())
        .expect("the triggers");
    assert_eq!(names.len(), 6);
    for name in names {
        raw.execute_batch(&format!("DROP TRIGGER {name}"))
            .expect("dropped");
    }
    raw
}

/// Which entry is named as the first bad one, after this was done to the file.
#[track_caller]
fn named(attack: impl FnOnce(&Connection, &Arc<dyn Store>)) -> Verified {
    let (subject, store) = filled();
    attack(&unguarded(&subject), &store);
    verify(&*subject.open(), None).expect("read")
}

#[track_caller]
fn assert_named(seq: u64, why: &str, what: &str, attack: impl FnOnce(&Connection)) {
    let found = named(|raw, _| attack(raw));
    let broken = found.broken.unwrap_or_else(|| panic!("{what}: not found"));
    assert_eq!((broken.seq, broken.why), (seq, why), "{what}");
    assert_eq!(
        found.good,
        seq.min(ENTRIES + 1) - 1,
        "{what}: all before it are good"
    );
    let error = broken.error();
    assert_eq!(error.code(), Code::AuditBroken);
    assert!(
        error.message().contains(&format!("entry {seq} ")),
        "{error}"
    );
}

fn execute(raw: &Connection, sql: &str) {
    raw.execute_batch(sql).expect(sql);
}

#[test]
fn x37_an_entry_that_was_deleted_is_named() {
    for seq in 1..=ENTRIES {
        assert_named(seq, "is missing", "deleted", |raw| {
            execute(raw, &format!("DELETE FROM audit_entries WHERE seq = {seq}"));
        });
    }
    // Also where the later ones move up to fill the gap.
    for seq in 1..ENTRIES {
        assert_named(seq, "was changed", "closed gap", |raw| {
            execute(
                raw,
                &format!(
                    "DELETE FROM audit_entries WHERE seq = {seq};
                     UPDATE audit_entries SET seq = seq - 1 WHERE seq > {seq}"
                ),
            );
        });
    }
}

#[test]
fn i18_x37_an_entry_that_was_edited_is_named() {
    let edits = [
        "at = at + 1",
        "at = 9223372036854775807",
        "action = 'revoked!'",
        "subject = 'Salesforce'",
        "subject = CAST(x'ff' AS TEXT)",
        "actor = actor || ' '",
        "details = replace(details, ':', ': ')",
        "details = ''",
        "hash = zeroblob(32)",
        "previous = randomblob(32)",
    ];
    for edit in edits {
        for seq in [1, 4, ENTRIES] {
            assert_named(seq, "was changed", edit, |raw| {
                execute(
                    raw,
                    &format!("UPDATE audit_entries SET {edit} WHERE seq = {seq}"),
                );
            });
        }
    }
}

#[test]
fn x37_entries_that_changed_places_are_named() {
    for (one, two) in [(1, 2), (3, 4), (2, 6), (6, 7), (1, 7)] {
        assert_named(one, "was changed", "swapped", |raw| {
            execute(
                raw,
                &format!(
                    "UPDATE audit_entries SET seq = 100 WHERE seq = {one};
                     UPDATE audit_entries SET seq = {one} WHERE seq = {two};
                     UPDATE audit_entries SET seq = {two} WHERE seq = 100"
                ),
            );
        });
    }
}

#[test]
fn x37_a_log_that_was_cut_off_is_named_at_the_cut() {
    for kept in 0..ENTRIES {
        assert_named(kept + 1, "is missing", "cut off", |raw| {
            execute(
                raw,
                &format!("DELETE FROM audit_entries WHERE seq > {kept}"),
            );
        });
    }
}

#[test]
fn x37_a_head_that_was_moved_or_removed_is_named() {
    assert_named(
        ENTRIES,
        "is the last one, and the head of the log is missing",
        "no head",
        |raw| {
            execute(raw, "DELETE FROM audit_head");
        },
    );
    assert_named(
        ENTRIES,
        "is not the one that the head names",
        "another hash",
        |raw| {
            execute(raw, "UPDATE audit_head SET hash = zeroblob(32)");
        },
    );
    let found = named(|raw, _| execute(raw, "UPDATE audit_head SET count = 4"));
    let broken = found.broken.expect("found");
    assert_eq!((broken.seq, broken.why), (5, "is not known to the head"));
    assert_named(
        ENTRIES + 1,
        "is missing",
        "a head that counts more",
        |raw| {
            execute(raw, "UPDATE audit_head SET count = 9");
        },
    );
}

/// Puts an entry, with whatever hash it has, in the place of the one with its number.
fn rewrite(raw: &Connection, entry: &AuditEntry) {
    raw.execute(
        "UPDATE audit_entries SET actor = ?2, previous = ?3, hash = ?4 WHERE seq = ?1",
        params![
            entry.seq.cast_signed(),
            entry.actor,
            entry.previous,
            entry.hash
        ],
    )
    .expect("rewritten");
}

#[test]
fn x37_an_edited_entry_with_a_new_hash_is_found_by_the_one_behind_it() {
    for seq in 1..=ENTRIES {
        let found = named(|raw, store| {
            let mut entry = store.audit(seq - 1, 1).expect("read").remove(0);
            entry.actor = "nobody".to_owned();
            entry.hash = entry.digest();
            rewrite(raw, &entry);
        });
        let broken = found.broken.expect("found");
        let expected = if seq < ENTRIES {
            (seq + 1, "does not follow the entry before it")
        } else {
            (seq, "is not the one that the head names")
        };
        assert_eq!((broken.seq, broken.why), expected);
    }
}

#[test]
fn x37_a_log_that_was_written_anew_is_found_by_a_hash_noted_elsewhere() {
    let (subject, store) = filled();
    let noted = store.audit_head().expect("read").expect("a head").hash;
    let early = store.audit(2, 1).expect("read").remove(0).hash;
    for (expected, at) in [(noted, ENTRIES), (early, 3)] {
        let found = verify(&*store, Some(expected)).expect("read");
        assert_eq!((found.broken, found.expected_at), (None, Some(at)));
    }
    // The log grows behind a hash that was noted, and still leads to it.
    store.append_audit(&audited("later", 9)).expect("appended");
    let found = verify(&*store, Some(noted)).expect("read");
    assert_eq!(
        (found.good, found.expected_at),
        (ENTRIES + 1, Some(ENTRIES))
    );

    let raw = unguarded(&subject);
    let mut previous = [0; 32];
    for mut entry in store.audit(0, 100).expect("read") {
        if entry.seq == 3 {
            entry.actor = "nobody".to_owned();
        }
        entry.previous = previous;
        entry.hash = entry.digest();
        previous = entry.hash;
        rewrite(&raw, &entry);
    }
    raw.execute("UPDATE audit_head SET hash = ?1", params![previous])
        .expect("rewritten");
    let found = verify(&*store, None).expect("read");
    assert_eq!(found.broken, None, "the file alone cannot tell");
    for expected in [noted, early] {
        let broken = verify(&*store, Some(expected)).expect("read").broken;
        let broken = broken.expect("a noted hash tells");
        assert_eq!(broken.seq, ENTRIES + 2);
        let error = broken.error();
        assert_eq!(error.code(), Code::AuditBroken);
        assert!(error.message().contains("none of its 8 entries"), "{error}");
    }
}

#[test]
fn x37_the_log_goes_on_behind_damage_and_keeps_it() {
    for (sql, seq) in [
        ("DELETE FROM audit_entries WHERE seq > 4", 5),
        ("DELETE FROM audit_entries WHERE seq = 2", 2),
        ("UPDATE audit_head SET count = 3", 4),
        (
            "DELETE FROM audit_entries WHERE seq = 2; DELETE FROM audit_head",
            2,
        ),
    ] {
        let (subject, store) = filled();
        execute(&unguarded(&subject), sql);
        let entry = store.append_audit(&audited("after", 50)).expect("appended");
        assert_eq!(entry.seq, ENTRIES + 1, "{sql}");
        let found = verify(&*store, None).expect("read");
        if sql.contains("count = 3") {
            // The head was moved, and moved on: every entry is there and follows the one before.
            assert_eq!(found.broken, None, "{sql}");
        } else {
            assert_eq!(found.broken.expect("still there").seq, seq, "{sql}");
        }
    }
}

#[test]
fn x37_the_file_itself_refuses_to_change_the_log() {
    let (subject, store) = filled();
    let raw = raw(&subject);
    let columns = "seq, at, action, subject, actor, details, previous, hash";
    for sql in [
        "UPDATE audit_entries SET actor = 'nobody' WHERE seq = 3".to_owned(),
        "UPDATE audit_entries SET seq = 100 WHERE seq = 7".to_owned(),
        "DELETE FROM audit_entries WHERE seq = 7".to_owned(),
        "DELETE FROM audit_entries".to_owned(),
        format!(
            "INSERT OR REPLACE INTO audit_entries ({columns}) SELECT {columns} FROM audit_entries WHERE seq = 3"
        ),
        "DELETE FROM audit_head".to_owned(),
        "UPDATE audit_head SET count = 3".to_owned(),
        "UPDATE audit_head SET hash = zeroblob(32)".to_owned(),
        "INSERT OR REPLACE INTO audit_head VALUES (1, 2, zeroblob(32))".to_owned(),
    ] {
        let error = raw.execute_batch(&sql).expect_err("refused");
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    assert_eq!(verify(&*store, None).expect("read").broken, None);
}

#[test]
fn a_long_log_is_read_in_pages() {
    let subject = crate::store::memory::Memory::new();
    let store = subject.open();
    for number in 0..1_203 {
        store.append_audit(&audited("a", number)).expect("appended");
    }
    let found = verify(&*store, None).expect("read");
    assert_eq!((found.good, found.broken), (1_203, None));
    assert_eq!(found.head, store.audit_head().expect("read"));
}

#[test]
fn i18_entries_of_several_processes_make_one_chain() {
    let subject = Sqlite::new();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let store = subject.open();
            scope.spawn(move || {
                for number in 0..40 {
                    let new = audited(&format!("of {writer}"), number);
                    store.append_audit(&new).expect("appended");
                }
            });
        }
    });
    let found = verify(&*subject.open(), None).expect("read");
    assert_eq!((found.good, found.broken), (120, None));
}

#[test]
fn a_log_is_checked_while_it_is_written() {
    let subject = Sqlite::new();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = subject.open();
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                writer.append_audit(&audited("a", 1)).expect("appended");
            }
        });
        let reader = subject.open();
        for _ in 0..100 {
            assert_eq!(verify(&*reader, None).expect("read").broken, None);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_log_of_an_old_file_is_whole_still() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    std::fs::copy(crate::support::golden::folder().join("store/v3.db"), &path).expect("copied");
    let store = bridged::store::open("sqlite:bridged.db", dir.path()).expect("opens");
    let noted = "bbdbe168f1357f27e93f9f97e8b40cd18567129ea9a60dc7c4c249065103b516";
    let found = verify(&*store, parse_hash(noted)).expect("read");
    assert_eq!((found.good, found.broken), (2, None));
    assert_eq!(found.expected_at, Some(2));
}

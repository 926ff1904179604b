//! The files of a store: who may read them, and what is not taken for one.

use std::fs;
use std::path::Path;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::store::Store;
use bridged::store::sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use serde_json::json;

use super::sample::{Sqlite, Subject, begin, profile};

#[track_caller]
fn refused(path: &Path) -> Error {
    SqliteStore::open(path, &Options::default()).expect_err("refused")
}

/// The folder's files with their contents.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path
                .file_name()
                .expect("name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&path).expect("read"))
        })
        .collect();
    found.sort();
    found
}

#[cfg(unix)]
#[track_caller]
fn assert_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let mut left = vec![folder.to_owned()];
    let mut names = Vec::new();
    while let Some(path) = left.pop() {
        let metadata = fs::metadata(&path).expect("metadata");
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{} has mode {mode:o}", path.display());
        names.push(
            path.file_name()
                .expect("name")
                .to_string_lossy()
                .into_owned(),
        );
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("folder");
            left.extend(entries.map(|entry| entry.expect("entry").path()));
        }
    }
    for expected in [
        "bridged.db",
        "bridged.db-wal",
        "bridged.db-shm",
        "leads.lock",
    ] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} in {names:?}"
        );
    }
}

#[cfg(unix)]
#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn x43_every_file_is_its_owners_alone_under_a_umask_of_000() {
    use super::child::command_after;

    let dir = tempfile::tempdir().expect("folder");
    // The child is killed in the middle, so that its log files stay.
    let output = command_after("umask 000", "load", dir.path())
        .env("BRIDGED_FAILPOINT", "store-after-commit")
        .output()
        .expect("the child ran");
    assert_eq!(output.status.code(), None, "killed: {output:?}");
    assert_private(&dir.path().join("state"));
}

#[cfg(unix)]
#[test]
fn x43_rights_of_others_are_taken_away_from_files_that_exist() {
    use std::os::unix::fs::PermissionsExt;

    let subject = Sqlite::new();
    let store = subject.open();
    drop(begin(&store, "leads").lock);
    let folder = subject.0.path().join("state");
    for name in ["bridged.db", "bridged.db-wal", "bridged.db-shm"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o666)).expect("opened");
    }
    let _second = subject.open();
    assert_private(&folder);
}

#[cfg(unix)]
#[test]
fn x05_a_store_in_a_folder_for_everybody_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("folder");
    let folder = dir.path().join("state");
    fs::create_dir(&folder).expect("folder");
    let path = folder.join("bridged.db");
    let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("set");
    for rights in [0o777, 0o707, 0o702, 0o757] {
        mode(rights);
        let error = refused(&path);
        assert_eq!(error.code(), Code::StoreExposed, "{rights:o}");
        assert!(
            error.message().contains(&format!("{rights:04o}")),
            "{error}"
        );
        assert!(error.help_text().expect("help").contains("chmod o-w"));
        assert!(!path.exists(), "{rights:o}: nothing is made in it");
    }
    for rights in [0o1777, 0o775, 0o770, 0o755, 0o700] {
        mode(rights);
        drop(SqliteStore::open(&path, &Options::default()).expect("opens"));
    }
    mode(0o777);
    assert_eq!(
        refused(&path).code(),
        Code::StoreExposed,
        "a store that is there too"
    );
    mode(0o700);
    let locks = folder.join("bridged.db-locks");
    fs::set_permissions(&locks, fs::Permissions::from_mode(0o777)).expect("set");
    let error = refused(&path);
    assert_eq!(error.code(), Code::StoreExposed, "a lock of theirs");
    assert!(error.message().contains("-locks"), "{error}");
}

#[test]
fn r10_a_later_layout_is_refused_and_untouched() {
    let subject = Sqlite::new();
    drop(subject.open());
    let folder = subject.0.path().join("state");
    let path = folder.join("bridged.db");
    let raw = Connection::open(&path).expect("raw");
    raw.pragma_update(None, "user_version", 99)
        .expect("a later version");
    drop(raw);
    let before = contents(&folder);

    let error = refused(&path);

    assert_eq!(error.code(), Code::StoreNewer);
    assert!(error.message().contains("layout 99"), "{error}");
    assert_eq!(contents(&folder), before);
}

#[test]
fn r10_a_later_layout_that_only_the_log_holds_is_refused_and_untouched() {
    let subject = Sqlite::new();
    drop(subject.open());
    let folder = subject.0.path().join("state");
    let path = folder.join("bridged.db");
    let raw = Connection::open(&path).expect("raw");
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .expect("keeps its log");
    raw.pragma_update(None, "user_version", 99)
        .expect("a later version");
    drop(raw);
    let main = fs::read(&path).expect("read");
    let log = fs::read(folder.join("bridged.db-wal")).expect("read");
    assert!(!log.is_empty());

    let error = refused(&path);

    assert_eq!(error.code(), Code::StoreNewer);
    assert_eq!(fs::read(&path).expect("read"), main);
    assert_eq!(fs::read(folder.join("bridged.db-wal")).expect("read"), log);
}

#[test]
fn what_is_no_database_is_refused_and_untouched() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    for bytes in [
        b"version: 1\n".as_slice(),
        &b"SQLite format 3\0"[..],
        &[0; 4_096],
        b"SQLite format 2\0 and then enough text to be longer than one hundred bytes, which is the length of a header.",
    ] {
        fs::write(&path, bytes).expect("written");
        let before = contents(dir.path());
        let error = refused(&path);
        assert_eq!(error.code(), Code::StoreNotADatabase, "{bytes:?}");
        assert_eq!(contents(dir.path()), before);
    }
}

#[test]
fn another_programs_database_is_refused_and_keeps_its_tables() {
    for marks in [
        "",
        "PRAGMA user_version = 1;",
        "PRAGMA application_id = 252006673;",
    ] {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("bridged.db");
        let raw = Connection::open(&path).expect("raw");
        raw.execute_batch(&format!(
            "{marks} CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);"
        ))
        .expect("their table");
        drop(raw);
        let before = fs::read(&path).expect("read");
        let error = refused(&path);
        assert_eq!(error.code(), Code::StoreNotADatabase, "{marks}");
        assert_eq!(fs::read(&path).expect("read"), before, "{marks}");
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("bridged.db");
    fs::write(&path, "").expect("written");
    let store = SqliteStore::open(&path, &Options::default()).expect("opens");
    assert_eq!(store.profile_count().expect("count"), 0);
}

#[test]
fn a_path_that_cannot_be_a_file_is_unopenable() {
    let dir = tempfile::tempdir().expect("folder");
    fs::write(dir.path().join("file"), "").expect("written");
    for path in ["", "file/bridged.db", "file/deeper/bridged.db"] {
        let error = refused(&dir.path().join(path));
        assert_eq!(error.code(), Code::StoreUnopenable, "{path}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn r07_a_folder_that_is_read_only_makes_the_store_unopenable() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("folder");
    let folder = dir.path().join("closed");
    fs::create_dir(&folder).expect("folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("closed");
    // A superuser may write everywhere but where the kernel itself says no.
    let superuser = fs::write(folder.join("probe"), "").is_ok();
    let path = if superuser {
        Path::new("/proc/1/bridged.db").to_owned()
    } else {
        folder.join("bridged.db")
    };
    let error = refused(&path);
    assert_eq!(error.code(), Code::StoreUnopenable, "{error}");
    assert!(error.help_text().is_some());
}

#[test]
fn a_store_is_named_by_the_project_and_lies_where_it_says() {
    let dir = tempfile::tempdir().expect("folder");
    let absolute = dir.path().join("elsewhere/x.db");
    for (url, path) in [
        (
            "sqlite:a/b/bridged.db".to_owned(),
            dir.path().join("a/b/bridged.db"),
        ),
        (format!("sqlite:{}", absolute.display()), absolute),
    ] {
        let store = bridged::store::open(&url, dir.path()).expect("opens");
        let run = begin(&store, "leads");
        run.deliver(1, &[profile("a", json!({}))]);
        assert!(path.is_file(), "{url}");
    }
    for (url, code) in [
        ("sqlite:../x.db", Code::StoreUrlInvalid),
        ("redis:x", Code::StoreUrlInvalid),
        ("postgres://h/x", Code::StoreNotSupported),
    ] {
        let error = bridged::store::open(url, dir.path()).expect_err("refused");
        assert_eq!(error.code(), code, "{url}");
        assert!(error.help_text().is_some(), "{url}");
    }
}

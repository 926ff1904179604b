//! The file of keys: read only where nobody else can read or replace it.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use bridged::foundation::code::Code;
use bridged::foundation::error::{Error, Result};
use bridged::vault::KeyRing;
use bridged::vault::key::KEY_FILE_VARIABLE;
use tempfile::TempDir;

use super::sample::key;

fn load(path: &Path) -> Result<Option<KeyRing>> {
    KeyRing::load(&|name| (name == KEY_FILE_VARIABLE).then(|| path.display().to_string()))
}

#[track_caller]
fn refused(path: &Path) -> Error {
    let error = load(path).expect_err("refused");
    assert_eq!(error.code(), Code::VaultKeyFileRefused, "{error}");
    assert!(error.help_text().is_some());
    error
}

/// A folder with a file that holds a key.
fn file(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    fs::write(&path, key()).expect("written");
    mode(&path, 0o600);
    (folder, path)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
}

#[test]
fn x05_a_key_file_is_read_with_rights_of_owner_and_group_alone() {
    let (_folder, path) = file("key");
    for rights in [0o600, 0o400, 0o640, 0o440, 0o700, 0o750] {
        mode(&path, rights);
        load(&path).expect("read").expect("a ring");
    }
    for rights in 0..0o1000 {
        let open_to_others = rights & 0o027 != 0;
        if open_to_others {
            mode(&path, rights);
            let error = refused(&path);
            let shown = format!("{rights:04o}");
            assert!(error.message().contains(&shown), "{error}");
            let command = format!("chmod 600 {}", path.display());
            assert!(error.help_text().expect("help").contains(&command));
        }
    }
}

#[test]
fn x05_a_key_file_in_a_folder_for_everybody_is_refused() {
    let (folder, path) = file("key");
    for (rights, good) in [
        (0o777, false),
        (0o702, false),
        (0o1777, true),
        (0o770, true),
        (0o755, true),
    ] {
        mode(folder.path(), rights);
        if good {
            load(&path).expect("read");
        } else {
            let error = refused(&path);
            assert!(
                error.message().contains(&format!("{rights:04o}")),
                "{error}"
            );
            assert!(error.help_text().expect("help").contains("chmod o-w"));
        }
    }
}

#[test]
fn x05_a_link_is_followed_inside_its_folder_alone() {
    // As Kubernetes mounts a secret: key -> ..data/key, and ..data -> a folder that is renewed.
    let folder = tempfile::tempdir().expect("folder");
    let first = folder.path().join("..2027_01_01");
    fs::create_dir(&first).expect("folder");
    fs::write(first.join("key"), key()).expect("written");
    mode(&first.join("key"), 0o440);
    symlink("..2027_01_01", folder.path().join("..data")).expect("link");
    symlink("..data/key", folder.path().join("key")).expect("link");
    load(&folder.path().join("key"))
        .expect("read")
        .expect("a ring");
    mode(&first.join("key"), 0o644);
    refused(&folder.path().join("key"));
    mode(&first.join("key"), 0o440);
    mode(&first, 0o777);
    let error = refused(&folder.path().join("key"));
    assert!(
        error.message().contains("folder"),
        "the file's own folder counts"
    );

    let (_other, outside) = file("key");
    for (name, target) in [
        ("absolute", outside.clone()),
        (
            "relative",
            Path::new("..").join(
                outside
                    .strip_prefix(outside.parent().and_then(Path::parent).expect("a folder"))
                    .expect("below"),
            ),
        ),
    ] {
        let link = folder.path().join(name);
        symlink(&target, &link).expect("link");
        let error = refused(&link);
        assert!(error.message().contains("symbolic link"), "{name}: {error}");
    }
    let nowhere = folder.path().join("nowhere");
    symlink("gone", &nowhere).expect("link");
    refused(&nowhere);
    let round = folder.path().join("round");
    symlink("round", &round).expect("link");
    refused(&round);
}

#[test]
fn x05_what_is_no_file_of_keys_is_refused() {
    let (folder, path) = file("key");
    refused(&folder.path().join("missing"));
    refused(folder.path());
    refused(Path::new("/dev/null"));
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
    refused(&socket);
    for (bytes, what) in [
        (Vec::new(), "empty"),
        (vec![b'\n'; 65_537], "too large"),
        (vec![0xff, 0xfe, b'k'], "no text"),
    ] {
        fs::write(&path, bytes).expect("written");
        let error = refused(&path);
        assert!(error.message().contains("key"), "{what}: {error}");
    }
    // A file of the right form in which no key stands is another error.
    fs::write(&path, "# nothing\n").expect("written");
    let error = load(&path).expect_err("no key");
    assert_eq!(error.code(), Code::VaultKeyInvalid);
    fs::write(&path, format!("{}\n{}", key(), "#".repeat(65_536 - 53))).expect("written");
    load(&path).expect("as large as it may be");
}

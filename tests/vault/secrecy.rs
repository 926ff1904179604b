//! What the vault leaves behind: six planted secrets are looked for in every file and in the memory of a process.

#![cfg(unix)]

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bridged::foundation::secret::Secret;
use bridged::store::model::CardChange;
use bridged::vault::{Change, Field, Vault};
use rusqlite::Connection;

use super::child::{self, KEY_FILE, Stepped};
use super::sample::{key, of_project, put, ring, vault};
use crate::store::sample::{at, audited, card};
use crate::support::binary::command;
use crate::support::project::Project;

/// One of each kind, made anew for each test so that no other process or file can hold it.
fn planted() -> Vec<(Field, String)> {
    let fields = [
        Field::ConsumerKey,
        Field::ConsumerSecret,
        Field::PrivateKey,
        Field::AccessToken,
        Field::RefreshToken,
        Field::WhatsappToken,
    ];
    fields
        .into_iter()
        .map(|field| (field, format!("planted!{}", &key()[4..])))
        .collect()
}

/// A text in every form in which it could lie somewhere, each with a name.
fn forms(text: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("written");
        hex
    });
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect();
    let mut forms = vec![
        ("plain".to_owned(), bytes.to_vec()),
        ("hex".to_owned(), hex.clone().into_bytes()),
        ("HEX".to_owned(), hex.to_uppercase().into_bytes()),
        ("UTF-16LE".to_owned(), wide(u16::to_le_bytes)),
        ("UTF-16BE".to_owned(), wide(u16::to_be_bytes)),
        (
            "backwards".to_owned(),
            bytes.iter().rev().copied().collect(),
        ),
        ("a part".to_owned(), bytes[bytes.len() - 24..].to_vec()),
    ];
    // In base64 a text has three faces, by where in a group of three bytes it begins.
    for shift in 0..3 {
        for (name, engine) in [
            ("base64", &STANDARD_NO_PAD),
            ("base64url", &URL_SAFE_NO_PAD),
        ] {
            let shifted = [vec![0; shift], bytes.to_vec()].concat();
            let encoded = engine.encode(shifted);
            // The first and the last group hold bits of their neighbours.
            let face = encoded.as_bytes()[4..encoded.len() / 4 * 4 - 4].to_vec();
            forms.push((format!("{name} at {shift}"), face));
        }
    }
    forms
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Every file below a folder.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = fs::read(&path).expect("read");
            found.push((path, bytes));
        }
    }
    found
}

/// Puts the secrets with a card and an audit entry, and some of them again, as a refresh does.
fn plant(vault: &Vault, secrets: &[(Field, String)]) {
    let secrets: Vec<(Field, Secret)> = secrets
        .iter()
        .map(|(field, text)| (*field, Secret::new(text.as_str())))
        .collect();
    let put: Vec<(Field, &Secret)> = secrets.iter().map(|(field, one)| (*field, one)).collect();
    let known = card("salesforce");
    for (part, number) in [(&put[..], 1), (&put[2..], 2)] {
        let change = Change {
            connection: "salesforce",
            put: part,
            card: Some(CardChange::Put(&known)),
            audit: Some(audited("salesforce", number)),
            ..Change::default()
        };
        vault.change(&change, at(number)).expect("put");
    }
}

#[test]
fn x01_no_planted_secret_lies_in_the_database_its_log_or_a_backup() {
    let dir = tempfile::tempdir().expect("folder");
    let secrets = planted();
    let (old, new) = (key(), key());
    let store = child::open(dir.path());
    plant(&vault(&store, &[&old]), &secrets);
    let both = vault(&store, &[&new, &old]);
    both.rotate(at(5), "a test").expect("rotated");
    let shown = format!(
        "{both:?} {:?} {:?} {:?} {:?}",
        both.status().expect("the status"),
        both.holds("salesforce").expect("list"),
        both.get("salesforce", Field::AccessToken)
            .expect("it opens"),
        vault(&store, &[&key()]).get("salesforce", Field::AccessToken),
    );
    let raw = Connection::open(dir.path().join("state/bridged.db")).expect("raw");
    let backup = dir.path().join("backup.db");
    raw.execute("VACUUM INTO ?1", [backup.to_string_lossy()])
        .expect("backed up");
    let mut places = contents(dir.path());
    let names: Vec<String> = places
        .iter()
        .map(|(path, _)| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    for expected in [
        "bridged.db",
        "bridged.db-wal",
        "bridged.db-shm",
        "backup.db",
    ] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
    places.push((PathBuf::from("what is shown"), shown.into_bytes()));
    // What may be there is found, in the log and in the backup: the search works.
    let username = b"ada@acme.example";
    let found = places.iter().filter(|(_, bytes)| holds(bytes, username));
    assert!(found.count() >= 2);

    let keys = [&old, &new].map(|key| (Field::AppSecret, key.clone()));
    for (field, text) in secrets.iter().chain(&keys) {
        for (form, part) in forms(text) {
            for (path, bytes) in &places {
                let hit = holds(bytes, &part);
                assert!(!hit, "{} holds the {field} as {form}", path.display());
            }
        }
    }
    // Closing writes the log back into the file, and the file is looked at again.
    drop((both, store, raw));
    for (path, bytes) in contents(dir.path()) {
        for (field, text) in &secrets {
            assert!(
                !holds(&bytes, text.as_bytes()),
                "{}: {field}",
                path.display()
            );
        }
    }
}

#[test]
fn every_form_is_found_where_it_lies() {
    let (_, text) = planted().remove(0);
    let around = |inner: Vec<u8>| [b"xy".to_vec(), inner, b"zz".to_vec()].concat();
    let all = forms(&text);
    for (form, part) in &all {
        assert!(part.len() >= 24, "{form}");
        assert!(holds(&around(part.clone()), part));
    }
    for before in 0..6 {
        let bytes = [vec![7; before], text.clone().into_bytes(), vec![9; 5]].concat();
        for (name, encoded) in [
            ("base64 ", STANDARD_NO_PAD.encode(&bytes)),
            ("base64url ", URL_SAFE_NO_PAD.encode(&bytes)),
        ] {
            let mut faces = all.iter().filter(|(form, _)| form.starts_with(name));
            let found = faces.any(|(_, part)| holds(encoded.as_bytes(), part));
            assert!(found, "{name}behind {before} bytes");
        }
    }
}

/// How often each text lies in the memory of a process that can be written, which is where secrets can be.
#[cfg(target_os = "linux")]
fn in_memory(process: u32, texts: &[&[u8]]) -> Vec<usize> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("its memory map");
    let mut memory = File::open(format!("/proc/{process}/mem")).expect("its memory");
    let mut counts = vec![0; texts.len()];
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').expect("a range");
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').expect("two ends");
        let number = |text| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) = (number(start), number(end));
        let mut bytes = Vec::new();
        let read = memory.seek(SeekFrom::Start(start)).and_then(|_| {
            Read::by_ref(&mut memory)
                .take(end - start)
                .read_to_end(&mut bytes)
        });
        // The kernel keeps some ranges to itself.
        if read.is_err() && bytes.is_empty() {
            continue;
        }
        for (count, text) in counts.iter_mut().zip(texts) {
            *count += occurrences(&bytes, text);
        }
    }
    counts
}

/// How often a text occurs; its first byte is looked for alone first, which is quick.
#[cfg(target_os = "linux")]
fn occurrences(bytes: &[u8], text: &[u8]) -> usize {
    let mut count = 0;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == text[0]) {
        rest = &rest[at..];
        count += usize::from(rest.starts_with(text));
        rest = &rest[1..];
    }
    count
}

#[cfg(target_os = "linux")]
#[test]
fn x01_no_planted_secret_is_left_in_memory_once_the_vault_is_dropped() {
    let dir = tempfile::tempdir().expect("folder");
    let (secrets, key) = (planted(), key());
    let path = dir.path().join(KEY_FILE);
    fs::write(&path, &key).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
    plant(&vault(&child::open(dir.path()), &[&key]), &secrets);
    let id = ring(&[&key]).newest().to_string();
    let raw_key = URL_SAFE_NO_PAD.decode(&key[4..]).expect("its letters");

    let mut process = Stepped::start("open", dir.path());
    process.said("held");
    let mut texts: Vec<&[u8]> = secrets.iter().map(|(_, text)| text.as_bytes()).collect();
    texts.extend([key.as_bytes(), &raw_key[..32]]);
    let held = in_memory(process.process.id(), &texts);
    let (of_secrets, of_key) = held.split_at(secrets.len());
    // The control: while it holds them they are found, each once.
    assert_eq!(of_secrets, [1; 6], "key {id}");
    assert_eq!(of_key[0], 0, "the key's text was needed only to read it");
    assert!(of_key[1] >= 1, "the key itself is there");
    process.go_on();
    process.said("dropped");
    assert_eq!(in_memory(process.process.id(), &texts), [0; 8]);
    process.kill();
}

#[test]
fn x43_everything_a_vault_makes_is_its_owners_alone_under_a_umask_of_000() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join(KEY_FILE);
    fs::write(&path, key()).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("set");
    let mut process = child::command_after("umask 000", "lock", dir.path())
        .spawn()
        .expect("the child starts");
    let state = dir.path().join("state");
    let lock = state.join("bridged.db-locks/_connection-salesforce.lock");
    while !lock.exists() {
        assert!(process.try_wait().expect("asked").is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut left = vec![state];
    let mut seen = 0;
    while let Some(path) = left.pop() {
        let metadata = fs::metadata(&path).expect("metadata");
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, expected, "{} has mode {mode:o}", path.display());
        seen += 1;
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("folder");
            left.extend(entries.map(|entry| entry.expect("entry").path()));
        }
    }
    assert!(seen >= 7, "{seen} files and folders");
    process.kill().expect("killed");
    process.wait().expect("gone");
}

/// A project whose store has the planted secrets under the first key, and one under a key that is lost.
fn project(secrets: &[(Field, String)], keys: &[&str], lost: &str) -> Project {
    let text = "version: 1
name: acme
store: sqlite:state/bridged.db
connections:
  salesforce:
    type: salesforce
    instance_url: https://acme.my.salesforce.com
    auth: { method: api_key, consumer_key: \"${K}\", api_key: \"${S}\" }
";
    let project = Project::empty()
        .file("bridged.yaml", text)
        .file(KEY_FILE, keys.join("\n"));
    let path = project.path().join(KEY_FILE);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("set");
    let store = child::open(project.path());
    plant(&vault(&store, keys), secrets);
    put(&vault(&store, &[lost]), "lost", &secrets_of(&secrets[..1]));
    put(
        &of_project("else", &store, keys),
        "moved",
        &secrets_of(&secrets[1..2]),
    );
    project
}

fn secrets_of(secrets: &[(Field, String)]) -> Vec<(Field, &str)> {
    let each = secrets.iter();
    each.map(|(field, text)| (*field, text.as_str())).collect()
}

#[test]
fn x02_no_command_of_the_vault_shows_a_planted_secret_or_a_key() {
    let secrets = planted();
    let (old, new, lost) = (key(), key(), key());
    let project = project(&secrets, &[&new, &old], &lost);
    let other = if new.ends_with('x') { 'y' } else { 'x' };
    let mistyped = format!("{}{other}", &new[..new.len() - 1]);
    let mut shown = Vec::new();
    for args in [
        &["vault", "status"][..],
        &["vault", "rotate"],
        &["vault", "key", "--out", "another.key"],
        &["vault", "key", "--out", KEY_FILE],
        &["audit", "list"],
        &["audit", "verify"],
        &["validate"],
        &["status"],
    ] {
        for format in ["text", "json"] {
            for (variable, value) in [
                ("BRIDGED_KEY_FILE", KEY_FILE),
                ("BRIDGED_KEY", new.as_str()),
                ("BRIDGED_KEY", mistyped.as_str()),
            ] {
                let child = command(project.path())
                    .args(["-vvv", "--log-format", format])
                    .args(args)
                    .args(["--format", format])
                    .env(variable, value)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("the binary starts");
                let arguments = fs::read(format!("/proc/{}/cmdline", child.id()));
                shown.push(arguments.unwrap_or_default());
                let output = child.wait_with_output().expect("it ends");
                shown.extend([output.stdout, output.stderr]);
            }
        }
    }
    let all = shown.concat();
    for told in [
        "vault-key-lost",
        "vault-tampered",
        "vault-key-invalid",
        "file-exists",
    ] {
        assert!(holds(&all, told.as_bytes()), "{told}");
    }
    let keys = [&old, &new, &lost, &mistyped];
    let keys = keys.map(|key| (Field::AppSecret, key[4..].to_owned()));
    for (field, text) in secrets.iter().chain(&keys) {
        for (form, part) in forms(text) {
            assert!(!holds(&all, &part), "the {field} is shown as {form}");
        }
    }
}

//! Keys: their text, the ring, and where they come from.

use std::collections::BTreeMap;

use bridged::foundation::code::Code;
use bridged::foundation::error::Result;
use bridged::vault::key::{KEY_FILE_VARIABLE, KEY_VARIABLE, MAX_KEYS, generate};
use bridged::vault::{Field, KeyRing};

use super::sample::{get, key, put, ring, vault};
use crate::store::memory::Memory;
use crate::store::sample::Subject;

fn load(variables: &[(&str, &str)]) -> Result<Option<KeyRing>> {
    let set: BTreeMap<&str, &str> = variables.iter().copied().collect();
    KeyRing::load(&|name| set.get(name).map(|value| (*value).to_owned()))
}

fn ids(ring: &KeyRing) -> Vec<String> {
    ring.ids().map(|id| id.to_string()).collect()
}

#[test]
fn a_new_key_is_one_word_that_a_ring_reads() {
    let keys = [key(), key()];
    assert_ne!(keys[0], keys[1]);
    for key in keys {
        assert!(key.starts_with("bk1_"));
        assert_eq!(key.len(), 52);
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(key.chars().all(letters), "a double click takes all of it");
        let id = ring(&[&key]).newest().to_string();
        assert_eq!(id.len(), 8);
        assert!(!key.contains(&id));
    }
    assert!(!format!("{:?}", generate().expect("a key")).contains("bk1_"));
}

#[test]
fn a_ring_reads_its_keys_the_newest_first() {
    let (a, b, c) = (key(), key(), key());
    let all = [&a, &b, &c].map(|key| ring(&[key]).newest().to_string());
    for text in [
        format!("{a}\n{b}\n{c}\n"),
        format!("{a},{b},{c}"),
        format!("  {a} , {b}\t{c}\r\n"),
        format!("# the newest\n{a}\n\n  # before\n{b} {c}"),
        format!("{a}\n{b}\n{a}\n{c}\n{b}"),
    ] {
        assert_eq!(ids(&KeyRing::parse(&text).expect("keys")), all, "{text}");
    }
    let shown = format!("{:?}", ring(&[&a, &b]));
    assert!(
        shown.contains(&all[0]) && !shown.contains("bk1_"),
        "{shown}"
    );
}

#[test]
fn what_is_no_key_is_refused_and_never_shown() {
    let good = key();
    let mut mistyped: Vec<String> = Vec::new();
    for place in 4..good.len() {
        let mut letters: Vec<char> = good.chars().collect();
        letters[place] = if letters[place] == 'A' { 'B' } else { 'A' };
        mistyped.push(letters.into_iter().collect());
    }
    let others = [
        good.to_uppercase(),
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("bk2_{}", &good[4..]),
        good[4..].to_owned(),
        good.replace("bk1_", "bk1-"),
        format!("bk1_{}", "=".repeat(48)),
        format!("bk1_{}", "é".repeat(24)),
        "hunter2hunter2".to_owned(),
        "bk1_".to_owned(),
    ];
    for wrong in mistyped.iter().chain(&others) {
        for text in [wrong.clone(), format!("{good}\n{wrong}")] {
            let error = KeyRing::parse(&text).expect_err("no key");
            assert_eq!(error.code(), Code::VaultKeyInvalid, "{wrong}");
            let shown = format!("{error} {error:?} {}", error.help_text().expect("help"));
            assert!(
                !shown.contains(&wrong[4.min(wrong.len())..]) || wrong == "bk1_",
                "{shown}"
            );
        }
        let place = KeyRing::parse(&format!("{good}\n{wrong}")).expect_err("no key");
        assert!(place.message().contains("word 2"), "{place}");
    }
    for empty in ["", " \n", "# nothing but this", ",,"] {
        let error = KeyRing::parse(empty).expect_err("no key");
        assert_eq!(error.code(), Code::VaultKeyInvalid);
    }
    let many: Vec<String> = (0..=MAX_KEYS).map(|_| key()).collect();
    let error = KeyRing::parse(&many.join(" ")).expect_err("too many");
    assert_eq!(error.code(), Code::VaultKeyInvalid);
    KeyRing::parse(&many[1..].join(" ")).expect("as many as there may be");
}

#[test]
fn a_ring_comes_from_one_variable_or_from_none() {
    let (one, two) = (key(), key());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &two).expect("written");
    let path = file.path().to_string_lossy().into_owned();
    let newest = |ring: Option<KeyRing>| ring.map(|ring| ring.newest());
    let expected = |key: &str| Some(ring(&[key]).newest());

    for (variables, found) in [
        (vec![], None),
        (vec![(KEY_VARIABLE, ""), (KEY_FILE_VARIABLE, " ")], None),
        (vec![(KEY_VARIABLE, one.as_str())], expected(&one)),
        (vec![(KEY_FILE_VARIABLE, path.as_str())], expected(&two)),
        (
            vec![(KEY_VARIABLE, ""), (KEY_FILE_VARIABLE, path.as_str())],
            expected(&two),
        ),
    ] {
        assert_eq!(newest(load(&variables).expect("read")), found);
    }
    let both = [
        (KEY_VARIABLE, one.as_str()),
        (KEY_FILE_VARIABLE, path.as_str()),
    ];
    let error = load(&both).expect_err("which one?");
    assert_eq!(error.code(), Code::VaultKeyInvalid);
    assert!(error.message().contains("both set"), "{error}");
    assert!(!format!("{error:?}").contains(&one[4..]));
    let error = load(&[(KEY_VARIABLE, "password")]).expect_err("no key");
    assert_eq!(error.code(), Code::VaultKeyInvalid);
}

#[test]
fn every_key_of_a_ring_opens_and_the_newest_seals() {
    let store = Memory::new().open();
    let (old, middle, new) = (key(), key(), key());
    put(&vault(&store, &[&old]), "a", &[(Field::AppSecret, "old")]);
    put(
        &vault(&store, &[&middle, &old]),
        "b",
        &[(Field::AppSecret, "middle")],
    );
    let all = vault(&store, &[&new, &middle, &old]);
    put(&all, "c", &[(Field::AppSecret, "new")]);
    for (connection, text, key) in [
        ("a", "old", &old),
        ("b", "middle", &middle),
        ("c", "new", &new),
    ] {
        assert_eq!(
            get(&all, connection, Field::AppSecret).as_deref(),
            Some(text)
        );
        let row = store.sealed(connection).expect("read").remove(0);
        assert_eq!(row.key_id, ring(&[key]).newest().to_string());
    }
}

#[test]
fn a_key_in_a_file_of_the_project_is_found_by_its_looks() {
    for _ in 0..20 {
        let key = key();
        let text = format!("version: 1 # {key}\nname: demo\n");
        let read = bridged::spec::read::pipeline("demo.yaml", text.as_bytes());
        let found: Vec<_> = read.findings.iter().map(|finding| finding.code).collect();
        assert!(found.contains(&Code::SecretInFile), "{found:?}");
        assert!(!format!("{:?}", read.findings).contains(&key[4..]));
    }
}

//! Rotation: everything ends under the newest key, whatever interrupts it, and no key is missed in silence.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridged::foundation::code::Code;
use bridged::foundation::secret::Secret;
use bridged::store::Store;
use bridged::store::audit::verify;
use bridged::store::sqlite::CHANGE_FAILPOINTS;
use bridged::vault::{Change, FAILPOINTS, Field, KeyUse, Rotated, Vault};
use serde_json::{Value, json};

use super::child::{self, KEY_FILE, Stepped, command};
use super::sample::{get, key, of_project, put, ring, vault};
use crate::store::memory::Memory;
use crate::store::sample::{Subject, at, audited};

const CONNECTIONS: [&str; 3] = ["other", "salesforce", "whatsapp"];
/// How many secrets a filled vault holds.
const SECRETS: u64 = 27;

fn id(key: &str) -> String {
    ring(&[key]).newest().to_string()
}

fn text(connection: &str, field: Field) -> String {
    format!("the {field} of {connection}")
}

/// Fills two connections under the oldest key and one under the key behind it.
fn fill(store: &Arc<dyn Store>, oldest: &str, older: &str) {
    for connection in CONNECTIONS {
        let keys = if connection == "salesforce" {
            vec![older, oldest]
        } else {
            vec![oldest]
        };
        for field in Field::ALL {
            let text = text(connection, field);
            put(&vault(store, &keys), connection, &[(field, &text)]);
        }
    }
}

#[track_caller]
fn assert_all_open(vault: &Vault) {
    for connection in CONNECTIONS {
        for field in Field::ALL {
            assert_eq!(get(vault, connection, field), Some(text(connection, field)));
        }
    }
}

/// The counts of the keys that seal anything.
fn counts(vault: &Vault) -> BTreeMap<String, u64> {
    let status = vault.status().expect("the status");
    assert_eq!(status.tampered, []);
    let keys = status.keys.into_iter().filter(|key| key.secrets > 0);
    keys.map(|key| (key.id, key.secrets)).collect()
}

fn actions(store: &Arc<dyn Store>) -> Vec<String> {
    assert_eq!(verify(&**store, None).expect("read").broken, None);
    let entries = store.audit(0, 100).expect("the log");
    entries.into_iter().map(|entry| entry.action).collect()
}

#[test]
fn x04_every_secret_is_sealed_again_and_the_older_keys_are_free() {
    let store = Memory::new().open();
    let (oldest, older, newest) = (key(), key(), key());
    fill(&store, &oldest, &older);
    let all = vault(&store, &[&newest, &older, &oldest]);
    let expected = [(id(&oldest), 18), (id(&older), 9)];
    assert_eq!(counts(&all), expected.into_iter().collect());
    put(
        &all,
        "other",
        &[(Field::AppSecret, &text("other", Field::AppSecret))],
    );

    let rotated = all.rotate(at(5), "ada").expect("rotated");
    let expected = Rotated {
        newest: ring(&[&newest]).newest(),
        resealed: SECRETS - 1,
        already: 1,
        remaining: 0,
    };
    assert_eq!(rotated, expected);
    assert_all_open(&all);
    assert_all_open(&vault(&store, &[&newest]));
    assert_eq!(counts(&all), [(id(&newest), SECRETS)].into_iter().collect());

    let entry = store.audit(0, 9).expect("the log").remove(0);
    assert_eq!(
        (entry.subject.as_str(), entry.actor.as_str()),
        ("vault", "ada")
    );
    assert_eq!(entry.at, at(5));
    let details: Value = serde_json::from_str(&entry.details).expect("JSON");
    let from = json!({ id(&oldest): 17, id(&older): 9 });
    assert_eq!(details, json!({ "to": id(&newest), "from": from }));

    let again = all.rotate(at(6), "ada").expect("nothing to do");
    assert_eq!((again.resealed, again.already), (0, SECRETS));
    assert_eq!(
        actions(&store),
        ["key-rotated"],
        "only what was done is told"
    );
}

#[test]
fn x04_a_key_that_was_dropped_early_is_named_with_what_it_seals() {
    let store = Memory::new().open();
    let (old, new) = (key(), key());
    put(
        &vault(&store, &[&old]),
        "salesforce",
        &[(Field::ConsumerKey, "k"), (Field::RefreshToken, "r")],
    );
    let without = vault(&store, &[&new]);
    put(&without, "salesforce", &[(Field::AccessToken, "a")]);

    assert_eq!(
        get(&without, "salesforce", Field::AccessToken).as_deref(),
        Some("a")
    );
    for field in [Field::ConsumerKey, Field::RefreshToken] {
        let error = without.get("salesforce", field).expect_err("lost");
        assert_eq!(error.code(), Code::VaultKeyLost);
        for named in [
            "`salesforce`",
            "`consumer_key`",
            "`refresh_token`",
            &id(&old),
        ] {
            assert!(error.message().contains(named), "{named}: {error}");
        }
        assert!(!error.message().contains("access_token"), "{error}");
        let help = error.help_text().expect("help");
        assert!(help.contains("bridged connect salesforce"), "{help}");
        assert!(help.contains("`consumer_key`, `refresh_token`"), "{help}");
    }

    let before = store.sealed("salesforce").expect("read");
    let error = without.rotate(at(5), "ada").expect_err("refused");
    assert_eq!(error.code(), Code::VaultKeyLost);
    assert_eq!(
        store.sealed("salesforce").expect("read"),
        before,
        "untouched"
    );
    assert_eq!(actions(&store), [""; 0], "nothing was done");
    let key_use = |id: String, present, secrets| KeyUse {
        id,
        present,
        secrets,
    };
    let status = without.status().expect("the status");
    assert_eq!(status.newest, Some(ring(&[&new]).newest()));
    assert_eq!(
        status.keys,
        [key_use(id(&new), true, 1), key_use(id(&old), false, 2)]
    );
    assert_eq!(status.secrets(), 3);

    let both = vault(&store, &[&new, &old]);
    assert_eq!(both.rotate(at(6), "ada").expect("rotated").resealed, 2);
    assert_eq!(
        get(&without, "salesforce", Field::RefreshToken).as_deref(),
        Some("r")
    );
}

#[test]
fn a_rotation_stops_before_it_begins_where_a_secret_does_not_open() {
    let store = Memory::new().open();
    let (old, new) = (key(), key());
    fill(&store, &old, &old);
    put(
        &of_project("another", &store, &[&old]),
        "whatsapp",
        &[(Field::VerifyToken, "v")],
    );
    let both = vault(&store, &[&new, &old]);
    let before = store.sealed_after(None, 100).expect("read");
    let error = both.rotate(at(5), "ada").expect_err("refused");
    assert_eq!(error.code(), Code::VaultTampered);
    assert_eq!(store.sealed_after(None, 100).expect("read"), before);
    let status = both.status().expect("the status");
    let name = ("whatsapp".to_owned(), "verify_token".to_owned());
    assert_eq!(status.tampered, [name]);
    let error = vault(&store, &[]).rotate(at(5), "ada").expect_err("no key");
    assert_eq!(error.code(), Code::VaultKeyMissing);
    let status = vault(&store, &[]).status().expect("counting needs no key");
    assert_eq!((status.newest, status.secrets()), (None, SECRETS));
    assert_eq!(status.connections["salesforce"].len(), 9);
}

#[test]
fn a_rotation_keeps_what_another_process_writes_meanwhile() {
    let store = Memory::new().open();
    let (old, new) = (key(), key());
    fill(&store, &old, &old);
    let stop = AtomicBool::new(false);
    let last = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let vault = vault(&store, &[&old]);
            let mut last = 0;
            while !stop.load(Ordering::Relaxed) {
                last += 1;
                put(
                    &vault,
                    "salesforce",
                    &[(Field::AccessToken, &format!("token {last}"))],
                );
            }
            last
        });
        let both = vault(&store, &[&new, &old]);
        for _ in 0..20 {
            both.rotate(at(5), "ada").expect("rotated");
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().expect("the writer ends")
    });
    let both = vault(&store, &[&new, &old]);
    both.rotate(at(6), "ada").expect("rotated");
    let found = get(&vault(&store, &[&new]), "salesforce", Field::AccessToken);
    assert_eq!(found, Some(format!("token {last}")), "the last one written");
    assert_eq!(counts(&both), [(id(&new), SECRETS)].into_iter().collect());
}

/// A folder with a filled store, and the keys of a rotation that is under way.
fn folder(keys: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join(KEY_FILE);
    fs::write(&path, keys.join("\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    dir
}

#[track_caller]
fn dies_at(scene: &str, dir: &Path, failpoint: &str) {
    let output = command(scene, dir)
        .env("BRIDGED_FAILPOINT", failpoint)
        .output()
        .expect("the child ran");
    assert_eq!(output.status.code(), None, "{failpoint}: {output:?}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn i17_x04_a_rotation_that_is_killed_anywhere_loses_nothing_and_goes_on() {
    let (oldest, older, newest) = (key(), key(), key());
    let keys = [newest.as_str(), &older, &oldest];
    let mut reached = 0;
    for point in FAILPOINTS {
        let times: &[u64] = if point.ends_with("reseal") {
            &[1, 2, 11, SECRETS]
        } else {
            &[1]
        };
        for nth in times {
            let dir = folder(&keys);
            fill(&child::open(dir.path()), &oldest, &older);
            let place = format!("{point}@{nth}");
            dies_at("rotate", dir.path(), &place);
            reached += 1;

            let store = child::open(dir.path());
            let all = vault(&store, &keys);
            assert_all_open(&all);
            let done = match *point {
                "vault-before-reseal" => nth - 1,
                "vault-after-reseal" => *nth,
                _ => 0,
            };
            let sealed = counts(&all).get(&id(&newest)).copied().unwrap_or(0);
            assert_eq!(sealed, done, "{place}");
            let told = usize::from(*point != "vault-before-rotation");
            assert_eq!(
                actions(&store).len(),
                told,
                "{place}: told before it begins"
            );
            let early = vault(&store, &[&newest]).rotate(at(6), "ada");
            if done < SECRETS {
                let error = early.expect_err("the older keys are needed");
                assert_eq!(error.code(), Code::VaultKeyLost, "{place}");
            }
            drop(store);

            let output = command("rotate", dir.path())
                .output()
                .expect("the child ran");
            assert!(output.status.success(), "{place}: {output:?}");
            let store = child::open(dir.path());
            assert_all_open(&vault(&store, &[&newest]));
            actions(&store);
        }
    }
    assert_eq!(reached, 10);
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no failpoints")]
fn st34_a_change_that_is_killed_is_there_whole_or_not_at_all() {
    let key = key();
    for point in CHANGE_FAILPOINTS {
        let dir = folder(&[&key]);
        let store = child::open(dir.path());
        let before = vault(&store, &[&key]);
        put(
            &before,
            "salesforce",
            &[(Field::ConsumerKey, "one"), (Field::RefreshToken, "token")],
        );
        let rows = store.sealed("salesforce").expect("read");
        drop((before, store));
        dies_at("change", dir.path(), point);

        let store = child::open(dir.path());
        let card = store.card("salesforce").expect("read");
        if *point == "store-after-change" {
            assert!(card.is_some());
            assert_eq!(actions(&store), ["connected"]);
            let now = vault(&store, &[&key]);
            let text = |field| get(&now, "salesforce", field);
            assert_eq!(text(Field::ConsumerKey).as_deref(), Some("later one"));
            assert_eq!(text(Field::ConsumerSecret).as_deref(), Some("later two"));
            assert_eq!(text(Field::RefreshToken), None);
        } else {
            assert_eq!(card, None, "{point}");
            assert_eq!(store.sealed("salesforce").expect("read"), rows, "{point}");
            assert_eq!(actions(&store), [""; 0], "{point}");
        }
    }
}

#[test]
fn st37_a_connections_lock_ends_with_the_process_that_holds_it() {
    let dir = folder(&[&key()]);
    let store = child::open(dir.path());
    let mut holder = Stepped::start("lock", dir.path());
    holder.said("locked");
    assert!(
        store
            .lock_connection("salesforce")
            .expect("asked")
            .is_none()
    );
    drop(
        store
            .lock_connection("other")
            .expect("asked")
            .expect("free"),
    );
    holder.kill();
    store
        .lock_connection("salesforce")
        .expect("asked")
        .expect("free again");
}

#[test]
fn x38_without_the_audit_log_no_key_is_rotated_and_nothing_changes() {
    let key_pair = (key(), key());
    let dir = folder(&[&key_pair.0]);
    let store = child::open(dir.path());
    put(
        &vault(&store, &[&key_pair.0]),
        "salesforce",
        &[(Field::AppSecret, "s")],
    );
    let before = store.sealed("salesforce").expect("read");
    let raw = rusqlite::Connection::open(dir.path().join("state/bridged.db")).expect("raw");
    raw.execute_batch("DROP TABLE audit_head").expect("gone");
    let both = vault(&store, &[&key_pair.1, &key_pair.0]);
    let error = both.rotate(at(5), "ada").expect_err("it cannot be told");
    assert_eq!(error.code(), Code::StoreFailed);
    assert_eq!(store.sealed("salesforce").expect("read"), before);
    let secret = Secret::new("another");
    let change = Change {
        connection: "salesforce",
        put: &[(Field::AppSecret, &secret)],
        audit: Some(audited("salesforce", 1)),
        ..Change::default()
    };
    let error = both.change(&change, at(6)).expect_err("it cannot be told");
    assert_eq!(error.code(), Code::StoreFailed);
    assert_eq!(store.sealed("salesforce").expect("read"), before);
}

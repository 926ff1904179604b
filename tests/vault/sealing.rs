//! Sealing and opening: what is changed, moved or copied does not open.

use std::collections::BTreeSet;
use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::error::Error;
use bridged::foundation::secret::Secret;
use bridged::store::Store;
use bridged::store::model::{Card, CardChange, ConnectionChange, Sealed};
use bridged::vault::{Change, Field, MAX_SECRET_BYTES, Vault};

use super::sample::{get, key, of_project, put, vault};
use crate::store::memory::Memory;
use crate::store::sample::{Sqlite, Subject, at, audited, card};

/// Puts rows into the store as they are.
fn write(store: &Arc<dyn Store>, connection: &str, rows: &[Sealed]) {
    let change = ConnectionChange {
        connection,
        put: rows,
        remove: &[],
        card: None,
        audit: None,
    };
    store.change_connection(&change).expect("written");
}

#[track_caller]
fn refused(vault: &Vault, connection: &str, field: Field) -> Error {
    match vault.get(connection, field) {
        Err(error) => error,
        Ok(secret) => panic!("it opens: {}", secret.is_some()),
    }
}

#[track_caller]
fn tampered(vault: &Vault, connection: &str, field: Field, what: &str) {
    let error = refused(vault, connection, field);
    assert_eq!(error.code(), Code::VaultTampered, "{what}: {error}");
    assert!(error.message().contains(connection), "{error}");
    assert!(error.message().contains(field.as_str()), "{error}");
    assert!(error.help_text().is_some());
}

#[test]
fn what_is_put_is_what_is_got_in_every_kind_of_store() {
    let subjects: [Box<dyn Subject>; 2] = [Box::new(Sqlite::new()), Box::new(Memory::new())];
    for subject in subjects {
        let key = key();
        let vault_of = || vault(&subject.open(), &[&key]);
        let long = "é".repeat(MAX_SECRET_BYTES / 2);
        for (field, number) in Field::ALL.into_iter().zip(0..) {
            let text = if number == 0 {
                long.clone()
            } else {
                format!("\0secret {number} ✓")
            };
            put(&vault_of(), "salesforce", &[(field, &text)]);
            assert_eq!(get(&vault_of(), "salesforce", field), Some(text));
            assert_eq!(get(&vault_of(), "other", field), None);
        }
        let held: BTreeSet<Field> = vault_of()
            .holds("salesforce")
            .expect("list")
            .into_iter()
            .collect();
        assert_eq!(held, Field::ALL.into_iter().collect());
        put(&vault_of(), "salesforce", &[(Field::AppSecret, "another")]);
        let now = get(&vault_of(), "salesforce", Field::AppSecret);
        assert_eq!(now.as_deref(), Some("another"));
    }
}

#[test]
fn a_change_is_one_transaction_with_card_and_audit_entry() {
    let store = Memory::new().open();
    let vault = vault(&store, &[&key()]);
    let secret = Secret::new("a token");
    let known = card("salesforce");
    let change = Change {
        connection: "salesforce",
        put: &[(Field::RefreshToken, &secret)],
        card: Some(CardChange::Put(&known)),
        audit: Some(audited("salesforce", 1)),
        ..Change::default()
    };
    vault.change(&change, at(1)).expect("changed");
    assert_eq!(vault.cards().expect("cards"), std::slice::from_ref(&known));
    assert_eq!(store.audit(0, 9).expect("audit").len(), 1);
    let empty = Secret::new("");
    let other = Card::new("salesforce", "jwt", at(2));
    let refused = Change {
        put: &[(Field::AccessToken, &secret), (Field::PrivateKey, &empty)],
        card: Some(CardChange::Put(&other)),
        ..change.clone()
    };
    let error = vault.change(&refused, at(2)).expect_err("empty");
    assert_eq!(error.code(), Code::VaultSecretRefused);
    assert_eq!(
        vault.holds("salesforce").expect("list"),
        [Field::RefreshToken]
    );
    assert_ne!(vault.card("salesforce").expect("card"), Some(other));
    let removal = Change {
        connection: "salesforce",
        remove: &[Field::RefreshToken, Field::AccessToken],
        card: Some(CardChange::Remove),
        ..Change::default()
    };
    vault.change(&removal, at(3)).expect("removed");
    assert_eq!(vault.holds("salesforce").expect("list"), []);
    assert_eq!(get(&vault, "salesforce", Field::RefreshToken), None);
    assert_eq!(vault.card("salesforce").expect("card"), None);
}

#[test]
fn a_value_that_is_no_secret_is_refused() {
    let store = Memory::new().open();
    let vault = vault(&store, &[&key()]);
    for (length, good) in [
        (0, false),
        (1, true),
        (MAX_SECRET_BYTES, true),
        (MAX_SECRET_BYTES + 1, false),
    ] {
        let secret = Secret::new("x".repeat(length));
        let change = Change {
            connection: "salesforce",
            put: &[(Field::PrivateKey, &secret)],
            ..Change::default()
        };
        let changed = vault.change(&change, at(1));
        assert_eq!(changed.is_ok(), good, "{length}");
        if let Err(error) = changed {
            assert_eq!(error.code(), Code::VaultSecretRefused);
            assert!(error.message().contains("private_key"), "{error}");
        }
    }
}

#[test]
fn two_sealings_of_one_secret_have_nothing_in_common() {
    let store = Memory::new().open();
    let vault = vault(&store, &[&key()]);
    let mut seen = BTreeSet::new();
    for _ in 0..50 {
        put(
            &vault,
            "salesforce",
            &[(Field::AppSecret, "always the same")],
        );
        let row = store.sealed("salesforce").expect("read").remove(0);
        assert!(seen.insert(row.nonce.to_vec()));
        assert!(seen.insert(row.ciphertext));
    }
}

#[test]
fn i17_x03_a_secret_does_not_open_in_another_row() {
    let store = Sqlite::new();
    let store = store.open();
    let key = key();
    let vault = vault(&store, &[&key]);
    for connection in ["one", "two"] {
        put(
            &vault,
            connection,
            &[
                (Field::ConsumerKey, "a key"),
                (Field::ConsumerSecret, "a secret"),
            ],
        );
    }
    let of = |connection: &str| store.sealed(connection).expect("read");
    let (one, two) = (of("one"), of("two"));
    let moved = |from: &Sealed, to: &Sealed| Sealed {
        connection: to.connection.clone(),
        field: to.field.clone(),
        ..from.clone()
    };
    // Between the fields of one connection, between connections, and both at once.
    for (from, to, connection, field) in [
        (&one[0], &one[1], "one", Field::ConsumerSecret),
        (&one[1], &one[0], "one", Field::ConsumerKey),
        (&two[0], &one[0], "one", Field::ConsumerKey),
        (&one[1], &two[1], "two", Field::ConsumerSecret),
        (&two[1], &one[0], "one", Field::ConsumerKey),
    ] {
        write(&store, connection, &[moved(from, to)]);
        tampered(&vault, connection, field, "a row in another's place");
        write(&store, "one", &one);
        write(&store, "two", &two);
        assert!(get(&vault, connection, field).is_some(), "put back");
    }
    // The whole rows swapped.
    write(
        &store,
        "one",
        &[moved(&one[1], &one[0]), moved(&one[0], &one[1])],
    );
    tampered(&vault, "one", Field::ConsumerKey, "swapped");
    tampered(&vault, "one", Field::ConsumerSecret, "swapped");
}

#[test]
fn x03_a_secret_with_any_byte_changed_does_not_open() {
    let store = Memory::new().open();
    let vault = vault(&store, &[&key()]);
    let text = "a token of forty letters, as long as one";
    put(&vault, "salesforce", &[(Field::AccessToken, text)]);
    let whole = store.sealed("salesforce").expect("read").remove(0);
    assert_eq!(whole.ciphertext.len(), text.len() + 16);
    for bit in [1_u8, 0x80] {
        for place in 0..whole.nonce.len() {
            let mut row = whole.clone();
            row.nonce[place] ^= bit;
            write(&store, "salesforce", &[row]);
            let what = format!("byte {place} of the nonce");
            tampered(&vault, "salesforce", Field::AccessToken, &what);
        }
        for place in 0..whole.ciphertext.len() {
            let mut row = whole.clone();
            row.ciphertext[place] ^= bit;
            write(&store, "salesforce", &[row]);
            let what = format!("byte {place} of the ciphertext");
            tampered(&vault, "salesforce", Field::AccessToken, &what);
        }
    }
    for length in 16..whole.ciphertext.len() {
        let mut row = whole.clone();
        row.ciphertext.truncate(length);
        write(&store, "salesforce", &[row]);
        tampered(&vault, "salesforce", Field::AccessToken, "cut off");
    }
    let mut row = whole.clone();
    row.ciphertext.push(0);
    write(&store, "salesforce", &[row]);
    tampered(&vault, "salesforce", Field::AccessToken, "longer");
    write(&store, "salesforce", &[whole]);
    assert_eq!(
        get(&vault, "salesforce", Field::AccessToken).as_deref(),
        Some(text)
    );
}

#[test]
fn x03_a_secret_does_not_open_for_another_project() {
    let store = Memory::new().open();
    let key = key();
    put(
        &of_project("acme", &store, &[&key]),
        "salesforce",
        &[(Field::AppSecret, "s")],
    );
    for project in ["acm", "acme2", "Acme", ""] {
        let other = of_project(project, &store, &[&key]);
        tampered(&other, "salesforce", Field::AppSecret, project);
    }
    let help = refused(
        &of_project("b", &store, &[&key]),
        "salesforce",
        Field::AppSecret,
    );
    assert!(help.help_text().expect("help").contains("bridged.yaml"));
}

#[test]
fn x03_names_that_read_alike_side_by_side_are_told_apart() {
    // "ab" and "c" beside each other are "a" and "bc": each part is bound with its length.
    let store = Memory::new().open();
    let key = key();
    put(
        &of_project("ab", &store, &[&key]),
        "c",
        &[(Field::AppSecret, "s")],
    );
    let row = Sealed {
        connection: "bc".to_owned(),
        ..store.sealed("c").expect("read").remove(0)
    };
    write(&store, "bc", &[row]);
    tampered(
        &of_project("a", &store, &[&key]),
        "bc",
        Field::AppSecret,
        "shifted",
    );
}

#[test]
fn x03_a_secret_that_claims_another_key_of_the_ring_does_not_open() {
    let store = Memory::new().open();
    let (old, new) = (key(), key());
    put(
        &vault(&store, &[&old]),
        "salesforce",
        &[(Field::AppSecret, "s")],
    );
    let both = vault(&store, &[&new, &old]);
    let newest = super::sample::ring(&[&new]).newest().to_string();
    let row = Sealed {
        key_id: newest,
        ..store.sealed("salesforce").expect("read").remove(0)
    };
    write(&store, "salesforce", &[row]);
    tampered(&both, "salesforce", Field::AppSecret, "another key's id");
}

#[test]
fn a_secret_without_any_key_is_told_apart_from_none() {
    let store = Memory::new().open();
    put(
        &vault(&store, &[&key()]),
        "salesforce",
        &[(Field::AppSecret, "s")],
    );
    let locked = vault(&store, &[]);
    assert_eq!(get(&locked, "salesforce", Field::VerifyToken), None);
    assert_eq!(get(&locked, "other", Field::AppSecret), None);
    assert_eq!(
        locked.holds("salesforce").expect("list"),
        [Field::AppSecret]
    );
    let error = refused(&locked, "salesforce", Field::AppSecret);
    assert_eq!(error.code(), Code::VaultKeyMissing);
    assert!(error.message().contains("`salesforce`"), "{error}");
    assert!(
        error
            .help_text()
            .expect("help")
            .contains("BRIDGED_KEY_FILE")
    );
    let secret = Secret::new("s");
    let change = Change {
        connection: "salesforce",
        put: &[(Field::AppSecret, &secret)],
        ..Change::default()
    };
    let error = locked
        .change(&change, at(1))
        .expect_err("no key to seal with");
    assert_eq!(error.code(), Code::VaultKeyMissing);
    let removal = Change {
        connection: "salesforce",
        remove: &[Field::AppSecret],
        ..Change::default()
    };
    locked
        .change(&removal, at(2))
        .expect("removing needs no key");
    assert_eq!(locked.holds("salesforce").expect("list"), []);
}

#[test]
fn fields_have_words_of_their_own() {
    for field in Field::ALL {
        assert_eq!(Field::parse(field.as_str()), Some(field));
    }
    let words: BTreeSet<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
    assert_eq!(words.len(), Field::ALL.len());
    for wrong in ["", "Consumer_Key", "consumer-key", "token"] {
        assert_eq!(Field::parse(wrong), None);
    }
}

/// The bytes of hexadecimal digits.
fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits"))
        .collect()
}

#[test]
fn what_was_sealed_in_the_first_form_opens_for_ever() {
    let store = Memory::new().open();
    let row = Sealed {
        connection: "salesforce".to_owned(),
        field: "refresh_token".to_owned(),
        key_id: "84838ed3".to_owned(),
        nonce: bytes("4efed12cc62810246e8a27643cbd89340e57504b6f0fe51b")
            .try_into()
            .expect("24 bytes"),
        ciphertext: bytes("a1d9ce6b766218419e70698a7b0fd2642a0919032f2d0142b0c1eeabdb57ba231315ba"),
        sealed_at: at(1),
    };
    write(&store, "salesforce", &[row]);
    let vault = vault(
        &store,
        &["bk1_vakPntvaTQm4l3ThY1wBQhNRvzi6g2rSU4dHGZ4TTecsDyRD"],
    );
    assert_eq!(
        get(&vault, "salesforce", Field::RefreshToken).as_deref(),
        Some("5Aep861 a token ✓")
    );
}

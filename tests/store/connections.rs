//! The contract's sentences on connections and on the audit log, on every kind of store.

use bridged::foundation::code::Code;
use bridged::store::Store;
use bridged::store::audit::verify;
use bridged::store::model::{
    AuditAction, AuditEntry, AuditHead, Card, CardChange, ConnectionChange,
    MAX_AUDIT_DETAILS_BYTES, MAX_AUDIT_TEXT_BYTES, MAX_CARD_TEXT_BYTES, MAX_SCOPES, NewAudit,
    Sealed,
};
use serde_json::{Value, json};

use super::conformance::conformance;
use super::memory::Memory;
use super::sample::{Sqlite, Subject, at, audited, card, name, object, sealed};

macro_rules! every_sentence {
    ($kind:ident, $subject:ident) => {
        conformance!(
            $kind,
            $subject,
            st18_times_of_connections_are_kept_in_milliseconds,
            st33_sealed_secrets_read_back_byte_for_byte,
            st33_all_sealed_secrets_are_listed_in_order,
            st34_a_change_is_whole,
            st34_a_refused_change_leaves_nothing,
            st35_a_secret_is_resealed_while_it_is_the_one_that_was_read,
            st36_cards_read_back_as_put_last,
            st37_a_connection_is_locked_once,
            st38_entries_follow_each_other,
            st38_an_entry_that_is_too_large_is_refused,
            st39_the_head_names_the_last_entry,
        );
    };
}

every_sentence!(sqlite, Sqlite);
every_sentence!(memory, Memory);

/// A change of nothing, to be filled in.
fn nothing(connection: &str) -> ConnectionChange<'_> {
    ConnectionChange {
        connection,
        put: &[],
        remove: &[],
        card: None,
        audit: None,
    }
}

#[track_caller]
fn put(store: &dyn Store, connection: &str, secrets: &[Sealed]) {
    let change = ConnectionChange {
        put: secrets,
        ..nothing(connection)
    };
    store.change_connection(&change).expect("changed");
}

fn st18_times_of_connections_are_kept_in_milliseconds(subject: &dyn Subject) {
    let store = subject.open();
    let late = at(5) + jiff::SignedDuration::from_nanos(999_999);
    let mut secret = sealed("a", "consumer_key", 1);
    secret.sealed_at = late;
    let mut known = card("a");
    (known.connected_at, known.refreshed_at) = (late, Some(late));
    let entry = NewAudit {
        at: late,
        ..audited("a", 0)
    };
    let change = ConnectionChange {
        put: &[secret],
        card: Some(CardChange::Put(&known)),
        audit: Some(&entry),
        ..nothing("a")
    };
    store.change_connection(&change).expect("changed");
    assert_eq!(store.sealed("a").expect("read")[0].sealed_at, at(5));
    let known = store.card("a").expect("read").expect("put");
    assert_eq!(
        (known.connected_at, known.refreshed_at),
        (at(5), Some(at(5)))
    );
    assert_eq!(store.audit(0, 9).expect("read")[0].at, at(5));
}

fn st33_sealed_secrets_read_back_byte_for_byte(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(store.sealed("a").expect("read"), []);
    let mut secrets = [sealed("a", "b", 255), sealed("a", "a", 0)];
    secrets[0].ciphertext = (0..=255).cycle().take(65_552).collect();
    put(&*store, "a", &secrets);
    put(&*store, "a2", &[sealed("a2", "c", 3)]);
    secrets.reverse();
    assert_eq!(subject.open().sealed("a").expect("read"), secrets);
    assert_eq!(store.sealed("none").expect("read"), []);

    let again = sealed("a", "a", 9);
    put(&*store, "a", std::slice::from_ref(&again));
    assert_eq!(store.sealed("a").expect("read")[0], again, "in its place");
    assert_eq!(store.sealed("a").expect("read").len(), 2);
}

fn st33_all_sealed_secrets_are_listed_in_order(subject: &dyn Subject) {
    let store = subject.open();
    let mut expected = Vec::new();
    for connection in ["a", "a-b", "a0", "a_b", "b"] {
        let secrets = ["aa", "a_b", "b"].map(|field| sealed(connection, field, 1));
        put(&*store, connection, &secrets);
        expected.extend(secrets.map(|one| (one.connection, one.field)));
    }
    expected.sort();
    for limit in [1, 2, 7, 100] {
        let mut found: Vec<(String, String)> = Vec::new();
        loop {
            let last = found.last().cloned();
            let after = last.as_ref().map(|(one, two)| (one.as_str(), two.as_str()));
            let page = store.sealed_after(after, limit).expect("list");
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit as usize);
            found.extend(page.into_iter().map(|one| (one.connection, one.field)));
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

fn st34_a_change_is_whole(subject: &dyn Subject) {
    let store = subject.open();
    let known = card("a");
    let secrets = [
        sealed("a", "x", 1),
        sealed("a", "y", 2),
        sealed("a", "z", 3),
    ];
    let change = ConnectionChange {
        put: &secrets,
        card: Some(CardChange::Put(&known)),
        audit: Some(&audited("a", 1)),
        ..nothing("a")
    };
    store.change_connection(&change).expect("changed");
    let other = subject.open();
    assert_eq!(other.sealed("a").expect("read"), secrets);
    assert_eq!(other.card("a").expect("read"), Some(known.clone()));
    assert_eq!(other.audit(0, 9).expect("read").len(), 1);

    let y = sealed("a", "y", 9);
    let change = ConnectionChange {
        put: std::slice::from_ref(&y),
        remove: &["x", "y", "never"],
        ..nothing("a")
    };
    store.change_connection(&change).expect("changed");
    assert_eq!(other.sealed("a").expect("read"), [y, secrets[2].clone()]);
    assert_eq!(other.card("a").expect("read"), Some(known), "as it was");
    assert_eq!(other.audit(0, 9).expect("read").len(), 1, "nothing to tell");

    let change = ConnectionChange {
        remove: &["y", "z"],
        card: Some(CardChange::Remove),
        audit: Some(&audited("a", 2)),
        ..nothing("a")
    };
    store.change_connection(&change).expect("changed");
    assert_eq!(other.sealed("a").expect("read"), []);
    assert_eq!(other.card("a").expect("read"), None);
    assert_eq!(other.audit(0, 9).expect("read").len(), 2);
}

fn st34_a_refused_change_leaves_nothing(subject: &dyn Subject) {
    let store = subject.open();
    let known = card("a");
    let good = [sealed("a", "x", 1)];
    let whole = ConnectionChange {
        put: &good,
        card: Some(CardChange::Put(&known)),
        audit: None,
        ..nothing("a")
    };
    let foreign = [sealed("a", "x", 1), sealed("b", "x", 1)];
    let short = [Sealed {
        ciphertext: vec![1; 15],
        ..sealed("a", "x", 1)
    }];
    let nameless = [sealed("a", "", 1)];
    let spaced = [sealed("a", "a b", 1)];
    let text = "x".repeat(MAX_CARD_TEXT_BYTES + 1);
    let long = Card {
        username: Some(text),
        ..card("a")
    };
    let control = Card {
        scopes: vec!["api\n".to_owned()],
        ..card("a")
    };
    let many = Card {
        scopes: vec!["api".to_owned(); MAX_SCOPES + 1],
        ..card("a")
    };
    let huge = NewAudit {
        subject: "s".repeat(MAX_AUDIT_TEXT_BYTES + 1),
        ..audited("a", 1)
    };
    let other_card = card("b");
    let mut refused = Vec::new();
    for put in [&foreign[..], &short, &nameless, &spaced] {
        refused.push(ConnectionChange { put, ..whole });
    }
    for card in [&long, &control, &many, &other_card] {
        let card = Some(CardChange::Put(card));
        refused.push(ConnectionChange { card, ..whole });
    }
    refused.push(ConnectionChange {
        audit: Some(&huge),
        ..whole
    });
    for connection in ["", "../a", "A", "a/b", "_open"] {
        refused.push(nothing(connection));
    }
    for change in &refused {
        let error = store.change_connection(change).expect_err("refused");
        assert_eq!(error.code(), Code::Bug, "{change:?}");
    }
    assert_eq!(store.sealed_after(None, 9).expect("read"), []);
    assert_eq!(store.cards().expect("read"), []);
    assert_eq!(store.audit_head().expect("read"), None);
    store.change_connection(&whole).expect("the good one");
}

fn st35_a_secret_is_resealed_while_it_is_the_one_that_was_read(subject: &dyn Subject) {
    let store = subject.open();
    let old = sealed("a", "x", 1);
    let new = Sealed {
        key_id: "ffff0000".to_owned(),
        ..sealed("a", "x", 2)
    };
    assert!(!store.reseal(&old, &new).expect("asked"), "it is not there");
    put(&*store, "a", &[old.clone(), sealed("a", "y", 1)]);
    let changed = [
        Sealed {
            key_id: "eeee0000".to_owned(),
            ..old.clone()
        },
        Sealed {
            nonce: [7; 24],
            ..old.clone()
        },
        Sealed {
            ciphertext: vec![0; 40],
            ..old.clone()
        },
    ];
    for other in &changed {
        assert!(!store.reseal(other, &new).expect("asked"), "{other:?}");
        assert_eq!(store.sealed("a").expect("read")[0], old);
    }
    assert!(store.reseal(&old, &new).expect("asked"));
    assert!(!store.reseal(&old, &new).expect("asked"), "once");
    assert_eq!(
        store.sealed("a").expect("read"),
        [new.clone(), sealed("a", "y", 1)]
    );
    for other in [sealed("a", "y", 3), sealed("b", "x", 3)] {
        let error = store.reseal(&new, &other).expect_err("another secret");
        assert_eq!(error.code(), Code::Bug);
    }
    assert_eq!(store.sealed("a").expect("read")[0], new);
}

fn st36_cards_read_back_as_put_last(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(store.card("a").expect("read"), None);
    let bare = Card::new("a-b", "api_key", at(1));
    let mut cards = vec![card("a"), bare, card("a_b"), card("b")];
    for card in cards.iter().rev() {
        let change = ConnectionChange {
            card: Some(CardChange::Put(card)),
            ..nothing(&card.connection)
        };
        store.change_connection(&change).expect("changed");
    }
    assert_eq!(subject.open().cards().expect("list"), cards);
    cards[0] = Card::new("a", "jwt", at(9));
    let change = ConnectionChange {
        card: Some(CardChange::Put(&cards[0])),
        ..nothing("a")
    };
    store.change_connection(&change).expect("changed");
    assert_eq!(store.card("a").expect("read"), Some(cards[0].clone()));
    assert_eq!(store.cards().expect("list"), cards);
}

fn st37_a_connection_is_locked_once(subject: &dyn Subject) {
    let (first, second) = (subject.open(), subject.open());
    for _ in 0..3 {
        let held = first
            .lock_connection("leads")
            .expect("asked")
            .expect("free");
        assert_eq!(held.connection(), "leads");
        for store in [&first, &second] {
            assert!(store.lock_connection("leads").expect("asked").is_none());
        }
        let _pipeline = second.lock_pipeline(&name("leads")).expect("its own lock");
        let _other = second
            .lock_connection("other")
            .expect("asked")
            .expect("free");
        drop(held);
        drop(
            second
                .lock_connection("leads")
                .expect("asked")
                .expect("free"),
        );
    }
    let _pipeline = first.lock_pipeline(&name("connection-a")).expect("free");
    let _connection = second.lock_connection("a").expect("asked").expect("free");
    for wrong in ["", "..", "a/b", "/etc/x", "A", "_open"] {
        let error = first.lock_connection(wrong).expect_err("no name");
        assert_eq!(error.code(), Code::Bug, "{wrong}");
    }
}

fn st38_entries_follow_each_other(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(store.audit(0, 9).expect("read"), []);
    let mut written = Vec::new();
    for (action, millis) in AuditAction::ALL.into_iter().zip(1..) {
        let new = NewAudit {
            action,
            ..audited("a", millis)
        };
        written.push(store.append_audit(&new).expect("appended"));
    }
    let read = subject.open().audit(0, 99).expect("read");
    assert_eq!(read, written);
    let mut previous = [0; 32];
    for (entry, number) in read.iter().zip(1..) {
        assert_eq!(entry.seq, number);
        assert_eq!(entry.previous, previous);
        assert_eq!(entry.hash, entry.digest());
        assert_eq!(
            entry.action,
            AuditAction::ALL[entry.seq as usize - 1].as_str()
        );
        let details: Value = serde_json::from_str(&entry.details).expect("JSON");
        assert_eq!(details, Value::Object(audited("a", 1).details));
        previous = entry.hash;
    }
    let numbers = |after, limit| -> Vec<u64> {
        let found = store.audit(after, limit).expect("read");
        found.into_iter().map(|entry| entry.seq).collect()
    };
    assert_eq!(numbers(2, 2), [3, 4]);
    assert_eq!(numbers(AuditAction::ALL.len() as u64, 9), [0; 0]);
    assert_eq!(numbers(u64::MAX, 9), [0; 0]);
    let verified = verify(&*store, None).expect("read");
    let all = AuditAction::ALL.len() as u64;
    assert_eq!((verified.good, verified.broken), (all, None));
}

fn st38_an_entry_that_is_too_large_is_refused(subject: &dyn Subject) {
    let store = subject.open();
    let long = "x".repeat(MAX_AUDIT_TEXT_BYTES + 1);
    let details = object(json!({ "x": "x".repeat(MAX_AUDIT_DETAILS_BYTES) }));
    let good = audited("a", 1);
    for wrong in [
        NewAudit {
            subject: long.clone(),
            ..good.clone()
        },
        NewAudit {
            subject: String::new(),
            ..good.clone()
        },
        NewAudit {
            actor: long,
            ..good.clone()
        },
        NewAudit {
            actor: String::new(),
            ..good.clone()
        },
        NewAudit { details, ..good },
    ] {
        let error = store.append_audit(&wrong).expect_err("refused");
        assert_eq!(error.code(), Code::Bug);
    }
    assert_eq!(store.audit_head().expect("read"), None);
}

fn st39_the_head_names_the_last_entry(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(store.audit_head().expect("read"), None);
    for number in 1..=3 {
        let entry: AuditEntry = if number == 2 {
            let change = ConnectionChange {
                audit: Some(&audited("a", 2)),
                ..nothing("a")
            };
            store.change_connection(&change).expect("changed");
            store.audit(1, 1).expect("read").remove(0)
        } else {
            store.append_audit(&audited("a", 1)).expect("appended")
        };
        let expected = AuditHead {
            count: number,
            hash: entry.hash,
        };
        assert_eq!(store.audit_head().expect("read"), Some(expected));
    }
}

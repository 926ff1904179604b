//! One function for each numbered sentence of the contract, run on every kind of store.

use bridged::foundation::code::Code;
use bridged::foundation::event::{Ledger, Requests, RunState};
use bridged::foundation::record::Profile;
use bridged::store::Store;
use bridged::store::model::Settled::{Delivered, Unchanged};
use bridged::store::model::{
    CachedDescribe, Commit, LetterFilter, RunFilter, RunRow, Settled, StoredProfile,
};
use serde_json::{Map, Value, json};

use super::memory::Memory;
use super::sample::{
    Open, Sqlite, Subject, at, begin, cursor, fingerprint, incoming, name, new_run, object,
    profile, read,
};

/// One test for each sentence and each kind of store.
macro_rules! conformance {
    ($kind:ident, $subject:ident, $($sentence:ident),+ $(,)?) => {
        mod $kind {
            $(
                #[test]
                fn $sentence() {
                    super::$sentence(&super::$subject::new());
                }
            )+
        }
    };
}

pub(crate) use conformance;

macro_rules! every_sentence {
    ($kind:ident, $subject:ident) => {
        conformance!(
            $kind,
            $subject,
            st1_a_pipeline_is_locked_once,
            st2_a_dropped_lock_is_free,
            st3_a_new_run_closes_the_crashed_ones,
            st4_only_an_open_run_can_be_written_to,
            st5_a_finished_run_reads_back_as_reported,
            st5_a_report_that_disagrees_with_the_commits_is_refused,
            st6_a_commit_is_there_for_every_other_handle,
            st6_a_refused_commit_leaves_nothing,
            st7_a_commit_that_does_not_balance_is_refused,
            st8_what_is_stored_already_is_unchanged,
            st8_any_difference_is_delivered,
            st9_attributes_are_laid_over_each_other,
            st9_several_pipelines_feed_one_profile,
            st10_of_two_with_one_key_the_later_wins,
            st11_a_tombstone_keeps_and_hides,
            st12_a_profile_is_found_by_phone_and_email,
            st13_the_cursor_is_what_the_last_commit_said,
            st14_a_malformed_cursor_is_not_written,
            st15_a_dead_letter_reads_back_whole,
            st15_dead_letters_are_listed_newest_first,
            st16_profiles_are_listed_in_key_order,
            st17_a_describe_reads_back_as_put_last,
            st18_instants_are_kept_in_milliseconds,
            st19_an_unstorable_profile_refuses_the_whole_commit,
            st20_runs_are_listed_latest_first,
        );
    };
}

every_sentence!(sqlite, Sqlite);
every_sentence!(memory, Memory);

fn stored(store: &dyn Store, key: &str) -> StoredProfile {
    store.profile(key).expect("read").expect("stored")
}

fn run_row(open: &Open) -> RunRow {
    let row = open.store.run(open.run.run_id).expect("read");
    row.expect("the run is known")
}

fn st1_a_pipeline_is_locked_once(subject: &dyn Subject) {
    let (first, second) = (subject.open(), subject.open());
    let _held = first.lock_pipeline(&name("leads")).expect("free");
    for store in [&first, &second] {
        let error = store.lock_pipeline(&name("leads")).expect_err("held");
        assert_eq!(error.code(), Code::PipelineLocked);
    }
    second
        .lock_pipeline(&name("contacts"))
        .expect("another pipeline");
}

fn st2_a_dropped_lock_is_free(subject: &dyn Subject) {
    let (first, second) = (subject.open(), subject.open());
    for _ in 0..3 {
        drop(first.lock_pipeline(&name("leads")).expect("free"));
        drop(second.lock_pipeline(&name("leads")).expect("free again"));
    }
}

fn st3_a_new_run_closes_the_crashed_ones(subject: &dyn Subject) {
    let store = subject.open();
    let crashed = begin(&store, "leads");
    crashed.deliver(5, &[profile("a", json!({ "x": 1 }))]);
    let other = begin(&store, "contacts");
    let Open { run, lock, .. } = crashed;
    drop(lock);

    let next = begin(&subject.open(), "leads");

    assert_eq!(next.crashed, [run.run_id]);
    let row = store.run(run.run_id).expect("read").expect("known");
    assert_eq!(row.state, Some(RunState::Failed));
    assert_eq!(row.error.as_ref().expect("why").0, Code::Crashed);
    assert_eq!(row.finished_at, Some(at(5)), "its last sign of life");
    assert_eq!((row.ledger.read, row.ledger.delivered), (1, 1));
    assert_eq!(
        run_row(&other).state,
        None,
        "another pipeline's run goes on"
    );
    assert_eq!(run_row(&next).state, None);
    drop(next.lock);
    drop(other.lock);
}

fn st4_only_an_open_run_can_be_written_to(subject: &dyn Subject) {
    let store = subject.open();
    let old = begin(&store, "leads");
    let Open {
        run: old_run,
        lock,
        crashed,
        ..
    } = old;
    drop(lock);
    let new = begin(&store, "leads");
    let old = Open {
        store: store.clone(),
        run: old_run,
        crashed,
        lock: store.lock_pipeline(&name("unrelated")).expect("free"),
    };

    let profiles = [profile("a", json!({}))];
    let position = cursor(1);
    let commit = Commit {
        profiles: &incoming(&profiles),
        ledger: read(1),
        cursor: Some(&position),
        ..old.empty(1)
    };
    let error = store.commit(&commit).expect_err("taken over");
    assert_eq!(error.code(), Code::RunSuperseded);
    let error = store
        .finish_run(&old.report(Ledger::default()))
        .expect_err("taken over");
    assert_eq!(error.code(), Code::RunSuperseded);
    assert_eq!(store.profile_count().expect("count"), 0);
    assert_eq!(store.cursor(&name("leads")).expect("read"), None);

    let wrong_pipeline = name("contacts");
    let commit = Commit {
        pipeline: &wrong_pipeline,
        ..new.empty(1)
    };
    let error = store.commit(&commit).expect_err("another pipeline's run");
    assert_eq!(error.code(), Code::RunSuperseded);

    store
        .finish_run(&new.report(Ledger::default()))
        .expect("the end");
    let error = store
        .finish_run(&new.report(Ledger::default()))
        .expect_err("ended");
    assert_eq!(error.code(), Code::RunSuperseded);
    let error = store.commit(&new.empty(2)).expect_err("ended");
    assert_eq!(error.code(), Code::RunSuperseded);
}

fn st5_a_finished_run_reads_back_as_reported(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let letters = [open.letter("b", Code::Bug, 1)];
    let profiles = [
        profile("a", json!({ "x": 1 })),
        profile("a", json!({ "x": 1 })),
    ];
    let ledger = Ledger {
        read: 12,
        filtered: 4,
        suppressed: 2,
        rejected: 1,
        unknown: 3,
        ..Ledger::default()
    };
    let commit = Commit {
        profiles: &incoming(&profiles),
        dead_letters: &letters,
        ledger,
        ..open.empty(1)
    };
    let total = store.commit(&commit).expect("the commit").total;
    let mut report = open.report(total);
    report.state = RunState::Partial;
    report.ledger.read += 7;
    report.ledger.pending = 7;
    report.requests = Requests {
        query: 1,
        write: 2,
        auth: 3,
        other: 4,
    };
    report.api_calls = 5;
    report.cursor = Some(cursor(9));
    report.error = Some((Code::Interrupted, "stopped by a signal".to_owned()));
    report.warnings = vec!["one \"quoted\"".to_owned(), "zwei".to_owned()];
    store.finish_run(&report).expect("the end");

    let row = run_row(&open);
    assert_eq!(row.run_id, report.run_id);
    assert_eq!(row.pipeline, report.pipeline);
    assert_eq!(row.fingerprint, report.fingerprint);
    assert_eq!(row.state, Some(report.state));
    assert_eq!(row.ledger, report.ledger);
    assert_eq!(row.requests, report.requests);
    assert_eq!(row.api_calls, report.api_calls);
    assert_eq!(row.cursor, report.cursor);
    assert_eq!(row.started_at, report.started_at);
    assert_eq!(row.finished_at, Some(report.finished_at));
    assert_eq!(row.error, report.error);
    assert_eq!(row.warnings, report.warnings);
    assert_eq!(row.pid, std::process::id());
}

fn st5_a_report_that_disagrees_with_the_commits_is_refused(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let total = open.deliver(1, &[profile("a", json!({}))]).total;
    for wrong in [
        Ledger::default(),
        Ledger {
            delivered: 0,
            unchanged: 1,
            ..total
        },
        Ledger { read: 2, ..total },
        Ledger {
            read: 2,
            delivered: 2,
            ..total
        },
    ] {
        let error = store
            .finish_run(&open.report(wrong))
            .expect_err("disagrees");
        assert_eq!(error.code(), Code::Bug, "{wrong:?}");
        assert_eq!(run_row(&open).state, None, "the run stays open");
    }
    store.finish_run(&open.report(total)).expect("agrees");
}

fn st6_a_commit_is_there_for_every_other_handle(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let profiles = [
        profile("a", json!({ "x": 1 })),
        profile("b", json!({ "x": 2 })),
    ];
    let letters = [open.letter("c", Code::Bug, 1)];
    let position = cursor(3);
    let commit = Commit {
        profiles: &incoming(&profiles),
        dead_letters: &letters,
        ledger: Ledger {
            read: 4,
            rejected: 1,
            filtered: 1,
            ..Ledger::default()
        },
        cursor: Some(&position),
        requests_so_far: Requests {
            query: 7,
            ..Requests::default()
        },
        api_calls_so_far: 8,
        ..open.empty(1)
    };
    let committed = store.commit(&commit).expect("the commit");
    let expected = Ledger {
        delivered: 2,
        ..commit.ledger
    };
    assert_eq!(committed.profiles, [Settled::Delivered; 2]);
    assert_eq!((committed.delta, committed.total), (expected, expected));

    let other = subject.open();
    assert_eq!(stored(&*other, "a").profile, profiles[0]);
    assert_eq!(stored(&*other, "b").profile, profiles[1]);
    assert_eq!(other.profile_count().expect("count"), 2);
    assert_eq!(other.cursor(&name("leads")).expect("read"), Some(position));
    let found = other.dead_letters(&LetterFilter::default()).expect("list");
    assert_eq!(found.len(), 1);
    let row = other.run(open.run.run_id).expect("read").expect("known");
    assert_eq!(row.ledger, expected);
    assert_eq!((row.requests.query, row.api_calls), (7, 8));
    assert_eq!((row.state, row.seen_at), (None, at(1)));

    let more = open.deliver(2, &profiles);
    assert_eq!(more.delta.unchanged, 2);
    assert_eq!(
        (more.total.read, more.total.delivered, more.total.unchanged),
        (6, 2, 2)
    );
}

fn st6_a_refused_commit_leaves_nothing(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let ghost = new_run("leads", 0);
    // The letter's run does not exist, which shows only after the profiles are written.
    let mut letter = open.letter("c", Code::Bug, 1);
    letter.run_id = ghost.run_id;
    let profiles = [profile("a", json!({}))];
    let position = cursor(1);
    let letters = [letter];
    let commit = Commit {
        profiles: &incoming(&profiles),
        dead_letters: &letters,
        ledger: Ledger {
            read: 2,
            rejected: 1,
            ..Ledger::default()
        },
        cursor: Some(&position),
        ..open.empty(1)
    };
    store.commit(&commit).expect_err("a letter of another run");
    assert_eq!(store.profile_count().expect("count"), 0);
    assert_eq!(store.cursor(&name("leads")).expect("read"), None);
    assert_eq!(
        store.dead_letters(&LetterFilter::default()).expect("list"),
        []
    );
    assert_eq!(run_row(&open).ledger, Ledger::default());
    open.deliver(2, &profiles);
}

fn st7_a_commit_that_does_not_balance_is_refused(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let profiles = [profile("a", json!({}))];
    let letters = [open.letter("b", Code::Bug, 1)];
    let rejected = |read, rejected| Ledger {
        read,
        rejected,
        ..Ledger::default()
    };
    for (ledger, letters) in [
        (read(0), &[][..]),
        (read(2), &[]),
        (rejected(2, 1), &[]),
        (rejected(1, 0), &letters[..]),
        (rejected(3, 2), &letters),
    ] {
        let commit = Commit {
            profiles: &incoming(&profiles),
            dead_letters: letters,
            ledger,
            ..open.empty(1)
        };
        let error = store.commit(&commit).expect_err("does not balance");
        assert_eq!(error.code(), Code::Bug, "{ledger:?}");
    }
    assert_eq!(store.profile_count().expect("count"), 0);
    assert_eq!(run_row(&open).ledger, Ledger::default());
}

fn st8_what_is_stored_already_is_unchanged(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let mut full = profile(
        "a",
        json!({ "s": "é \" \\ \u{1F600}", "i": 7, "f": 0.1, "b": true, "n": null, "l": [1, {"k": []}] }),
    );
    full.consent = object(json!({ "whatsapp": true }));
    assert_eq!(open.deliver(1, &[full.clone()]).delta.delivered, 1);
    let first = stored(&*store, "a");
    assert_eq!((first.created_at, first.updated_at), (at(1), at(1)));
    assert_eq!(first.profile, full);

    let mut part = full.clone();
    part.attributes = object(json!({ "i": 7 }));
    part.consent = Map::new();
    part.salesforce_id = None;
    part.object = None;
    let mut turned = full.clone();
    turned.attributes = full.attributes.clone().into_iter().rev().collect();
    for (index, same) in [full, part, turned].into_iter().enumerate() {
        let committed = open.deliver(10, &[same]);
        assert_eq!(committed.profiles, [Settled::Unchanged], "case {index}");
        assert_eq!(committed.delta.unchanged, 1);
        assert_eq!(stored(&*store, "a"), first, "case {index}: untouched");
    }
}

fn st8_any_difference_is_delivered(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let base = profile("a", json!({ "x": 1, "y": "text" }));
    let changes: [fn(&mut Profile); 9] = [
        |profile| drop(profile.attributes.insert("x".to_owned(), json!(2))),
        |profile| drop(profile.attributes.insert("x".to_owned(), json!("1"))),
        |profile| drop(profile.attributes.insert("x".to_owned(), Value::Null)),
        |profile| drop(profile.attributes.insert("y".to_owned(), json!("Text"))),
        |profile| drop(profile.attributes.insert("z".to_owned(), Value::Null)),
        |profile| drop(profile.consent.insert("whatsapp".to_owned(), json!(false))),
        |profile| profile.salesforce_id = Some("003000000000001AAA".to_owned()),
        |profile| profile.object = Some("Contact".to_owned()),
        |profile| profile.deleted = true,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let key = format!("k{index}");
        let mut before = base.clone();
        before.key.clone_from(&key);
        open.deliver(1, std::slice::from_ref(&before));
        let mut after = before.clone();
        change(&mut after);
        let committed = open.deliver(2, std::slice::from_ref(&after));
        assert_eq!(committed.profiles, [Settled::Delivered], "change {index}");
        let found = stored(&*store, &key);
        assert_eq!(found.profile, after, "change {index}");
        assert_eq!((found.created_at, found.updated_at), (at(1), at(2)));
    }
}

fn st9_attributes_are_laid_over_each_other(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let mut first = profile("a", json!({ "keep": 1, "replace": 1, "clear": 1 }));
    first.consent = object(json!({ "whatsapp": true, "email": true }));
    let mut second = profile("a", json!({ "replace": [2], "clear": null, "add": "x" }));
    second.consent = object(json!({ "email": false }));
    second.salesforce_id = None;
    second.object = None;
    open.deliver(1, &[first]);
    open.deliver(2, &[second]);

    let found = stored(&*store, "a").profile;
    let expected = json!({ "keep": 1, "replace": [2], "clear": null, "add": "x" });
    assert_eq!(Value::Object(found.attributes), expected);
    assert_eq!(
        Value::Object(found.consent),
        json!({ "whatsapp": true, "email": false })
    );
    assert_eq!(found.salesforce_id.as_deref(), Some("00Q000000000001AAA"));
    assert_eq!(found.object.as_deref(), Some("Lead"));
}

fn st9_several_pipelines_feed_one_profile(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let name = profile("a", json!({ "name": "Ada", "note": null }));
    let calls = profile("a", json!({ "calls": 0.1, "tags": ["x"] }));
    leads.deliver(1, std::slice::from_ref(&name));
    tasks.deliver(2, std::slice::from_ref(&calls));
    for round in 3..6 {
        for (open, same) in [(&leads, &name), (&tasks, &calls)] {
            let committed = open.deliver(round, std::slice::from_ref(same));
            assert_eq!(committed.profiles, [Settled::Unchanged]);
        }
    }
    let found = stored(&*store, "a");
    assert_eq!(found.updated_at, at(2));
    let expected = json!({ "name": "Ada", "note": null, "calls": 0.1, "tags": ["x"] });
    assert_eq!(Value::Object(found.profile.attributes), expected);

    // What another pipeline overwrote is not unchanged, although this one sends what it sent before.
    tasks.deliver(7, &[profile("a", json!({ "name": "Bob" }))]);
    assert_eq!(leads.deliver(8, &[name]).profiles, [Settled::Delivered]);
    assert_eq!(stored(&*store, "a").profile.attributes["name"], "Ada");
}

fn st10_of_two_with_one_key_the_later_wins(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let committed = open.deliver(
        1,
        &[
            profile("b", json!({ "x": 1 })),
            profile("a", json!({ "x": 1, "y": 1 })),
            profile("a", json!({ "x": 2 })),
            profile("b", json!({ "x": 1 })),
            profile("a", json!({ "x": 2 })),
        ],
    );
    assert_eq!(
        committed.profiles,
        [Delivered, Delivered, Delivered, Unchanged, Unchanged]
    );
    assert_eq!(
        (committed.delta.delivered, committed.delta.unchanged),
        (3, 2)
    );
    assert_eq!(store.profile_count().expect("count"), 2);
    let found = stored(&*store, "a").profile.attributes;
    assert_eq!(Value::Object(found), json!({ "x": 2, "y": 1 }));
}

fn st11_a_tombstone_keeps_and_hides(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let alive = profile(
        "a",
        json!({ "phone": "+14155550100", "email": "ada@example.com" }),
    );
    let mut dead = profile("a", json!({}));
    dead.deleted = true;
    open.deliver(1, std::slice::from_ref(&alive));
    assert_eq!(
        open.deliver(2, std::slice::from_ref(&dead)).delta.delivered,
        1
    );
    assert_eq!(open.deliver(3, &[dead]).delta.unchanged, 1);

    let found = stored(&*store, "a").profile;
    assert!(found.deleted);
    assert_eq!(found.attributes, alive.attributes);
    assert_eq!(store.profile_count().expect("count"), 0);
    assert_eq!(store.profiles_by_phone("+14155550100").expect("find"), []);
    assert_eq!(
        store.profiles_by_email("ada@example.com").expect("find"),
        []
    );
    assert_eq!(store.profiles(None, 10).expect("list").len(), 1);

    assert_eq!(
        open.deliver(4, &[profile("a", json!({}))]).delta.delivered,
        1
    );
    assert_eq!(stored(&*store, "a").profile, alive);
    assert_eq!(store.profile_count().expect("count"), 1);
    assert_eq!(
        store.profiles_by_phone("+14155550100").expect("find").len(),
        1
    );
}

fn st12_a_profile_is_found_by_phone_and_email(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let by_phone = |phone: &str| -> Vec<String> {
        let found = store.profiles_by_phone(phone).expect("find");
        found.into_iter().map(|stored| stored.profile.key).collect()
    };
    let by_email = |email: &str| -> Vec<String> {
        let found = store.profiles_by_email(email).expect("find");
        found.into_iter().map(|stored| stored.profile.key).collect()
    };
    let contact = json!({ "phone": "+14155550100", "email": " Ada@Example.COM" });
    open.deliver(
        1,
        &[
            profile("b", contact.clone()),
            profile("a", contact),
            profile("c", json!({ "phone": 5, "email": ["x"] })),
            profile("d", json!({ "phone": null })),
        ],
    );
    assert_eq!(by_phone("+14155550100"), ["a", "b"], "in key order");
    assert_eq!(by_email("ada@example.com"), ["a", "b"]);
    assert_eq!(by_email("ADA@EXAMPLE.com "), ["a", "b"]);
    assert_eq!(by_phone("5"), [""; 0]);
    assert_eq!(by_phone(""), [""; 0]);

    // Another attribute alone leaves the numbers where they are; a new value or null does not.
    open.deliver(2, &[profile("a", json!({ "x": 1 }))]);
    assert_eq!(by_phone("+14155550100"), ["a", "b"]);
    open.deliver(3, &[profile("a", json!({ "phone": "+442071838750" }))]);
    open.deliver(3, &[profile("b", json!({ "email": null }))]);
    assert_eq!(by_phone("+14155550100"), ["b"]);
    assert_eq!(by_phone("+442071838750"), ["a"]);
    assert_eq!(by_email("ada@example.com"), ["a"]);
}

fn st13_the_cursor_is_what_the_last_commit_said(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let leads = name("leads");
    assert_eq!(store.cursor(&leads).expect("read"), None);
    assert!(!store.reset_cursor(&leads).expect("nothing to reset"));
    let mut end = cursor(3);
    end.id = String::new();
    for position in [cursor(1), cursor(2), end.clone()] {
        let commit = Commit {
            cursor: Some(&position),
            ..open.empty(1)
        };
        store.commit(&commit).expect("the commit");
        assert_eq!(store.cursor(&leads).expect("read"), Some(position));
    }
    store
        .commit(&open.empty(2))
        .expect("a commit without a cursor");
    assert_eq!(store.cursor(&leads).expect("read"), Some(end));
    assert_eq!(store.cursor(&name("contacts")).expect("read"), None);
    assert!(store.reset_cursor(&leads).expect("reset"));
    assert_eq!(store.cursor(&leads).expect("read"), None);
}

fn st14_a_malformed_cursor_is_not_written(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let good = cursor(1);
    let commit = Commit {
        cursor: Some(&good),
        ..open.empty(1)
    };
    store.commit(&commit).expect("the commit");
    let mut late = cursor(1);
    late.stamp = "2999-01-01T00:00:00Z".parse().expect("an instant");
    let mut no_id = cursor(1);
    no_id.id = "' OR 1=1".to_owned();
    for wrong in [late, no_id] {
        let commit = Commit {
            cursor: Some(&wrong),
            ..open.empty(2)
        };
        let error = store.commit(&commit).expect_err("malformed");
        assert_eq!(error.code(), Code::CursorCorrupt);
    }
    assert_eq!(store.cursor(&name("leads")).expect("read"), Some(good));
}

fn st15_a_dead_letter_reads_back_whole(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let mut bare = open.letter("b", Code::Interrupted, 2);
    bare.reason.field = None;
    bare.reason.remote_code = None;
    bare.attempts = 0;
    bare.payload = Value::Null;
    let letters = [open.letter("a", Code::Bug, 1), bare];
    commit_letters(&open, &letters);
    let found = store.dead_letters(&LetterFilter::default()).expect("list");
    assert_eq!(found.len(), 2);
    for (row, letter) in found.iter().zip(letters.iter().rev()) {
        assert_eq!(&row.letter, letter);
        let one = store.dead_letter(row.id).expect("read");
        assert_eq!(one.as_ref(), Some(row));
    }
    assert_eq!(store.dead_letter(i64::MAX).expect("read"), None);
    assert_eq!(store.dead_letter(-1).expect("read"), None);
}

fn commit_letters(open: &Open, letters: &[bridged::foundation::record::DeadLetter]) {
    let count = letters.len() as u64;
    let commit = Commit {
        dead_letters: letters,
        ledger: Ledger {
            read: count,
            rejected: count,
            ..Ledger::default()
        },
        ..open.empty(1)
    };
    open.store.commit(&commit).expect("the commit");
}

fn st15_dead_letters_are_listed_newest_first(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let many: Vec<_> = (0..150)
        .map(|index| leads.letter(&format!("l{index}"), Code::Bug, index))
        .collect();
    commit_letters(&leads, &many);
    commit_letters(&tasks, &[tasks.letter("t", Code::Interrupted, 500)]);
    let keys = |filter: &LetterFilter| -> Vec<String> {
        let found = store.dead_letters(filter).expect("list");
        assert!(found.is_sorted_by(|left, right| left.id > right.id));
        found.into_iter().map(|row| row.letter.key).collect()
    };
    let all = LetterFilter::default();
    let listed = keys(&all);
    assert_eq!(listed.len(), 100, "bounded where nothing is said");
    assert_eq!(listed[..3], ["t", "l149", "l148"]);
    let last = store.dead_letters(&all).expect("list")[99].id;
    let rest = LetterFilter {
        before: Some(last),
        ..all.clone()
    };
    assert_eq!(keys(&rest).len(), 51);
    let of_leads = LetterFilter {
        pipeline: Some(name("leads")),
        limit: Some(1),
        ..all.clone()
    };
    assert_eq!(keys(&of_leads), ["l149"]);
    let of_run = LetterFilter {
        run_id: Some(tasks.run.run_id),
        ..all.clone()
    };
    assert_eq!(keys(&of_run), ["t"]);
    let of_code = LetterFilter {
        code: Some(Code::Interrupted),
        ..all.clone()
    };
    assert_eq!(keys(&of_code), ["t"]);
    let late = LetterFilter {
        since: Some(at(148)),
        ..all.clone()
    };
    assert_eq!(keys(&late), ["t", "l149", "l148"]);
    let none = LetterFilter {
        pipeline: Some(name("none")),
        ..all
    };
    assert_eq!(keys(&none), [""; 0]);
}

fn st16_profiles_are_listed_in_key_order(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let mut keys = [
        "b",
        "a",
        "B",
        "é",
        "aa",
        "ab",
        "00Q000000000001AAA",
        "~",
        "\u{1F600}",
        " ",
    ];
    open.deliver(1, &keys.map(|key| profile(key, json!({ "key": key }))));
    keys.sort_unstable();
    for page in [1, 3, 10, 11] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().map(String::as_str);
            let rows = store.profiles(after, page).expect("list");
            if rows.is_empty() {
                break;
            }
            assert!(rows.len() <= page as usize);
            found.extend(rows.into_iter().map(|row| row.profile.key));
        }
        assert_eq!(found, keys, "pages of {page}");
    }
    assert_eq!(store.profiles(None, 0).expect("list"), []);
    assert_eq!(store.profile("none").expect("read"), None);
    assert_eq!(store.profile("A").expect("read"), None, "keys have a case");
}

fn st17_a_describe_reads_back_as_put_last(subject: &dyn Subject) {
    let store = subject.open();
    let first = CachedDescribe {
        body: r#"{"name":"Lead"}"#.to_owned(),
        last_modified: Some("Wed, 01 Jul 2026 00:00:00 GMT".to_owned()),
        fetched_at: at(1),
    };
    let second = CachedDescribe {
        body: "{}".to_owned(),
        last_modified: None,
        fetched_at: at(2),
    };
    assert_eq!(store.describe("sf", "Lead").expect("read"), None);
    store.put_describe("sf", "Lead", &first).expect("put");
    store.put_describe("other", "Lead", &second).expect("put");
    assert_eq!(
        store.describe("sf", "Lead").expect("read"),
        Some(first.clone())
    );
    assert_eq!(store.describe("sf", "LEAD").expect("read"), Some(first));
    assert_eq!(store.describe("SF", "Lead").expect("read"), None);
    store.put_describe("sf", "lead", &second).expect("put");
    assert_eq!(
        subject.open().describe("sf", "Lead").expect("read"),
        Some(second)
    );
}

fn st18_instants_are_kept_in_milliseconds(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let fine = "2027-01-15T08:00:00.123456789Z"
        .parse()
        .expect("an instant");
    let whole = "2027-01-15T08:00:00.123Z".parse().expect("an instant");
    let position = bridged::foundation::event::Cursor {
        stamp: fine,
        ..cursor(0)
    };
    let profiles = [profile("a", json!({}))];
    let commit = Commit {
        at: fine,
        profiles: &incoming(&profiles),
        ledger: read(1),
        cursor: Some(&position),
        ..open.empty(0)
    };
    store.commit(&commit).expect("the commit");
    let found = store.cursor(&name("leads")).expect("read").expect("set");
    assert_eq!(found.stamp, whole);
    assert_eq!(stored(&*store, "a").created_at, whole);
}

fn st19_an_unstorable_profile_refuses_the_whole_commit(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let profiles = [profile("a", json!({})), profile("", json!({}))];
    let commit = Commit {
        profiles: &incoming(&profiles),
        ledger: read(2),
        ..open.empty(1)
    };
    let error = store.commit(&commit).expect_err("no key");
    assert_eq!(error.code(), Code::ProfileUnstorable);
    assert_eq!(store.profile_count().expect("count"), 0);
}

fn st20_runs_are_listed_latest_first(subject: &dyn Subject) {
    let store = subject.open();
    let mut ids = Vec::new();
    for (index, state) in [
        (0, RunState::Done),
        (1, RunState::Done),
        (2, RunState::Failed),
    ] {
        let lock = store.lock_pipeline(&name("leads")).expect("free");
        let run = new_run("leads", index * 1_000);
        store.begin_run(&lock, &run).expect("the run begins");
        let open = Open {
            store: store.clone(),
            run,
            crashed: Vec::new(),
            lock,
        };
        let mut report = open.report(Ledger::default());
        report.started_at = open.run.started_at;
        report.finished_at = at(index * 1_000 + 500);
        report.state = state;
        store.finish_run(&report).expect("the end");
        ids.insert(0, open.run.run_id);
    }
    let going = begin(&store, "tasks");
    let list = |filter: &RunFilter| -> Vec<_> {
        let found = store.runs(filter).expect("list");
        assert!(found.iter().all(|row| row.fingerprint == fingerprint()));
        found.into_iter().map(|row| row.run_id).collect()
    };
    let of_leads = RunFilter {
        pipeline: Some(name("leads")),
        ..RunFilter::default()
    };
    assert_eq!(list(&of_leads), ids);
    assert_eq!(list(&RunFilter::default()).len(), 4);
    let late = RunFilter {
        since: Some(at(1_000)),
        ..of_leads.clone()
    };
    assert_eq!(list(&late), ids[..2]);
    let one = RunFilter {
        limit: Some(1),
        ..RunFilter::default()
    };
    assert_eq!(list(&one), ids[..1]);
    let done = store.last_done(&name("leads")).expect("read").expect("one");
    assert_eq!(done.run_id, ids[1]);
    assert_eq!(
        store.last_done(&name("tasks")).expect("read"),
        None,
        "it is going on"
    );
    assert_eq!(run_row(&going).finished_at, None);
}

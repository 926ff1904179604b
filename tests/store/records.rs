//! The contract's sentences on Bridged's own records, acknowledgements and open letters, on every kind of store.

use bridged::foundation::code::Code;
use bridged::foundation::event::{ChangeCursor, Ledger};
use bridged::foundation::id::{PipelineName, RunId};
use bridged::foundation::record::{
    DeadLetter, Engagement, EngagementKind, Outcome, Profile, Score,
};
use bridged::store::Store;
use bridged::store::model::Imported::{Added, Changed as Differs, Unchanged};
use bridged::store::model::Settled;
use bridged::store::model::{
    Acknowledgement, Ahead, Applied, Changed, Closed, Commit, DeadLetterRow, EngagementCounts,
    EngagementSummary, Incoming, LetterFilter, Place, RecordKind,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::conformance::conformance;
use super::memory::Memory;
use super::sample::{
    Open, Sqlite, Subject, at, begin, engagement, name, object, outcome, profile, read, score,
};

macro_rules! every_sentence {
    ($kind:ident, $subject:ident) => {
        conformance!(
            $kind,
            $subject,
            st7_a_counted_profile_has_its_place_already,
            st12_a_profile_is_found_by_its_salesforce_id,
            st21_an_import_lays_profiles_over_without_a_run,
            st21_an_import_with_one_bad_record_stores_none,
            st22_an_outcome_reads_back_as_imported_last,
            st22_outcomes_are_listed_latest_first,
            st23_an_event_counts_once,
            st23_a_summary_counts_by_kind_and_window,
            st24_a_change_number_is_given_for_a_difference_only,
            st24_an_event_gives_its_profile_a_new_number,
            st25_changes_are_listed_in_their_order,
            st25_what_changes_while_it_is_read_comes_later,
            st25_an_outcome_comes_with_its_person,
            st31_engaged_profiles_are_listed_and_no_others,
            st26_the_change_cursor_is_what_the_last_commit_said,
            st26_a_malformed_change_cursor_is_not_written,
            st27_the_last_acknowledgement_is_kept,
            st32_acknowledgements_go_ahead_of_a_commit_and_are_taken_back,
            st28_the_last_score_is_kept,
            st29_a_record_has_one_open_letter,
            st29_a_settled_record_closes_its_letter,
            st29_a_record_without_a_key_has_a_letter_each_time,
            st29_letters_are_closed_by_hand_once,
            st30_an_applied_plan_reads_back,
        );
    };
}

every_sentence!(sqlite, Sqlite);
every_sentence!(memory, Memory);

fn st7_a_counted_profile_has_its_place_already(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let counted = |key: &str| Incoming {
        profile: profile(key, json!({ "x": 1 })).into(),
        place: Place::Counted,
    };
    let profiles = [
        profile("a", json!({})).into(),
        counted("b"),
        counted("c"),
        profile("b", json!({ "x": 1 })).into(),
    ];
    let ledger = Ledger {
        read: 4,
        delivered: 1,
        filtered: 1,
        ..Ledger::default()
    };
    let commit = Commit {
        profiles: &profiles,
        ledger,
        ..open.empty(1)
    };
    let committed = store.commit(&commit).expect("the commit");
    assert_eq!(
        committed.profiles,
        [
            Settled::Delivered,
            Settled::Delivered,
            Settled::Delivered,
            Settled::Unchanged
        ]
    );
    let expected = Ledger {
        delivered: 2,
        unchanged: 1,
        ..ledger
    };
    assert_eq!((committed.delta, committed.total), (expected, expected));
    assert_eq!(store.profile_count().expect("count"), 3, "laid over alike");

    let commit = Commit {
        profiles: &profiles[1..2],
        ledger: read(1),
        ..open.empty(2)
    };
    let error = store.commit(&commit).expect_err("it has no place");
    assert_eq!(error.code(), Code::Bug);
}

fn st12_a_profile_is_found_by_its_salesforce_id(subject: &dyn Subject) {
    const LEAD: &str = "00Q000000000001AAA";
    const OTHER: &str = "003000000000001AAA";
    let store = subject.open();
    let found = |id: &str| -> Vec<String> {
        let found = store.profiles_by_salesforce_id(id).expect("find");
        found.into_iter().map(|stored| stored.profile.key).collect()
    };
    let import = |profile: Profile| {
        let one = [profile];
        store.import_profiles(&one, at(1)).expect("imported");
    };
    for key in ["b", LEAD, "a"] {
        import(profile(key, json!({})));
    }
    assert_eq!(found(LEAD), [LEAD, "a", "b"], "in key order");
    assert_eq!(found(OTHER), [""; 0]);
    assert_eq!(found(""), [""; 0]);

    let mut moved = profile("a", json!({}));
    moved.salesforce_id = Some(OTHER.to_owned());
    import(moved);
    let mut gone = profile(LEAD, json!({}));
    gone.deleted = true;
    import(gone);
    assert_eq!(found(LEAD), ["b"]);
    assert_eq!(found(OTHER), ["a"]);
}

fn st21_an_import_lays_profiles_over_without_a_run(subject: &dyn Subject) {
    let store = subject.open();
    let first = profile(
        "a",
        json!({ "keep": 1, "replace": 1, "phone": "+14155550100" }),
    );
    let second = profile("a", json!({ "replace": 2 }));
    let all = [first, second.clone(), profile("b", json!({}))];
    let settled = store.import_profiles(&all, at(1)).expect("the import");
    assert_eq!(settled, [Added, Differs, Added]);
    let again = store.import_profiles(&[second], at(2)).expect("the import");
    assert_eq!(again, [Unchanged]);

    let found = subject.open().profile("a").expect("read").expect("stored");
    let expected = json!({ "keep": 1, "replace": 2, "phone": "+14155550100" });
    assert_eq!(Value::Object(found.profile.attributes), expected);
    assert_eq!((found.created_at, found.updated_at), (at(1), at(1)));
    let by_phone = store.profiles_by_phone("+14155550100").expect("found");
    assert_eq!(by_phone.len(), 1);
    assert_eq!(store.import_profiles(&[], at(3)).expect("nothing"), []);
}

fn st21_an_import_with_one_bad_record_stores_none(subject: &dyn Subject) {
    let store = subject.open();
    let profiles = [profile("a", json!({})), profile("", json!({}))];
    let error = store.import_profiles(&profiles, at(1)).expect_err("no key");
    assert_eq!(error.code(), Code::ProfileUnstorable);

    let nested = (0..99).fold(json!(1), |inner, _| json!([inner]));
    let mut deep = outcome("x", "a", 1);
    deep.fields.insert("deep".to_owned(), nested);
    let with = |change: fn(&mut Outcome)| {
        let mut one = outcome("x", "a", 1);
        change(&mut one);
        one
    };
    for bad in [
        deep,
        with(|one| one.id.clear()),
        with(|one| one.id = "x".repeat(513)),
        with(|one| one.profile = "a\nb".to_owned()),
        with(|one| one.kind.clear()),
        with(|one| one.kind = "k".repeat(256)),
    ] {
        let outcomes = [outcome("fine", "a", 1), bad];
        let error = store.import_outcomes(&outcomes, at(1)).expect_err("bad");
        assert_eq!(error.code(), Code::RecordUnstorable);
    }
    for (id, campaign) in [("", None), ("e", Some("")), ("\u{1b}", None)] {
        let mut bad = engagement(id, "a", EngagementKind::Sent, 1);
        bad.campaign = campaign.map(str::to_owned);
        let events = [engagement("fine", "a", EngagementKind::Sent, 1), bad];
        let error = store.import_engagements(&events, at(1)).expect_err("bad");
        assert_eq!(error.code(), Code::RecordUnstorable);
    }
    assert_eq!(store.profile_count().expect("count"), 0);
    assert_eq!(store.outcome("fine").expect("read"), None);
    assert_eq!(store.engagements_of("a", 9).expect("read"), []);
    assert_eq!(store.newest_change().expect("read"), 0);
}

fn st22_an_outcome_reads_back_as_imported_last(subject: &dyn Subject) {
    let store = subject.open();
    let first = outcome("o", "nobody", 1);
    let import = |one: &Outcome| {
        let one = std::slice::from_ref(one);
        store.import_outcomes(one, at(9)).expect("the import")[0]
    };
    assert_eq!(import(&first), Added);
    let mut turned = first.clone();
    turned.fields = first.fields.clone().into_iter().rev().collect();
    for same in [&first, &turned] {
        assert_eq!(import(same), Unchanged);
    }
    assert_eq!(
        subject.open().outcome("o").expect("read"),
        Some(first.clone())
    );

    let changes: [fn(&mut Outcome); 6] = [
        |one| one.profile = "somebody".to_owned(),
        |one| one.kind = "converted".to_owned(),
        |one| one.occurred_at = at(2),
        |one| drop(one.fields.insert("summary".to_owned(), json!("other"))),
        |one| drop(one.fields.insert("more".to_owned(), Value::Null)),
        |one| one.fields.clear(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut next = store.outcome("o").expect("read").expect("stored");
        change(&mut next);
        assert_eq!(import(&next), Differs, "change {index}");
        let found = store.outcome("o").expect("read");
        assert_eq!(found, Some(next), "change {index}: it replaces");
    }
    assert_eq!(store.outcome("O").expect("read"), None, "ids have a case");
    assert_eq!(
        store.count_changed(RecordKind::Outcomes, 0, u64::MAX).ok(),
        Some(1)
    );
}

fn st22_outcomes_are_listed_latest_first(subject: &dyn Subject) {
    let store = subject.open();
    let all = [
        outcome("b", "ada", 5),
        outcome("a", "ada", 5),
        outcome("c", "ada", 1),
        outcome("d", "ada", 9),
        outcome("e", "bob", 7),
    ];
    store.import_outcomes(&all, at(10)).expect("the import");
    let ids = |profile: &str, limit: u32| -> Vec<String> {
        let found = store.outcomes_of(profile, limit).expect("list");
        found.into_iter().map(|one| one.id).collect()
    };
    assert_eq!(ids("ada", 9), ["d", "b", "a", "c"]);
    assert_eq!(ids("ada", 2), ["d", "b"]);
    assert_eq!(ids("bob", 9), ["e"]);
    assert_eq!(ids("eve", 9), [""; 0]);
    let moved = outcome("d", "bob", 9);
    store.import_outcomes(&[moved], at(11)).expect("the import");
    assert_eq!(ids("ada", 9), ["b", "a", "c"]);
    assert_eq!(ids("bob", 9), ["d", "e"]);
}

fn st23_an_event_counts_once(subject: &dyn Subject) {
    let store = subject.open();
    let mut sent = engagement("e1", "ada", EngagementKind::Sent, 1);
    sent.campaign = Some("spring".to_owned());
    let read = engagement("e2", "ada", EngagementKind::Read, 2);
    let mut other = engagement("e1", "ada", EngagementKind::Replied, 3);
    let import = |events: &[Engagement]| store.import_engagements(events, at(9)).expect("stored");
    let twice = [sent.clone(), read.clone(), other.clone()];
    assert_eq!(import(&twice), [Added, Added, Unchanged]);
    assert_eq!(import(&twice), [Unchanged; 3]);
    other.profile = "bob".to_owned();
    assert_eq!(import(&[other]), [Unchanged]);

    let found = subject.open().engagements_of("ada", 9).expect("list");
    assert_eq!(found, [read.clone(), sent]);
    assert_eq!(store.engagements_of("ada", 1).expect("list"), [read]);
    assert_eq!(store.engagements_of("bob", 9).expect("list"), []);
    let summary = &store.engagement(&["ada"], at(9)).expect("summary")[0];
    assert_eq!((summary.sent, summary.read, summary.replies), (1, 1, 0));
}

fn st23_a_summary_counts_by_kind_and_window(subject: &dyn Subject) {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let store = subject.open();
    let now = 100 * DAY;
    let mut events = Vec::new();
    for (index, age) in [
        -1,
        0,
        7 * DAY,
        7 * DAY + 1,
        30 * DAY + 1,
        90 * DAY,
        90 * DAY + 1,
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("s{index}");
        events.push(engagement(&id, "ada", EngagementKind::Sent, now - age));
    }
    let kinds = [
        ("d", EngagementKind::Delivered, 8 * DAY),
        ("r", EngagementKind::Read, 31 * DAY),
        ("a", EngagementKind::Replied, 91 * DAY),
        ("b", EngagementKind::Replied, 2 * DAY),
        ("o", EngagementKind::OptedOut, 99 * DAY),
        ("i", EngagementKind::OptedIn, 99 * DAY),
        ("j", EngagementKind::OptedIn, 100 * DAY),
    ];
    events.extend(kinds.map(|(id, kind, age)| engagement(id, "ada", kind, now - age)));
    events.push(engagement("x", "bob", EngagementKind::Delivered, now));
    events.push(engagement("y", "bob", EngagementKind::OptedIn, now));
    events.push(engagement("z", "bob", EngagementKind::OptedOut, now - 1));
    store.import_engagements(&events, at(0)).expect("stored");

    let keys = ["nobody", "ada", "bob", "ada"];
    let found = store.engagement(&keys, at(now)).expect("summaries");
    assert_eq!(found.len(), 4);
    assert_eq!(found[0], EngagementSummary::default());
    assert_eq!(found[1], found[3]);
    let counts = |sent, delivered, read, replies| EngagementCounts {
        sent,
        delivered,
        read,
        replies,
    };
    let ada = EngagementSummary {
        sent: 7,
        delivered: 1,
        read: 1,
        replies: 2,
        last_sent: Some(at(now + 1)),
        last_reply: Some(at(now - 2 * DAY)),
        opted_out: true,
        last_wish: Some(at(now - 99 * DAY)),
        last_7_days: counts(3, 0, 0, 1),
        last_30_days: counts(4, 1, 0, 1),
        last_90_days: counts(6, 1, 1, 1),
    };
    assert_eq!(found[1], ada);
    assert_eq!((found[2].delivered, found[2].opted_out), (1, false));
    assert_eq!(found[2].last_sent, None);
}

/// The keys of changed profiles behind a number, in order.
fn changed(store: &dyn Store, after: u64) -> Vec<String> {
    let until = store.newest_change().expect("read");
    let found = store.changed_profiles(after, until, 100).expect("list");
    assert!(found.is_sorted_by(|left, right| left.change < right.change));
    assert!(found.iter().all(|one| one.change > after));
    let count = store.count_changed(RecordKind::Profiles, after, until);
    assert_eq!(count.ok(), Some(found.len() as u64));
    found
        .into_iter()
        .map(|one| one.record.profile.key)
        .collect()
}

fn st24_a_change_number_is_given_for_a_difference_only(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    assert_eq!(store.newest_change().expect("read"), 0);
    open.deliver(
        1,
        &[profile("a", json!({ "x": 1 })), profile("b", json!({}))],
    );
    let first = store.newest_change().expect("read");
    assert_eq!(changed(&*store, 0), ["a", "b"]);

    open.deliver(2, &[profile("a", json!({ "x": 1 }))]);
    store
        .import_profiles(&[profile("b", json!({}))], at(2))
        .expect("the import");
    assert_eq!(store.newest_change().expect("read"), first, "unchanged");

    let mut consent = profile("a", json!({}));
    consent.consent = object(json!({ "whatsapp": true }));
    let mut gone = profile("b", json!({}));
    gone.deleted = true;
    for (round, change) in [profile("a", json!({ "x": 2 })), consent, gone]
        .into_iter()
        .enumerate()
    {
        let before = store.newest_change().expect("read");
        let key = change.key.clone();
        open.deliver(3, &[change]);
        assert_eq!(changed(&*store, before), [key], "round {round}");
    }
    let before = store.newest_change().expect("read");
    let outcomes = [outcome("o", "a", 1)];
    store.import_outcomes(&outcomes, at(4)).expect("imported");
    let after = store.newest_change().expect("read");
    assert!(after > before, "one counter for all records");
    assert_eq!(changed(&*store, before), [""; 0]);
    store.import_outcomes(&outcomes, at(5)).expect("imported");
    assert_eq!(store.newest_change().expect("read"), after);
}

fn st24_an_event_gives_its_profile_a_new_number(subject: &dyn Subject) {
    let store = subject.open();
    let profiles = ["a", "b", "c"].map(|key| profile(key, json!({})));
    store.import_profiles(&profiles, at(1)).expect("imported");
    let before = store.newest_change().expect("read");
    let events = [
        engagement("1", "c", EngagementKind::Sent, 1),
        engagement("2", "a", EngagementKind::Sent, 2),
        engagement("3", "c", EngagementKind::Read, 3),
        engagement("4", "nobody", EngagementKind::Sent, 4),
    ];
    store.import_engagements(&events, at(2)).expect("imported");
    let mut keys = changed(&*store, before);
    keys.sort_unstable();
    assert_eq!(keys, ["a", "c"]);
    let stored = store.profile("a").expect("read").expect("stored");
    assert_eq!(stored.updated_at, at(1), "the profile itself is as it was");

    let before = store.newest_change().expect("read");
    store.import_engagements(&events, at(3)).expect("imported");
    assert_eq!(store.newest_change().expect("read"), before);
}

fn st25_changes_are_listed_in_their_order(subject: &dyn Subject) {
    let store = subject.open();
    for (number, key) in ["d", "a", "c", "b", "a"].into_iter().enumerate() {
        let one = profile(key, json!({ "n": number }));
        store.import_profiles(&[one], at(1)).expect("imported");
        let one = outcome(key, key, i64::try_from(number).expect("small"));
        store.import_outcomes(&[one], at(1)).expect("imported");
    }
    let until = store.newest_change().expect("read");
    for page in [1, 2, 4, 9] {
        let (mut profiles, mut outcomes) = (Vec::new(), Vec::new());
        let mut after = 0;
        loop {
            let found = store.changed_profiles(after, until, page).expect("list");
            assert!(found.len() <= page as usize);
            let Some(last) = found.last() else { break };
            after = last.change;
            profiles.extend(found.into_iter().map(|one| one.record.profile.key));
        }
        after = 0;
        loop {
            let found = store.changed_outcomes(after, until, page).expect("list");
            let Some(last) = found.last() else { break };
            after = last.change;
            outcomes.extend(found.into_iter().map(|one| one.record.outcome.id));
        }
        assert_eq!(profiles, ["d", "c", "b", "a"], "pages of {page}");
        assert_eq!(outcomes, ["d", "c", "b", "a"], "pages of {page}");
    }
    for kind in [RecordKind::Profiles, RecordKind::Outcomes] {
        let count = |after, until| store.count_changed(kind, after, until).expect("count");
        assert_eq!(count(0, until), 4);
        assert_eq!(count(until, until), 0);
        assert_eq!(count(until, 0), 0);
        assert_eq!(count(0, u64::MAX), 4);
        assert_eq!(count(u64::MAX, u64::MAX), 0);
    }
    let none = store.changed_profiles(until, u64::MAX, 9).expect("list");
    assert_eq!(none, []);
}

fn st25_what_changes_while_it_is_read_comes_later(subject: &dyn Subject) {
    let store = subject.open();
    let profiles = ["a", "b", "c"].map(|key| profile(key, json!({ "n": 1 })));
    store.import_profiles(&profiles, at(1)).expect("imported");
    let until = store.newest_change().expect("read");
    let first = store.changed_profiles(0, until, 1).expect("list");
    let next = [profile("b", json!({ "n": 2 }))];
    store.import_profiles(&next, at(2)).expect("imported");

    let rest = store
        .changed_profiles(first[0].change, until, 9)
        .expect("list");
    let keys: Vec<_> = rest.iter().map(|one| &one.record.profile.key).collect();
    assert_eq!(keys, ["c"]);
    assert_eq!(changed(&*store, until), ["b"]);
}

fn st31_engaged_profiles_are_listed_and_no_others(subject: &dyn Subject) {
    let store = subject.open();
    let profiles = ["a", "b", "c"].map(|key| profile(key, json!({ "n": 1 })));
    store.import_profiles(&profiles, at(1)).expect("imported");
    let before = store.newest_change().expect("read");
    let events = [
        engagement("e-1", "b", EngagementKind::Replied, 5),
        engagement("e-2", "nobody", EngagementKind::Replied, 6),
    ];
    store.import_engagements(&events, at(2)).expect("imported");
    let until = store.newest_change().expect("read");
    let keys = |after, until| -> Vec<String> {
        let found = store.engaged_profiles(after, until, 9).expect("list");
        found.into_iter().map(|one| one.record.key).collect()
    };
    assert_eq!(keys(before, until), ["b"]);
    assert_eq!(keys(0, before), [""; 0]);

    // The same event again, and a profile that changes otherwise, engage nobody.
    store.import_engagements(&events, at(3)).expect("imported");
    let changed = [
        profile("c", json!({ "n": 2 })),
        profile("b", json!({ "n": 2 })),
    ];
    store.import_profiles(&changed, at(3)).expect("imported");
    assert_eq!(keys(until, u64::MAX), [""; 0]);
    assert_eq!(keys(before, u64::MAX), ["b"]);

    let gone = [bridged::foundation::record::Profile {
        deleted: true,
        ..profile("b", json!({}))
    }];
    store.import_profiles(&gone, at(4)).expect("imported");
    assert_eq!(keys(0, u64::MAX), [""; 0]);
}

fn st25_an_outcome_comes_with_its_person(subject: &dyn Subject) {
    let store = subject.open();
    let mut gone = profile("gone", json!({}));
    gone.deleted = true;
    let profiles = [profile("ada", json!({ "x": 1 })), gone];
    store.import_profiles(&profiles, at(1)).expect("imported");
    let outcomes = ["nobody", "ada", "gone"].map(|key| outcome(key, key, 1));
    store.import_outcomes(&outcomes, at(1)).expect("imported");
    let found = store.changed_outcomes(0, u64::MAX, 9).expect("list");
    let seen: Vec<_> = found
        .iter()
        .map(|Changed { record, .. }| (&record.outcome, &record.profile))
        .collect();
    let stored = |key: &str| store.profile(key).expect("read");
    assert_eq!(stored("nobody"), None);
    assert_eq!(
        seen,
        [
            (&outcomes[0], &None),
            (&outcomes[1], &stored("ada")),
            (&outcomes[2], &stored("gone")),
        ]
    );
}

fn position(change: u64) -> ChangeCursor {
    ChangeCursor {
        source_hash: "4567cdef".to_owned(),
        change,
    }
}

fn st26_the_change_cursor_is_what_the_last_commit_said(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let commit = |open: &Open, cursor: Option<&ChangeCursor>| {
        let commit = Commit {
            change_cursor: cursor,
            ..open.empty(1)
        };
        store.commit(&commit).expect("the commit");
    };
    let current = || store.change_cursor(&name("leads")).expect("read");
    assert_eq!(current(), None);
    for change in [0, 7, 3] {
        commit(&leads, Some(&position(change)));
        assert_eq!(current(), Some(position(change)));
    }
    commit(&leads, None);
    commit(&tasks, Some(&position(9)));
    assert_eq!(current(), Some(position(3)));
    assert_eq!(store.cursor(&name("leads")).expect("read"), None);

    let row = store.run(leads.run.run_id).expect("read").expect("known");
    assert_eq!(row.change_cursor, None, "told at the end");
    let mut report = leads.report(Ledger::default());
    report.change_cursor = Some(position(3));
    store.finish_run(&report).expect("the end");
    let row = store.run(leads.run.run_id).expect("read").expect("known");
    assert_eq!(row.change_cursor, Some(position(3)));

    assert!(store.reset_cursor(&name("leads")).expect("reset"));
    assert_eq!(current(), None);
    assert!(!store.reset_cursor(&name("leads")).expect("reset"));
    let other = store.change_cursor(&name("tasks")).expect("read");
    assert_eq!(other, Some(position(9)));
}

fn st26_a_malformed_change_cursor_is_not_written(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    for (hash, change) in [("", 1), ("a b", 1), ("a", u64::MAX)] {
        let wrong = ChangeCursor {
            source_hash: hash.to_owned(),
            change,
        };
        let commit = Commit {
            change_cursor: Some(&wrong),
            ..open.empty(1)
        };
        let error = store.commit(&commit).expect_err("malformed");
        assert_eq!(error.code(), Code::CursorCorrupt, "{wrong:?}");
    }
    assert_eq!(store.change_cursor(&name("leads")).expect("read"), None);
}

fn acknowledgement(target: &str, key: &str, byte: u8) -> Acknowledgement {
    Acknowledgement {
        target: target.to_owned(),
        key: key.to_owned(),
        digest: [byte; 32],
        salesforce_id: (byte > 1).then(|| "00Q000000000001AAA".to_owned()),
        fields: (byte > 2).then(|| r#"{"Rating":"Hot"}"#.to_owned()),
    }
}

fn acknowledge(open: &Open, millis: i64, acknowledged: &[Acknowledgement]) {
    let commit = Commit {
        acknowledged,
        ..open.empty(millis)
    };
    open.store.commit(&commit).expect("the commit");
}

fn st27_the_last_acknowledgement_is_kept(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let first = [
        acknowledgement("lead", "a", 1),
        acknowledgement("lead", "b", 2),
        acknowledgement("lead", "b", 3),
        acknowledgement("call", "a", 4),
    ];
    acknowledge(&leads, 1, &first);
    acknowledge(&tasks, 2, &[acknowledgement("lead", "a", 5)]);
    acknowledge(&leads, 3, &[acknowledgement("call", "a", 1)]);

    let seen = |pipeline: &str, target: &str, keys: &[&str]| -> Vec<Option<(u8, Timestamp)>> {
        let found = store
            .acknowledged(&name(pipeline), target, keys)
            .expect("read");
        let one = |one: bridged::store::model::Acknowledged| {
            let byte = one.digest[0];
            let expected = acknowledgement("", "", byte);
            assert_eq!(one.digest, expected.digest);
            assert_eq!(one.salesforce_id, expected.salesforce_id);
            assert_eq!(one.fields, expected.fields);
            (byte, one.at)
        };
        found.into_iter().map(|found| found.map(one)).collect()
    };
    assert_eq!(
        seen("leads", "lead", &["b", "A", "a", "b"]),
        [Some((3, at(1))), None, Some((1, at(1))), Some((3, at(1)))]
    );
    assert_eq!(seen("leads", "call", &["a", "b"]), [Some((1, at(3))), None]);
    assert_eq!(seen("tasks", "lead", &["a"]), [Some((5, at(2)))]);
    assert_eq!(seen("tasks", "call", &["a"]), [None]);
    assert_eq!(seen("none", "lead", &[]), []);
}

fn st32_acknowledgements_go_ahead_of_a_commit_and_are_taken_back(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    acknowledge(&leads, 1, &[acknowledgement("lead", "a", 1)]);
    acknowledge(&tasks, 1, &[acknowledgement("lead", "a", 2)]);
    let (leads_name, tasks_name) = (name("leads"), name("tasks"));
    let ahead = |millis: i64, acknowledged: &[Acknowledgement], forgotten: &[&str]| {
        let forgotten: Vec<String> = forgotten.iter().map(|&key| key.to_owned()).collect();
        store.acknowledge_ahead(&Ahead {
            run_id: leads.run.run_id,
            pipeline: &leads_name,
            at: at(millis),
            target: "lead",
            acknowledged,
            forgotten: &forgotten,
        })
    };
    let known = |pipeline: &PipelineName, target: &str| -> Vec<Option<(u8, Timestamp)>> {
        let found = store.acknowledged(pipeline, target, &["a", "b", "c"]);
        let found = found.expect("read").into_iter();
        found
            .map(|one| one.map(|one| (one.digest[0], one.at)))
            .collect()
    };
    let put = [
        acknowledgement("lead", "a", 3),
        acknowledgement("lead", "b", 4),
        acknowledgement("call", "a", 5),
    ];
    ahead(2, &put, &["c"]).expect("put");
    assert_eq!(
        known(&leads_name, "lead"),
        [Some((3, at(2))), Some((4, at(2))), None]
    );
    ahead(3, &[acknowledgement("lead", "b", 1)], &["a", "b", "c"]).expect("take back");
    assert_eq!(known(&leads_name, "lead"), [None, Some((1, at(3))), None]);
    assert_eq!(
        known(&leads_name, "call"),
        [Some((5, at(2))), None, None],
        "another target"
    );
    assert_eq!(
        known(&tasks_name, "lead"),
        [Some((2, at(1))), None, None],
        "another pipeline"
    );
    assert_eq!(
        store
            .run(leads.run.run_id)
            .expect("read")
            .expect("there")
            .ledger,
        Ledger::default()
    );

    // ST4: a run that ended writes nothing any more.
    store
        .finish_run(&leads.report(Ledger::default()))
        .expect("the end");
    let refused = ahead(4, &put, &["b"]).expect_err("ended");
    assert_eq!(refused.code(), Code::RunSuperseded);
    assert_eq!(known(&leads_name, "lead"), [None, Some((1, at(3))), None]);
}

fn st28_the_last_score_is_kept(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let give = |open: &Open, millis: i64, key: &str, score: Score| {
        let scores = [(key.to_owned(), score)];
        let commit = Commit {
            scores: &scores,
            ..open.empty(millis)
        };
        store.commit(&commit).expect("the commit");
    };
    give(&tasks, 1, "ada", score(-5));
    give(&leads, 2, "ada", score(40));
    give(&leads, 3, "ada", score(40));
    let of_ada = || store.scores_of("ada").expect("read");
    assert_eq!(
        of_ada(),
        [
            (name("leads"), score(40), at(2)),
            (name("tasks"), score(-5), at(1)),
        ]
    );
    let changes: [fn(&mut Score); 5] = [
        |score| score.score = 41,
        |score| score.grade = None,
        |score| score.qualified = !score.qualified,
        |score| score.reasons.reverse(),
        |score| score.reasons.clear(),
    ];
    let mut next = score(40);
    for (change, millis) in changes.into_iter().zip(4..) {
        change(&mut next);
        give(&leads, millis, "ada", next.clone());
        assert_eq!(of_ada()[0], (name("leads"), next.clone(), at(millis)));
    }
    assert_eq!(store.scores_of("bob").expect("read"), []);
}

fn reject(open: &Open, millis: i64, letters: &[DeadLetter], settled: &[&str]) {
    let settled: Vec<String> = settled.iter().map(|&key| key.to_owned()).collect();
    let count = letters.len() as u64;
    let commit = Commit {
        dead_letters: letters,
        settled_keys: &settled,
        ledger: Ledger {
            read: count + settled.len() as u64,
            filtered: settled.len() as u64,
            rejected: count,
            ..Ledger::default()
        },
        ..open.empty(millis)
    };
    open.store.commit(&commit).expect("the commit");
}

fn letters(store: &dyn Store, closed: bool) -> Vec<DeadLetterRow> {
    let filter = LetterFilter {
        closed,
        ..LetterFilter::default()
    };
    let found = store.dead_letters(&filter).expect("list");
    for row in &found {
        let one = store.dead_letter(row.id).expect("read");
        assert_eq!(one.as_ref(), Some(row));
    }
    found
}

fn st29_a_record_has_one_open_letter(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let first = leads.letter("a", Code::Bug, 1);
    let others = [first, leads.letter("b", Code::Bug, 1)];
    reject(&leads, 1, &others, &[]);
    reject(&tasks, 1, &[tasks.letter("a", Code::Bug, 1)], &[]);
    let id = letters(&*store, false).last().expect("the first").id;
    let Open { lock, .. } = leads;
    drop(lock);

    let again = begin(&store, "leads");
    let mut letter = again.letter("a", Code::Interrupted, 7);
    letter.step = "deliver".to_owned();
    letter.reason.field = None;
    letter.payload = json!({ "new": true });
    letter.attempts = u32::MAX - 1;
    let twice = [letter.clone(), letter.clone()];
    reject(&again, 7, &twice, &[]);

    let found = letters(&*store, false);
    assert_eq!(found.len(), 3);
    assert_eq!(letters(&*store, true), found, "none was closed");
    let row = found.iter().find(|row| row.id == id).expect("the same id");
    let expected = DeadLetter {
        attempts: u32::MAX,
        ..letter
    };
    assert_eq!((&row.letter, &row.closed), (&expected, &None));
    let row = store.run(again.run.run_id).expect("read").expect("known");
    assert_eq!(row.ledger.rejected, 2, "each rejection counts");
}

fn st29_a_settled_record_closes_its_letter(subject: &dyn Subject) {
    let store = subject.open();
    let (leads, tasks) = (begin(&store, "leads"), begin(&store, "tasks"));
    let has_open = || store.has_open_letters(&name("leads")).expect("read");
    assert!(!has_open());
    let keys = ["a", "b", "c"].map(|key| leads.letter(key, Code::Bug, 1));
    reject(&leads, 1, &keys, &["x"]);
    reject(&tasks, 1, &[tasks.letter("a", Code::Bug, 1)], &[]);
    // The second is rejected and settled at once, as a record that was read twice may be.
    let again = [leads.letter("b", Code::Bug, 5)];
    reject(&leads, 5, &again, &["a", "b", "none"]);

    let open: Vec<_> = letters(&*store, false)
        .into_iter()
        .map(|row| (row.letter.pipeline, row.letter.key))
        .collect();
    let expected = [("tasks", "a"), ("leads", "c"), ("leads", "b")];
    assert_eq!(
        open,
        expected.map(|(pipeline, key)| (pipeline.to_owned(), key.to_owned()))
    );
    let all = letters(&*store, true);
    let closed: Vec<_> = all.iter().filter(|row| row.closed.is_some()).collect();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].letter.key, "a");
    assert_eq!(closed[0].closed, Some((Closed::Delivered, at(5))));

    reject(&leads, 6, &[leads.letter("a", Code::Bug, 6)], &[]);
    assert_eq!(letters(&*store, true).len(), all.len() + 1, "a new one");
    assert!(has_open());
    reject(&leads, 7, &[], &["a", "b", "c"]);
    assert!(!has_open());
    assert!(store.has_open_letters(&name("tasks")).expect("read"));
}

fn st29_a_record_without_a_key_has_a_letter_each_time(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let nameless = [open.letter("", Code::Bug, 1), open.letter("", Code::Bug, 2)];
    reject(&open, 1, &nameless, &[]);
    reject(&open, 2, &nameless[..1], &[""]);
    assert_eq!(letters(&*store, false).len(), 3);
}

fn st29_letters_are_closed_by_hand_once(subject: &dyn Subject) {
    let store = subject.open();
    let open = begin(&store, "leads");
    let keys = ["a", "b", "c"].map(|key| open.letter(key, Code::Bug, 1));
    reject(&open, 1, &keys, &[]);
    let ids: Vec<i64> = letters(&*store, false).iter().map(|row| row.id).collect();
    let close = |ids: &[i64], how, millis| store.close_letters(ids, how, at(millis)).expect("done");
    assert_eq!(close(&[], Closed::Gone, 2), 0);
    assert_eq!(close(&[ids[0], ids[0], -1, 99], Closed::Gone, 3), 1);
    assert_eq!(close(&ids[..2], Closed::Delivered, 4), 1);
    let closed: Vec<_> = letters(&*store, true)
        .into_iter()
        .map(|row| row.closed)
        .collect();
    assert_eq!(
        closed,
        [
            Some((Closed::Gone, at(3))),
            Some((Closed::Delivered, at(4))),
            None
        ]
    );
    let of_run = LetterFilter {
        run_id: Some(open.run.run_id),
        pipeline: Some(name("leads")),
        ..LetterFilter::default()
    };
    assert_eq!(store.dead_letters(&of_run).expect("list").len(), 1);
    let all = LetterFilter {
        closed: true,
        ..of_run
    };
    assert_eq!(store.dead_letters(&all).expect("list").len(), 3);
}

fn st30_an_applied_plan_reads_back(subject: &dyn Subject) {
    let store = subject.open();
    let begun = Applied {
        digest: "d1".to_owned(),
        pipeline: name("leads"),
        run_id: RunId::generate(),
        begun_at: at(1),
        finished_at: None,
    };
    assert_eq!(store.applied("d1").expect("read"), None);
    store.put_applied(&begun).expect("put");
    assert_eq!(store.applied("d1").expect("read"), Some(begun.clone()));
    let finished = Applied {
        run_id: RunId::generate(),
        finished_at: Some(at(2)),
        ..begun
    };
    store.put_applied(&finished).expect("put");
    assert_eq!(subject.open().applied("d1").expect("read"), Some(finished));
    assert_eq!(store.applied("d2").expect("read"), None);
}

#[test]
fn a_summary_shows_templates_every_name_whatever_happened() {
    let mut summary = EngagementSummary::default();
    let counts = json!({ "sent": 0, "delivered": 0, "read": 0, "replies": 0 });
    let expected = json!({
        "sent": 0, "delivered": 0, "read": 0, "replies": 0,
        "last_sent": null, "last_reply": null, "opted_out": false,
        "last_7_days": counts, "last_30_days": counts, "last_90_days": counts,
    });
    assert_eq!(summary.to_value(), expected);
    summary.add(EngagementKind::Sent, at(0), at(0));
    summary.add(EngagementKind::OptedOut, at(0), at(0));
    let value = summary.to_value();
    assert_eq!(value["sent"], 1);
    assert_eq!(value["last_7_days"]["sent"], 1);
    assert_eq!(value["last_sent"], "2027-01-15T08:00:00Z");
    assert_eq!(value["opted_out"], true);
    summary.add(EngagementKind::OptedIn, at(1), at(1));
    assert_eq!(summary.to_value()["opted_out"], false);
}

#[test]
fn a_kind_of_engagement_is_read_as_it_is_shown() {
    for kind in EngagementKind::ALL {
        assert_eq!(EngagementKind::parse(kind.as_str()), Some(kind));
    }
    for text in ["", "Sent", "replies", "opted-out"] {
        assert_eq!(EngagementKind::parse(text), None, "{text}");
    }
}

//! Random histories: whatever happens to a store, every kind of it ends alike.

use bridged::foundation::code::Code;
use bridged::foundation::event::{ChangeCursor, Ledger};
use bridged::foundation::id::PipelineName;
use bridged::foundation::record::{Engagement, EngagementKind, Outcome, Profile};
use bridged::store::Store;
use bridged::store::model::{Acknowledgement, Commit, Incoming, LetterFilter, Place, RunFilter};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use serde_json::{Map, Value, json};

use super::memory::Memory;
use super::sample::{
    Open, Sqlite, Subject, at, begin, cursor, engagement, incoming, name, outcome, profile, score,
};

/// One thing that may happen to a store.
#[derive(Debug, Clone)]
enum Act {
    /// A run of the pipeline commits these profiles, and moves its cursor or not.
    Commit(bool, Vec<Profile>, bool),
    /// The run of the pipeline is left unfinished and another one begins.
    Crash(bool),
    /// The pipeline's cursor is forgotten.
    Reset(bool),
    /// Profiles are imported.
    Import(Vec<Profile>),
    /// Outcomes are imported.
    Outcomes(Vec<Outcome>),
    /// Events are imported.
    Events(Vec<Engagement>),
    /// A run of the pipeline rejects the records of the first keys and settles those of the second.
    Settle(bool, Vec<String>, Vec<String>),
    /// A run of the pipeline scores profiles, has payloads acknowledged and moves its place among the changes.
    Write(bool, Vec<(String, u8)>),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-cé\"\\\\\u{0}\u{1F600}]{0,3}".prop_map(Value::from),
        prop::collection::vec(0..2_i64, 0..3).prop_map(Value::from),
        Just(json!({ "b": 1, "a": [null] })),
    ]
}

fn map(names: &'static [&'static str]) -> impl Strategy<Value = Map<String, Value>> {
    let entry = (prop::sample::select(names), value());
    prop::collection::vec(entry, 0..4).prop_map(|entries| {
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    })
}

fn any_profile() -> impl Strategy<Value = Profile> {
    (
        prop::sample::select(&["a", "b", "B", "é"][..]),
        prop::option::of(prop::sample::select(
            &["00Q000000000001AAA", "003000000000001AAA"][..],
        )),
        map(&["phone", "email", "x", "y"]),
        map(&["whatsapp"]),
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(key, salesforce_id, attributes, consent, deleted)| Profile {
                key: key.to_owned(),
                object: salesforce_id.map(|id| {
                    if id.starts_with("00Q") {
                        "Lead"
                    } else {
                        "Contact"
                    }
                    .to_owned()
                }),
                salesforce_id: salesforce_id.map(str::to_owned),
                attributes,
                consent,
                deleted,
            },
        )
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(&["", "a", "b", "B", "é"][..]).prop_map(str::to_owned)
}

fn keys() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(key(), 0..4)
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    let of = prop::sample::select(&["a", "b", "none"][..]);
    (0..4_u8, of, 0..3_i64, map(&["summary", "x"])).prop_map(|(id, profile, millis, fields)| {
        let mut outcome = outcome(&format!("o{id}"), profile, millis);
        outcome.fields = fields;
        outcome
    })
}

fn any_event() -> impl Strategy<Value = Engagement> {
    let of = prop::sample::select(&["a", "b", "none"][..]);
    let kind = prop::sample::select(&EngagementKind::ALL[..]);
    (0..9_u8, of, kind, 0..3_i64).prop_map(|(id, profile, kind, days)| {
        engagement(&format!("e{id}"), profile, kind, days * -5 * 86_400_000)
    })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (any::<bool>(), prop::collection::vec(any_profile(), 0..6), any::<bool>())
            .prop_map(|(which, profiles, moves)| Act::Commit(which, profiles, moves)),
        1 => any::<bool>().prop_map(Act::Crash),
        1 => any::<bool>().prop_map(Act::Reset),
        2 => prop::collection::vec(any_profile(), 0..4).prop_map(Act::Import),
        2 => prop::collection::vec(any_outcome(), 0..4).prop_map(Act::Outcomes),
        2 => prop::collection::vec(any_event(), 0..4).prop_map(Act::Events),
        3 => (any::<bool>(), keys(), keys())
            .prop_map(|(which, rejected, settled)| Act::Settle(which, rejected, settled)),
        2 => (any::<bool>(), prop::collection::vec((key(), 0..3_u8), 0..4))
            .prop_map(|(which, records)| Act::Write(which, records)),
    ]
}

fn settle(run: &Open, rejected: &[String], settled: &[String], now: i64) -> String {
    let letters: Vec<_> = rejected
        .iter()
        .map(|key| run.letter(key, Code::Bug, now))
        .collect();
    let count = letters.len() as u64;
    let commit = Commit {
        dead_letters: &letters,
        settled_keys: settled,
        ledger: Ledger {
            read: count,
            rejected: count,
            ..Ledger::default()
        },
        ..run.empty(now)
    };
    format!("{:?}", run.store.commit(&commit).expect("the commit"))
}

fn write(run: &Open, records: &[(String, u8)], now: i64) -> String {
    let scores: Vec<_> = records
        .iter()
        .map(|(key, points)| (key.clone(), score(i64::from(*points))))
        .collect();
    let acknowledged: Vec<_> = records
        .iter()
        .map(|(key, byte)| Acknowledgement {
            target: "lead".to_owned(),
            key: key.clone(),
            digest: [*byte; 32],
            salesforce_id: None,
            fields: None,
        })
        .collect();
    let profiles: Vec<_> = records
        .iter()
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, points)| Incoming {
            profile: profile(key, json!({ "x": points })).into(),
            place: Place::Counted,
        })
        .collect();
    let position = ChangeCursor {
        source_hash: "h".to_owned(),
        change: now.unsigned_abs(),
    };
    let commit = Commit {
        profiles: &profiles,
        scores: &scores,
        acknowledged: &acknowledged,
        change_cursor: Some(&position),
        ..run.empty(now)
    };
    format!("{:?}", run.store.commit(&commit).expect("the commit"))
}

/// What a pipeline left behind, but for the run ids of its letters.
fn records_of(store: &dyn Store, pipeline: &PipelineName) -> Vec<String> {
    let keys = ["", "a", "b", "B", "é"];
    let letters = |closed| {
        let filter = LetterFilter {
            pipeline: Some(pipeline.clone()),
            closed,
            ..LetterFilter::default()
        };
        let found = store.dead_letters(&filter).expect("list");
        let facts = found.into_iter().map(|row| {
            let letter = row.letter;
            (letter.key, letter.attempts, letter.at, row.closed)
        });
        facts.collect::<Vec<_>>()
    };
    vec![
        format!("{:?}", store.acknowledged(pipeline, "lead", &keys)),
        format!("{:?}", store.change_cursor(pipeline)),
        format!("{:?}", store.has_open_letters(pipeline)),
        format!("{:?}", letters(false)),
        format!("{:?}", letters(true)),
    ]
}

/// Bridged's own records, as they can be seen.
fn own_records(store: &dyn Store) -> Vec<String> {
    let keys = ["a", "b", "none"];
    let mut seen = vec![
        format!("{:?}", store.changed_profiles(0, u64::MAX, 100)),
        format!("{:?}", store.changed_outcomes(0, u64::MAX, 100)),
        format!("{:?}", store.engagement(&keys, at(0))),
    ];
    for key in keys {
        seen.push(format!("{:?}", store.outcomes_of(key, 3)));
        seen.push(format!("{:?}", store.engagements_of(key, 3)));
        seen.push(format!("{:?}", store.scores_of(key)));
    }
    seen
}

/// Plays a history on a store and returns all that can be seen of it, but for ids that are drawn by lot.
fn play(subject: &dyn Subject, acts: &[Act]) -> Vec<String> {
    let pipeline = |which: bool| if which { "leads" } else { "tasks" };
    let store = subject.open();
    let mut runs = [false, true].map(|which| Some(begin(&store, pipeline(which))));
    let mut seen = Vec::new();
    for (act, now) in acts.iter().zip(1..) {
        match act {
            Act::Commit(which, profiles, moves) => {
                let run = runs[usize::from(*which)].as_ref().expect("open");
                let position = cursor(now);
                let commit = Commit {
                    profiles: &incoming(profiles),
                    ledger: super::sample::read(profiles.len() as u64),
                    cursor: moves.then_some(&position),
                    ..run.empty(now)
                };
                seen.push(format!("{:?}", store.commit(&commit).expect("the commit")));
            }
            Act::Crash(which) => {
                drop(runs[usize::from(*which)].take());
                let next = begin(&store, pipeline(*which));
                seen.push(format!("{}", next.crashed.len()));
                runs[usize::from(*which)] = Some(next);
            }
            Act::Reset(which) => {
                let reset = store.reset_cursor(&name(pipeline(*which)));
                seen.push(format!("{reset:?}"));
            }
            Act::Import(profiles) => {
                seen.push(format!("{:?}", store.import_profiles(profiles, at(now))));
            }
            Act::Outcomes(outcomes) => {
                seen.push(format!("{:?}", store.import_outcomes(outcomes, at(now))));
            }
            Act::Events(events) => {
                seen.push(format!("{:?}", store.import_engagements(events, at(now))));
            }
            Act::Settle(which, rejected, settled) => {
                let run = runs[usize::from(*which)].as_ref().expect("open");
                seen.push(settle(run, rejected, settled, now));
            }
            Act::Write(which, records) => {
                let run = runs[usize::from(*which)].as_ref().expect("open");
                seen.push(write(run, records, now));
            }
        }
        seen.push(format!("{:?}", store.newest_change()));
    }
    for which in [false, true] {
        seen.extend(records_of(&*store, &name(pipeline(which))));
    }
    seen.extend(own_records(&*store));
    seen.extend(found_by(&*store));
    for which in [false, true] {
        seen.push(format!(
            "{:?}",
            store.cursor(&name(pipeline(which))).expect("read")
        ));
    }
    let mut ledgers: Vec<_> = store.runs(&RunFilter::default()).expect("list");
    ledgers.sort_by_key(|run| run.run_id);
    seen.extend(
        ledgers
            .iter()
            .map(|run| format!("{:?} {:?} {:?}", run.state, run.ledger, run.finished_at)),
    );
    seen
}

/// The profiles, as lists and by what they are found.
fn found_by(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    let stored = store.profiles(None, 100).expect("list");
    for row in &stored {
        let text = |name: &str| row.profile.attributes.get(name).and_then(Value::as_str);
        if let Some(phone) = text("phone") {
            seen.push(format!("{:?}", store.profiles_by_phone(phone)));
        }
        if let Some(email) = text("email") {
            seen.push(format!("{:?}", store.profiles_by_email(email)));
        }
    }
    for id in ["00Q000000000001AAA", "003000000000001AAA"] {
        seen.push(format!("{:?}", store.profiles_by_salesforce_id(id)));
    }
    seen.push(format!("{stored:?} {:?}", store.profile_count()));
    seen
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_history_ends_alike_in_every_store(acts in prop::collection::vec(act(), 1..25)) {
        let (sqlite, memory) = (play(&Sqlite::new(), &acts), play(&Memory::new(), &acts));
        for (left, right) in sqlite.iter().zip(&memory) {
            proptest::prop_assert_eq!(left, right);
        }
        proptest::prop_assert_eq!(sqlite.len(), memory.len());
    }
}

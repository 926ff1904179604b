//! Profiles, runs and commits to test with, and the two kinds of store that the contract is tested on.

use std::sync::Arc;

use bridged::foundation::code::Code;
use bridged::foundation::event::{Cursor, Ledger, Requests, RunReport, RunState};
use bridged::foundation::id::{Fingerprint, PipelineName, RunId};
use bridged::foundation::record::{
    DeadLetter, Engagement, EngagementKind, Outcome, Profile, RecordError, Score,
};
use bridged::store::Store;
use bridged::store::encoded::Encoded;
use bridged::store::model::{
    AuditAction, Card, Commit, Committed, Incoming, NewAudit, NewRun, RunLock, Sealed,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A kind of store with a state of its own.
pub(crate) trait Subject {
    /// Another handle on the same state, as another process would open it.
    fn open(&self) -> Arc<dyn Store>;
}

/// The SQLite store in a folder of its own.
pub(crate) struct Sqlite(pub(crate) TempDir);

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }
}

impl Subject for Sqlite {
    fn open(&self) -> Arc<dyn Store> {
        bridged::store::open("sqlite:state/bridged.db", self.0.path()).expect("the store opens")
    }
}

pub(crate) fn name(text: &str) -> PipelineName {
    PipelineName::parse(text).expect("a pipeline's name")
}

/// So many milliseconds after the samples' first instant.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).expect("an instant")
}

pub(crate) fn fingerprint() -> Fingerprint {
    Fingerprint::of("a plan")
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// A profile of a lead with these attributes.
pub(crate) fn profile(key: &str, attributes: Value) -> Profile {
    Profile {
        key: key.to_owned(),
        salesforce_id: Some("00Q000000000001AAA".to_owned()),
        object: Some("Lead".to_owned()),
        attributes: object(attributes),
        consent: Map::new(),
        deleted: false,
    }
}

pub(crate) fn cursor(millis: i64) -> Cursor {
    Cursor {
        query_hash: "0123abcd".to_owned(),
        stamp: at(millis),
        id: "00Q000000000001AAA".to_owned(),
        window_end: at(millis + 60_000),
    }
}

/// A run in progress, with the lock that belongs to it.
pub(crate) struct Open {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) run: NewRun,
    pub(crate) crashed: Vec<RunId>,
    pub(crate) lock: RunLock,
}

pub(crate) fn new_run(pipeline: &str, millis: i64) -> NewRun {
    NewRun {
        run_id: RunId::generate(),
        pipeline: name(pipeline),
        fingerprint: fingerprint(),
        started_at: at(millis),
    }
}

/// Locks the pipeline and begins a run of it.
#[track_caller]
pub(crate) fn begin(store: &Arc<dyn Store>, pipeline: &str) -> Open {
    let lock = store.lock_pipeline(&name(pipeline)).expect("the lock");
    let run = new_run(pipeline, 0);
    let crashed = store.begin_run(&lock, &run).expect("the run begins");
    Open {
        store: Arc::clone(store),
        run,
        crashed,
        lock,
    }
}

impl Open {
    /// A commit of nothing, to be filled in.
    pub(crate) fn empty(&self, millis: i64) -> Commit<'_> {
        Commit {
            run_id: self.run.run_id,
            pipeline: &self.run.pipeline,
            at: at(millis),
            profiles: &[],
            scores: &[],
            acknowledged: &[],
            dead_letters: &[],
            settled_keys: &[],
            messages: &[],
            ledger: Ledger::default(),
            cursor: None,
            change_cursor: None,
            requests_so_far: Requests::default(),
            api_calls_so_far: 0,
        }
    }

    /// Commits these profiles and nothing else.
    #[track_caller]
    pub(crate) fn deliver(&self, millis: i64, profiles: &[Profile]) -> Committed {
        let profiles = &incoming(profiles);
        let commit = Commit {
            profiles,
            ledger: read(profiles.len() as u64),
            ..self.empty(millis)
        };
        self.store.commit(&commit).expect("the commit")
    }

    /// A dead letter of this run.
    pub(crate) fn letter(&self, key: &str, code: Code, millis: i64) -> DeadLetter {
        DeadLetter {
            run_id: self.run.run_id,
            pipeline: self.run.pipeline.to_string(),
            fingerprint: fingerprint(),
            step: "map".to_owned(),
            key: key.to_owned(),
            reason: RecordError {
                code,
                field: Some("phone".to_owned()),
                message: "the value is no phone number".to_owned(),
                remote_code: Some("INVALID_FIELD".to_owned()),
            },
            attempts: 2,
            payload: json!({ "Id": key, "Owner": { "Name": null }, "Tasks": [1, 2.5, "é"] }),
            at: at(millis),
        }
    }

    /// The report of a run that ended well with this account.
    pub(crate) fn report(&self, ledger: Ledger) -> RunReport {
        RunReport {
            pipeline: self.run.pipeline.clone(),
            run_id: self.run.run_id,
            fingerprint: fingerprint(),
            state: RunState::Done,
            ledger,
            requests: Requests::default(),
            api_calls: 0,
            cursor: None,
            change_cursor: None,
            started_at: at(0),
            finished_at: at(1_000),
            error: None,
            warnings: Vec::new(),
        }
    }
}

/// Profiles that the store counts.
pub(crate) fn incoming(profiles: &[Profile]) -> Vec<Incoming> {
    // Each second one as an engine hands it over that had a thread to encode it.
    let form = |(place, profile): (usize, &Profile)| match Encoded::of(profile) {
        Ok(encoded) if place % 2 == 1 => Incoming::from(encoded),
        _ => Incoming::from(profile.clone()),
    };
    profiles.iter().enumerate().map(form).collect()
}

/// An outcome with a text, a number and a list.
pub(crate) fn outcome(id: &str, profile: &str, millis: i64) -> Outcome {
    Outcome {
        id: id.to_owned(),
        profile: profile.to_owned(),
        kind: "qualified".to_owned(),
        occurred_at: at(millis),
        fields: object(json!({ "summary": "wants a demo é", "minutes": 2.5, "tags": ["a", null] })),
    }
}

pub(crate) fn engagement(id: &str, profile: &str, kind: EngagementKind, millis: i64) -> Engagement {
    Engagement {
        id: id.to_owned(),
        profile: profile.to_owned(),
        kind,
        at: at(millis),
        campaign: None,
    }
}

/// A score with two reasons.
pub(crate) fn score(points: i64) -> Score {
    Score {
        score: points,
        grade: Some("Warm".to_owned()),
        qualified: points >= 60,
        reasons: vec![("replied".to_owned(), points), ("\"called\"".to_owned(), 0)],
    }
}

/// The ledger of a commit that holds so many profiles and nothing else.
pub(crate) fn read(count: u64) -> Ledger {
    Ledger {
        read: count,
        ..Ledger::default()
    }
}

/// A sealed secret of bytes that stand for a ciphertext.
pub(crate) fn sealed(connection: &str, field: &str, byte: u8) -> Sealed {
    Sealed {
        connection: connection.to_owned(),
        field: field.to_owned(),
        key_id: "0a1b2c3d".to_owned(),
        nonce: [byte; 24],
        ciphertext: (0..40).map(|index| index ^ byte).collect(),
        sealed_at: at(i64::from(byte)),
    }
}

/// A card in which everything is known.
pub(crate) fn card(connection: &str) -> Card {
    Card {
        username: Some("ada@acme.example".to_owned()),
        user_id: Some("005000000000001AAA".to_owned()),
        organization_id: Some("00D000000000001AAA".to_owned()),
        instance_url: Some("https://acme.my.salesforce.com".to_owned()),
        scopes: vec!["api".to_owned(), "refresh_token".to_owned()],
        refreshed_at: Some(at(7)),
        refresh_begun: true,
        refresh_rotates: Some(false),
        refresh_refused: true,
        ..Card::new(connection, "oauth", at(6))
    }
}

/// An entry of the audit log about a connection.
pub(crate) fn audited(subject: &str, millis: i64) -> NewAudit {
    NewAudit {
        at: at(millis),
        action: AuditAction::Connected,
        subject: subject.to_owned(),
        actor: "a test é".to_owned(),
        details: object(json!({ "scopes": ["api"], "share": 0.5, "none": null })),
    }
}

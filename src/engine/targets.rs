//! From records to rows: what a group gives each target, one row a key, less what Salesforce already has.
//!
//! Records of one group that give one target the same key are merged into one row: fields of the later record replace
//! those of the earlier one, and all of them share the row's outcome.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::foundation::code::Code;
use crate::foundation::error::Result;
use crate::foundation::record::RecordError;
use crate::plan::Plan;
use crate::plan::step::StepKind;
use crate::plan::step::target::Target;
use crate::salesforce::describe::ObjectDescribe;
use crate::store::model::{Acknowledged, Acknowledgement};
use crate::store::read_only::ReadOnly;

use super::conflict::{self, Held};
use super::facts::Facts;
use super::payload::{Payload, key_of, payload};
use super::send::Sent;

/// A target with everything that writing to it needs.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The step's name: `target:NAME`.
    pub step: String,
    /// Targets of one wave do not wait for each other.
    pub wave: usize,
    /// What is written, and how.
    pub target: Target,
    /// The object as the org describes it.
    pub object: Arc<ObjectDescribe>,
}

/// The targets of a plan in the order of their waves; `described` gives the object of each.
fn ready(plan: &Plan, described: &HashMap<String, Arc<ObjectDescribe>>) -> Vec<Ready> {
    let mut ready: Vec<Ready> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Target(target) => Some(Ready {
                step: step.name.clone(),
                wave: step.wave,
                target: target.clone(),
                object: Arc::clone(described.get(&target.object)?),
            }),
            _ => None,
        })
        .collect();
    ready.sort_by_key(|ready| ready.wave);
    ready
}

/// What became of one record at all targets together.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// No target's condition took it.
    Untouched,
    /// Every target that took it has it already.
    Unchanged,
    /// At least one target took it, and each that did acknowledged it.
    Delivered,
    /// A target's answer left it open whether it arrived.
    Unknown(String),
    /// A target refused it: the step, why, and how often it was sent.
    Rejected(String, RecordError, u32),
}

impl Fate {
    /// The graver fate wins.
    fn worsen(&mut self, other: Fate) {
        if other.gravity() > self.gravity() {
            *self = other;
        }
    }

    const fn gravity(&self) -> u8 {
        match self {
            Fate::Untouched => 0,
            Fate::Unchanged => 1,
            Fate::Delivered => 2,
            Fate::Unknown(_) => 3,
            Fate::Rejected(..) => 4,
        }
    }
}

/// The targets of a plan, and what the store knows of them.
#[derive(Debug, Clone)]
pub struct Targets {
    plan: Arc<Plan>,
    ready: Vec<Ready>,
    store: ReadOnly,
}

/// What stands in place of acknowledged fields for a row whose end nobody knows.
const UNCLEAR: &str = "\"unclear\"";
const STILL_UNCLEAR: &str = "an earlier try may have created it, and no answer told";

/// What Salesforce says of a link to a row that is not there (SOAP API Developer Guide, "Core Data Types: `StatusCode`").
const PARENT_GONE: [&str; 3] = [
    "INVALID_CROSS_REFERENCE_KEY",
    "ENTITY_IS_DELETED",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
];

/// What is taken for granted of rows that were acknowledged before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// They are there, as they were acknowledged.
    Acknowledged,
    /// Nothing: each that has a key is sent, whatever is known of it.
    Nothing,
}

/// What a group gives one target.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The rows that differ from what Salesforce has, as far as that is known.
    pub(super) entries: Vec<Entry>,
    /// The records that give no such row, and why.
    pub(super) outcomes: Vec<(usize, At)>,
    /// What needs not be written and is remembered all the same.
    pub(super) acknowledged: Vec<Acknowledgement>,
}

/// One row to be written, for the records it stands for.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Key and fields; the fields are fewer than the digest tells where some are the same in Salesforce.
    pub(super) payload: Payload,
    /// The records of the group, by their places.
    pub(super) records: Vec<usize>,
    /// What it is remembered under: its own key, or that of its record where the target has none.
    pub(super) remembered_as: String,
    pub(super) digest: [u8; 32],
    /// What to remember as acknowledged, beyond what is sent.
    pub(super) remember: Map<String, Value>,
}

/// What became of one record at one target.
#[derive(Debug, Clone)]
pub(super) enum At {
    /// The target's condition left it out.
    Skipped,
    /// It is there as it should be.
    Same(Option<String>),
    /// It was written.
    Written(String),
    /// Nobody knows.
    Unclear(String),
    /// It was not sent: the run ends.
    Unsent,
    /// It was refused.
    Refused(RecordError, u32),
}

/// The state of one record between waves.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) fate: Fate,
    pub(super) ids: Map<String, Value>,
    /// Why targets that wait for another cannot be written.
    lost: HashMap<String, String>,
    /// Whether it uses the id of a row that was not written now, but acknowledged before.
    leans_on_earlier: bool,
}

impl Targets {
    /// The targets of a plan, with the object of each as `described` has it.
    pub fn new(
        plan: &Arc<Plan>,
        described: &HashMap<String, Arc<ObjectDescribe>>,
        store: ReadOnly,
    ) -> Self {
        Self {
            plan: Arc::clone(plan),
            ready: ready(plan, described),
            store,
        }
    }

    /// The targets, wave by wave.
    pub fn waves(&self) -> impl Iterator<Item = &[Ready]> {
        self.ready.chunk_by(|one, next| one.wave == next.wave)
    }

    /// A target by its name.
    pub fn get(&self, name: &str) -> Option<&Ready> {
        self.ready.iter().find(|ready| ready.target.name == name)
    }

    /// The rows that a record will touch, as far as they can be told beforehand; `None` when they cannot, because a key
    /// needs the id of another target.
    pub fn rows_of(&self, facts: &Facts) -> Option<Vec<(usize, String)>> {
        let mut rows = Vec::new();
        for (place, ready) in self.ready.iter().enumerate() {
            if !ready.target.has_early_key() {
                return None;
            }
            let key = key_of(&ready.target, facts);
            rows.extend(key.map(|key| (place, key)));
        }
        Some(rows)
    }

    /// What a group gives one target, given how its records stand behind the waves before.
    ///
    /// # Errors
    /// What the store says.
    pub(super) fn rows(
        &self,
        ready: &Ready,
        records: &[&Facts],
        standing: &[Standing],
        trust: Trust,
    ) -> Result<Rows> {
        let (entries, outcomes) = entries(ready, records, standing);
        let mut rows = Rows {
            outcomes,
            ..Rows::default()
        };
        if trust == Trust::Nothing && ready.target.key.is_some() {
            rows.entries = entries;
            return Ok(rows);
        }
        self.drop_unchanged(ready, records, entries, &mut rows)?;
        Ok(rows)
    }

    /// Takes out what Salesforce acknowledged before as it is (I15), and what the row read already holds.
    fn drop_unchanged(
        &self,
        ready: &Ready,
        records: &[&Facts],
        entries: Vec<Entry>,
        rows: &mut Rows,
    ) -> Result<()> {
        let asked: Vec<&str> = entries
            .iter()
            .map(|entry| entry.remembered_as.as_str())
            .collect();
        let known = self
            .store
            .acknowledged(&self.plan.pipeline, &ready.target.name, &asked)?;
        for (mut entry, known) in entries.into_iter().zip(known) {
            if let Some(known) = &known
                && known.digest == entry.digest
            {
                let at = At::known(known);
                rows.outcomes.extend(entry.outcomes(&at));
                continue;
            }
            if !ready.target.of_row {
                rows.entries.push(entry);
                continue;
            }
            let last: Map<String, Value> = known
                .and_then(|known| known.fields)
                .and_then(|fields| serde_json::from_str(&fields).ok())
                .unwrap_or_default();
            let row = entry
                .records
                .last()
                .and_then(|record| records[*record].row());
            let Some(row) = row else {
                rows.entries.push(entry);
                continue;
            };
            let policy = ready.target.on_conflict;
            let before = |name: &str| last.get(name).cloned();
            match conflict::hold(&ready.object, policy, &entry.payload.fields, row, &before) {
                Err(reason) => {
                    let at = At::Refused(reason, 0);
                    rows.outcomes.extend(entry.outcomes(&at));
                }
                Ok(held) => {
                    entry.narrow(held);
                    if entry.payload.fields.is_empty() {
                        let id = entry.payload.key.clone();
                        rows.acknowledged
                            .push(acknowledgement(ready, &entry, id.as_deref()));
                        let at = At::Same(id);
                        rows.outcomes.extend(entry.outcomes(&at));
                    } else {
                        rows.entries.push(entry);
                    }
                }
            }
        }
        Ok(())
    }
}

impl At {
    /// What was acknowledged before.
    pub(super) fn known(known: &Acknowledged) -> Self {
        match known.fields.as_deref() {
            // I14: nobody knows whether this one is there, and sending it again could double it.
            Some(UNCLEAR) => At::Unclear(STILL_UNCLEAR.to_owned()),
            _ => At::Same(known.salesforce_id.clone()),
        }
    }
}

impl Entry {
    /// The same outcome for each record the row stands for.
    pub(super) fn outcomes(&self, at: &At) -> Vec<(usize, At)> {
        let records = self.records.iter();
        records.map(|record| (*record, at.clone())).collect()
    }

    /// Leaves what differs; remembers Salesforce's own value where it stays.
    pub(super) fn narrow(&mut self, held: Held) {
        self.remember.extend(held.kept);
        self.payload.fields = held.fields;
    }
}

impl Standing {
    /// One for each of so many records, before any target.
    pub(super) fn fresh(records: usize) -> Vec<Self> {
        vec![
            Self {
                fate: Fate::Untouched,
                ids: Map::new(),
                lost: HashMap::new(),
                leans_on_earlier: false,
            };
            records
        ]
    }

    /// Whether it was refused because a row is gone that was acknowledged before.
    pub(super) fn is_orphan(&self) -> bool {
        let Fate::Rejected(_, reason, _) = &self.fate else {
            return false;
        };
        let code = reason.remote_code.as_deref().unwrap_or_default();
        self.leans_on_earlier && PARENT_GONE.contains(&code)
    }

    /// What became of the record at all targets together.
    pub(super) fn into_fate(self) -> Fate {
        self.fate
    }

    pub(super) fn take(&mut self, ready: &Ready, at: At) {
        let name = &ready.target.name;
        let id = match &at {
            At::Same(id) => id.clone(),
            At::Written(id) => Some(id.clone()),
            _ => None,
        };
        self.leans_on_earlier |= matches!(at, At::Same(Some(_)));
        self.ids.insert(name.clone(), json!({ "id": id }));
        let fate = match at {
            At::Skipped | At::Unsent => Fate::Untouched,
            At::Same(_) => Fate::Unchanged,
            At::Written(_) => Fate::Delivered,
            At::Unclear(why) => {
                self.lost.insert(name.clone(), "is unclear".to_owned());
                Fate::Unknown(why)
            }
            At::Refused(reason, attempts) => {
                self.lost
                    .insert(name.clone(), format!("was rejected: {}", reason.message));
                Fate::Rejected(ready.step.clone(), reason, attempts)
            }
        };
        self.fate.worsen(fate);
    }

    /// The reason why a target cannot be written: one that it waits for was not.
    pub(super) fn missing_parent(&self, target: &Target) -> Option<RecordError> {
        let (parent, why) = target
            .waits_for
            .iter()
            .find_map(|parent| Some((parent, self.lost.get(parent)?)))?;
        Some(RecordError {
            code: Code::ParentRejected,
            field: Some(format!("targets.{parent}.id")),
            message: format!("the target `{parent}`, whose id it needs, {why}"),
            remote_code: None,
        })
    }
}

/// The rows of a target, one a key, and the records that give none.
fn entries(
    ready: &Ready,
    records: &[&Facts],
    standing: &[Standing],
) -> (Vec<Entry>, Vec<(usize, At)>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut outcomes = Vec::new();
    for (place, (facts, standing)) in records.iter().zip(standing).enumerate() {
        if let Some(reason) = standing.missing_parent(&ready.target) {
            outcomes.push((place, At::Refused(reason, 0)));
            continue;
        }
        let made = match payload(&ready.target, &ready.object, facts, &standing.ids) {
            Ok(Some(made)) => made,
            Ok(None) => {
                outcomes.push((place, At::Skipped));
                continue;
            }
            Err(reason) => {
                outcomes.push((place, At::Refused(reason, 0)));
                continue;
            }
        };
        let key = made.comparable_key(&ready.target);
        if let Some(earlier) = key.as_ref().and_then(|key| places.get(key)) {
            entries[*earlier].payload.lay_over(made);
            entries[*earlier].records.push(place);
            continue;
        }
        let made_key = key.clone().unwrap_or_else(|| facts.key.clone());
        places.extend(key.map(|key| (key, entries.len())));
        entries.push(Entry {
            payload: made,
            records: vec![place],
            remembered_as: made_key,
            digest: [0; 32],
            remember: Map::new(),
        });
    }
    for entry in &mut entries {
        entry.digest = entry.payload.digest(&ready.target);
        if ready.target.of_row {
            entry.remember.clone_from(&entry.payload.fields);
        }
    }
    (entries, outcomes)
}

/// What an outcome of sending means for the records of a row, and what is remembered of it.
pub(super) fn at_of(ready: &Ready, entry: &Entry, sent: Sent) -> (At, Option<Acknowledgement>) {
    match sent {
        Sent::Written(id) => {
            let news = acknowledgement(ready, entry, Some(&id));
            (At::Written(id), Some(news))
        }
        // I14: it is remembered, so that it is not sent again by itself.
        Sent::Unclear(why) => (At::Unclear(why), Some(unclear(ready, entry))),
        Sent::Refused(reason, attempts) => (At::Refused(reason, attempts), None),
        Sent::Unsent => (At::Unsent, None),
    }
}

/// What the store keeps of a row that is as it should be.
fn acknowledgement(ready: &Ready, entry: &Entry, id: Option<&str>) -> Acknowledgement {
    let of_row = ready.target.of_row;
    Acknowledgement {
        target: ready.target.name.clone(),
        key: entry.remembered_as.clone(),
        digest: entry.digest,
        salesforce_id: id.map(str::to_owned),
        fields: of_row.then(|| Value::Object(entry.remember.clone()).to_string()),
    }
}

/// What the store keeps of a row that may have been created: it is not sent again by itself.
pub(super) fn unclear(ready: &Ready, entry: &Entry) -> Acknowledgement {
    Acknowledgement {
        fields: Some(UNCLEAR.to_owned()),
        ..acknowledgement(ready, entry, None)
    }
}

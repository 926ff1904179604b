//! Preparing: what was read becomes facts about one record each, filtered and scored, or the reason why not.
//!
//! Nothing here is sent or stored; the store is asked for what it knows of the people met.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::error::Result;
use crate::foundation::record::{Record, RecordError};
use crate::plan::Plan;
use crate::plan::query::StampField;
use crate::store::encoded::Encoded;
use crate::store::model::{Changed, OutcomeOf, StoredProfile};
use crate::store::read_only::ReadOnly;

use super::absent::Filled;
use super::broadcast::address::Addresser;
use super::facts::{self, Facts, Origin, Person};
use super::map::{Mapper, condition};
use super::read::stamp;
use super::score::score;

/// Prepares the records of one plan.
#[derive(Debug, Clone)]
pub struct Preparer {
    plan: Arc<Plan>,
    store: ReadOnly,
    now: Timestamp,
    wants_person: bool,
    is_plain: bool,
    keeps_rows: bool,
    stamps: Option<StampField>,
    filled: Option<Arc<Filled>>,
    addresser: Option<Addresser>,
}

/// What became of one record.
#[derive(Debug)]
pub enum Prepared {
    /// It goes on, with the stamp of its row where somebody wants to know it.
    Goes(Box<Facts>, Option<Timestamp>),
    /// It is only kept, and nothing more is asked of it; the stamp as above.
    Kept(Box<Encoded>, Option<Timestamp>),
    /// The pipeline's filter dropped it; its key.
    Filtered(String),
    /// Its person was erased: nothing is made of it.
    Erased,
    /// It cannot be used.
    Rejected(Box<Rejection>),
}

/// A record that is refused, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Names the record.
    pub key: String,
    /// The step that refused it.
    pub step: String,
    /// Why.
    pub reason: RecordError,
    /// How often sending it was tried.
    pub attempts: u32,
    /// The record as it was read.
    pub payload: Value,
}

/// The facts of a record, or why there are none.
type Made = std::result::Result<Facts, Box<Rejection>>;

impl Preparer {
    /// A preparer that counts windows of engagement back from `now`, and tells the stamps of rows where asked to.
    pub fn new(
        plan: &Arc<Plan>,
        store: ReadOnly,
        now: Timestamp,
        stamps: Option<StampField>,
    ) -> Self {
        Self {
            wants_person: plan.broadcast().is_some()
                || ["engagement", "opted_out", "profile"]
                    .iter()
                    .any(|name| plan.uses(name)),
            is_plain: plan.targets().next().is_none()
                && plan.score().is_none()
                && plan.broadcast().is_none(),
            keeps_rows: plan.targets().next().is_some(),
            plan: Arc::clone(plan),
            store,
            now,
            stamps,
            filled: plan.map().map(|map| Arc::new(Filled::none(map))),
            addresser: None,
        }
    }

    /// The attributes that got a value in any record, as far as records were prepared; copies share it.
    pub fn filled(&self) -> Option<Arc<Filled>> {
        self.filled.clone()
    }

    /// The same, with a profile that can be looked at for each record that goes on.
    #[must_use]
    pub fn with_profiles(self) -> Self {
        Self {
            is_plain: false,
            ..self
        }
    }

    /// The same, with each record that goes on addressed for the plan's broadcast.
    #[must_use]
    pub fn addressing(self, addresser: Option<Addresser>) -> Self {
        Self { addresser, ..self }
    }

    /// Prepares rows of Salesforce, in their order.
    ///
    /// # Errors
    /// What the store says; what is wrong with a record costs that record alone (I5).
    pub fn rows(&self, rows: Vec<Record>) -> Result<Vec<Prepared>> {
        let Some(mapper) = Mapper::of(&self.plan) else {
            return Ok(Vec::new());
        };
        let mapper = match &self.filled {
            Some(filled) => mapper.watched(filled),
            None => mapper,
        };
        if self.is_plain && !self.wants_person {
            let keep = |row: Record| self.keep(mapper, &row);
            return Ok(rows.into_iter().map(keep).collect());
        }
        let rows: Vec<(Made, Option<Timestamp>)> = rows
            .into_iter()
            .map(|row| {
                let stamp = self.stamps.and_then(|by| stamp(&row, by));
                (Self::map(mapper, row), stamp)
            })
            .collect();
        self.finish_all(rows)
    }

    /// Prepares a row of which nothing is wanted but to be kept.
    fn keep(&self, mapper: Mapper<'_>, row: &Record) -> Prepared {
        match mapper.encode(row, self.plan.filter()) {
            Ok(Some(encoded)) => {
                let stamp = self.stamps.and_then(|by| stamp(row, by));
                Prepared::Kept(Box::new(encoded), stamp)
            }
            Ok(None) => Prepared::Filtered(id(row)),
            Err(reason) => Prepared::Rejected(Box::new(unmapped(row, reason))),
        }
    }

    /// Prepares outcomes, in their order.
    ///
    /// # Errors
    /// What the store says.
    pub fn outcomes(&self, outcomes: Vec<Changed<OutcomeOf>>) -> Result<Vec<Prepared>> {
        let records = outcomes
            .into_iter()
            .map(|changed| (outcome(changed.record), None))
            .collect();
        self.finish_all(records)
    }

    /// Prepares profiles, in their order.
    ///
    /// # Errors
    /// What the store says.
    pub fn profiles(&self, profiles: Vec<Changed<StoredProfile>>) -> Result<Vec<Prepared>> {
        let records = profiles
            .into_iter()
            .map(|changed| (Ok(of_profile(&changed.record, None)), None))
            .collect();
        self.finish_all(records)
    }

    /// Finishes what was made, in its order; the stamps come along.
    fn finish_all(&self, records: Vec<(Made, Option<Timestamp>)>) -> Result<Vec<Prepared>> {
        let facts = || records.iter().map(|(made, _)| made.as_ref().ok());
        let mut people = self.people(facts())?;
        let mut erased = self.erased(facts())?;
        let prepared = records.into_iter().map(|(made, stamp)| {
            let person = people.next().flatten();
            let is_erased = erased.next().unwrap_or(false);
            match made {
                _ if is_erased => Ok(Prepared::Erased),
                Ok(facts) => self.finish(facts, person, stamp),
                Err(rejection) => Ok(Prepared::Rejected(rejection)),
            }
        });
        prepared.collect()
    }

    /// I26: whose person was erased. The store looks once more when it takes them in.
    fn erased<'f>(
        &self,
        records: impl Iterator<Item = Option<&'f Facts>>,
    ) -> Result<std::vec::IntoIter<bool>> {
        let mut names = Vec::new();
        for facts in records {
            names.push(facts.map_or("", |facts| facts.key.as_str()));
            names.push(facts.and_then(Facts::profile_key).unwrap_or_default());
        }
        let listed = self.store.are_erased(&names)?;
        let either: Vec<bool> = listed.chunks(2).map(|pair| pair.contains(&true)).collect();
        Ok(either.into_iter())
    }

    fn map(mapper: Mapper<'_>, row: Record) -> Made {
        match mapper.map(&row) {
            Ok(profile) => Ok(Facts::of_row(id(&row), profile, Some(row))),
            Err(reason) => Err(Box::new(unmapped(&row, reason))),
        }
    }

    /// What the store knows of each of the people, where a template asks for it.
    fn people<'f>(
        &self,
        records: impl Iterator<Item = Option<&'f Facts>>,
    ) -> Result<std::vec::IntoIter<Option<Person>>> {
        if !self.wants_person {
            return Ok(Vec::new().into_iter());
        }
        let keys: Vec<Option<&str>> = records
            .map(|facts| facts.and_then(Facts::profile_key))
            .collect();
        let known: Vec<&str> = keys.iter().copied().flatten().collect();
        let mut summaries = self.store.engagement(&known, self.now)?.into_iter();
        let people: Vec<Option<Person>> = keys
            .iter()
            .map(|key| key.and_then(|_| summaries.next()))
            .map(|summary| summary.map(|summary| Person::from(&summary)))
            .collect();
        Ok(people.into_iter())
    }

    /// Filters and scores what was mapped, and addresses it where the plan sends messages.
    fn finish(
        &self,
        facts: Facts,
        person: Option<Person>,
        stamp: Option<Timestamp>,
    ) -> Result<Prepared> {
        let mut facts = match person {
            Some(person) => facts.with_person(person),
            None => facts,
        };
        match weigh(&self.plan, &mut facts) {
            Ok(true) => {}
            Ok(false) => return Ok(Prepared::Filtered(facts.key)),
            Err((step, reason)) => return Ok(refused(facts, step, reason)),
        }
        if let Some(addresser) = &self.addresser {
            match addresser.address(&facts)? {
                Ok(addressed) => facts.addressed = Some(addressed),
                Err(reason) => return Ok(refused(facts, "broadcast", reason)),
            }
        }
        if !self.keeps_rows {
            facts.origin = Origin::Spent;
        }
        Ok(Prepared::Goes(Box::new(facts), stamp))
    }
}

fn refused(facts: Facts, step: &str, reason: RecordError) -> Prepared {
    Prepared::Rejected(Box::new(Rejection {
        payload: facts.payload(),
        key: facts.key,
        step: step.to_owned(),
        reason,
        attempts: 0,
    }))
}

/// The Salesforce Id of a row, by which its record is named.
fn id(row: &Record) -> String {
    let id = row.get("Id").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

fn unmapped(row: &Record, reason: RecordError) -> Rejection {
    Rejection {
        key: id(row),
        step: "map".to_owned(),
        reason,
        attempts: 0,
        payload: row.to_value(),
    }
}

/// Whether a record goes on: the source's condition, then the filter; what goes on is scored.
///
/// # Errors
/// The step that refused it, and why.
pub fn weigh(plan: &Plan, facts: &mut Facts) -> Result<bool, (&'static str, RecordError)> {
    let when = plan.records().and_then(|records| records.when.as_ref());
    if let Some(when) = when
        && !condition(when, &facts.scope(), "when").map_err(|error| ("records", error))?
    {
        return Ok(false);
    }
    if let Some(filter) = plan.filter()
        && !condition(&filter.keep, &facts.scope(), "filter").map_err(|error| ("filter", error))?
    {
        return Ok(false);
    }
    if let Some(step) = plan.score() {
        let scored = score(step, &facts.scope()).map_err(|error| ("score", error))?;
        facts.set_score(scored);
    }
    Ok(true)
}

fn outcome(of: OutcomeOf) -> Made {
    let value = facts::outcome_value(&of.outcome);
    match of.profile {
        Some(profile) => Ok(of_profile(&profile, Some((of.outcome.id, value)))),
        None => Err(Box::new(Rejection {
            key: of.outcome.id,
            step: "records".to_owned(),
            reason: RecordError {
                code: Code::UnknownProfile,
                field: Some("profile".to_owned()),
                message: format!("no profile has the key `{}`", of.outcome.profile),
                remote_code: None,
            },
            attempts: 0,
            payload: serde_json::json!({ "outcome": value }),
        })),
    }
}

fn of_profile(stored: &StoredProfile, outcome: Option<(String, Value)>) -> Facts {
    let profile = &stored.profile;
    let value = facts::profile_value(profile);
    let consent = Value::Object(profile.consent.clone());
    let (key, outcome) = match outcome {
        Some((id, value)) => (id, Some(value)),
        None => (profile.key.clone(), None),
    };
    Facts::of_record(key, value, outcome, consent)
}

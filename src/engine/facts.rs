//! What is known of one record behind the map: the person, the outcome, the score; everything that templates see.

use serde_json::{Map, Value, json};

use crate::foundation::record::{Outcome, Profile, Record, Score};
use crate::store::model::EngagementSummary;

use super::broadcast::address::Addressed;
use super::score::Scored;
use crate::template::scope::Scope;

/// One record that goes on behind the filter.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Names the record in dead letters: its Salesforce Id, the outcome's id, or the profile's key.
    pub key: String,
    /// The profile that was mapped, to be kept; of Bridged's records nothing is kept anew.
    pub mapped: Option<Profile>,
    /// The record as it was read.
    pub origin: Origin,
    /// What scoring gave.
    pub scored: Option<Scored>,
    /// What the broadcast makes of it, where the plan has one.
    pub addressed: Option<Addressed>,
    profile: Value,
    consent: Value,
    person: Person,
}

/// A record as it was read, before anything was made of it.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A row of Salesforce.
    Row(Record),
    /// A row of Salesforce of which nothing is needed any more.
    Spent,
    /// An outcome; its person stands beside it.
    Outcome(Value),
    /// A profile.
    Profile,
    /// A row of a saved plan.
    Saved(Value),
}

/// What the store knows of a person's conversations.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Counts and times, as templates see them.
    pub engagement: Value,
    /// Whether the person asked for no more messages.
    pub opted_out: bool,
}

impl Default for Person {
    fn default() -> Self {
        Self::from(&EngagementSummary::default())
    }
}

impl From<&EngagementSummary> for Person {
    fn from(summary: &EngagementSummary) -> Self {
        Self {
            engagement: summary.to_value(),
            opted_out: summary.opted_out,
        }
    }
}

impl Facts {
    /// Of a row of Salesforce and the profile that was mapped from it.
    pub fn of_row(key: String, profile: Profile, row: Option<Record>) -> Self {
        Self {
            key,
            origin: row.map_or(Origin::Spent, Origin::Row),
            scored: None,
            addressed: None,
            // Made when a template asks for them: most do not.
            profile: Value::Null,
            consent: Value::Null,
            person: Person {
                engagement: Value::Null,
                opted_out: false,
            },
            mapped: Some(profile),
        }
    }

    /// Of one of Bridged's records, as templates see it.
    pub fn of_record(key: String, profile: Value, outcome: Option<Value>, consent: Value) -> Self {
        Self {
            key,
            mapped: None,
            origin: outcome.map_or(Origin::Profile, Origin::Outcome),
            scored: None,
            addressed: None,
            profile,
            consent,
            person: Person::default(),
        }
    }

    /// Of a record of which only a saved plan tells; no template sees it.
    pub fn of_saved(key: String, row: Value) -> Self {
        Self {
            origin: Origin::Saved(row),
            ..Self::of_record(key, Value::Null, None, Value::Null)
        }
    }

    /// Adds what the store knows of the person, and the names made of the profile.
    #[must_use]
    pub fn with_person(mut self, person: Person) -> Self {
        if let Some(profile) = &self.mapped {
            self.profile = profile_value(profile);
        }
        self.person = person;
        self
    }

    /// Adds the score.
    pub fn set_score(&mut self, scored: Scored) {
        self.scored = Some(scored);
    }

    /// What the store knows of the person.
    pub const fn person(&self) -> &Person {
        &self.person
    }

    /// The key under which the store knows the person.
    pub fn profile_key(&self) -> Option<&str> {
        match &self.mapped {
            Some(profile) => Some(&profile.key),
            None => self.profile.get("key")?.as_str(),
        }
    }

    /// The row it was read from, where it is still there.
    pub const fn row(&self) -> Option<&Record> {
        match &self.origin {
            Origin::Row(row) => Some(row),
            _ => None,
        }
    }

    /// Whether the row was deleted in Salesforce.
    pub fn is_deleted(&self) -> bool {
        self.mapped.as_ref().is_some_and(|profile| profile.deleted)
    }

    /// What a dead letter keeps of it.
    pub fn payload(&self) -> Value {
        match &self.origin {
            Origin::Row(row) => row.to_value(),
            Origin::Outcome(outcome) => json!({ "outcome": outcome, "profile": self.profile }),
            Origin::Profile => json!({ "profile": self.profile }),
            Origin::Saved(row) => row.clone(),
            Origin::Spent => Value::Null,
        }
    }

    /// What templates see.
    pub fn scope(&self) -> Scope<'_> {
        let scope = match &self.mapped {
            Some(profile) => mapped_scope(profile),
            None => Scope::new().with("consent", &self.consent),
        };
        let scope = scope
            .with("engagement", &self.person.engagement)
            .with_owned("opted_out", self.person.opted_out)
            .with("profile", &self.profile);
        let scope = match &self.origin {
            Origin::Outcome(outcome) => scope.with("outcome", outcome),
            _ => scope,
        };
        match &self.scored {
            Some(scored) => scored.named(scope),
            None => scope,
        }
    }
}

/// What is there for every mapped profile: its attributes, its consent, and the names of its row.
pub fn mapped_scope(profile: &Profile) -> Scope<'_> {
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    Scope::new()
        .with_owned("salesforce_id", text(&profile.salesforce_id))
        .with_owned("object", text(&profile.object))
        .with_owned("deleted", profile.deleted)
        .with_owned("consent", Value::Object(profile.consent.clone()))
        .with_fields(&profile.attributes)
}

/// A profile as templates see it under `profile`: its attributes, and what identifies it.
pub fn profile_value(profile: &Profile) -> Value {
    let mut fields = profile.attributes.clone();
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    fields.insert("key".to_owned(), Value::from(profile.key.as_str()));
    fields.insert("salesforce_id".to_owned(), text(&profile.salesforce_id));
    fields.insert("object".to_owned(), text(&profile.object));
    fields.insert("deleted".to_owned(), Value::from(profile.deleted));
    Value::Object(fields)
}

/// An outcome as templates see it under `outcome`: its fields, and what identifies it.
pub fn outcome_value(outcome: &Outcome) -> Value {
    let mut fields: Map<String, Value> = outcome.fields.clone();
    // A summary is what people write about a conversation; one that was not given is empty, not unknown.
    fields.entry("summary").or_insert(Value::Null);
    fields.insert("id".to_owned(), Value::from(outcome.id.as_str()));
    fields.insert("profile".to_owned(), Value::from(outcome.profile.as_str()));
    fields.insert("kind".to_owned(), Value::from(outcome.kind.as_str()));
    let at = outcome.occurred_at.to_string();
    fields.insert("occurred_at".to_owned(), Value::from(at));
    Value::Object(fields)
}

impl From<&Scored> for Score {
    fn from(scored: &Scored) -> Self {
        Self {
            score: scored.score,
            grade: scored.grade.clone(),
            qualified: scored.qualified,
            reasons: scored.reasons.clone(),
        }
    }
}

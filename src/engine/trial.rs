//! The tests that a pipeline carries: given records, through the same map, filter, score and targets as in a run.

use serde_json::{Map, Value, json};

use crate::foundation::record::{Record, RecordError};
use crate::plan::Plan;
use crate::plan::expression::Expression;
use crate::plan::step::StepKind;
use crate::plan::step::broadcast::Broadcast;
use crate::plan::step::read::Read;
use crate::plan::step::target::Target;
use crate::salesforce::describe::ObjectDescribe;
use crate::spec::case::{Expect, TestCase};
use crate::template::scope::Scope;

use super::facts::{Facts, Person};
use super::map::{Mapper, condition, evaluate_all};
use super::payload::{Payload, payload};
use super::prepare::weigh;
use super::score::Scored;

/// How one test ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The test's name.
    pub name: String,
    /// What differs; empty when the test passes.
    pub mismatches: Vec<Mismatch>,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    /// What was looked at: `profile.phone`, `targets.lead.Rating`, `given.Phne`.
    pub what: String,
    /// What the test expects, in words or as JSON.
    pub expected: String,
    /// What came out.
    pub found: String,
}

/// Everything that came out of one given record.
#[derive(Debug, Default)]
struct Outcome {
    filtered: bool,
    rejected: Option<RecordError>,
    profile: Map<String, Value>,
    scored: Option<Scored>,
    targets: Vec<(String, Option<Map<String, Value>>)>,
    message: Option<Message>,
}

/// The message a person would get.
#[derive(Debug)]
struct Message {
    to: Value,
    parameters: Vec<Value>,
}

/// Runs one test, offline.
pub fn run(plan: &Plan, case: &TestCase) -> Trial {
    let mut mismatches = plan
        .read()
        .map(|read| unknown_fields(read, &case.given))
        .unwrap_or_default();
    let outcome = outcome(plan, case);
    compare(&case.expect, &outcome, &mut mismatches);
    Trial {
        name: case.name.clone(),
        mismatches,
    }
}

/// A given field that no template reads is a slip: the test would not test what its author thinks.
fn unknown_fields(read: &Read, given: &Map<String, Value>) -> Vec<Mismatch> {
    let always = ["Id", "IsDeleted", "SystemModstamp"];
    let columns = read
        .selection
        .fields
        .iter()
        .map(|used| used.path[0].as_str());
    let children = read
        .selection
        .children
        .iter()
        .map(|child| child.relationship.as_str());
    let known: Vec<&str> = columns.chain(children).chain(always).collect();
    let unknown = given
        .keys()
        .filter(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)));
    unknown
        .map(|name| Mismatch {
            what: format!("given.{name}"),
            expected: "a field that a template uses".to_owned(),
            found: "a field that none does".to_owned(),
        })
        .collect()
}

/// The given row with null for every field that is not given: Salesforce answers so for empty fields.
fn row(read: &Read, given: &Map<String, Value>) -> Record {
    let mut fields = given.clone();
    let has = |fields: &Map<String, Value>, name: &str| {
        fields.keys().any(|key| key.eq_ignore_ascii_case(name))
    };
    for used in &read.selection.fields {
        if !has(&fields, &used.path[0]) {
            fields.insert(used.path[0].clone(), Value::Null);
        }
    }
    for child in &read.selection.children {
        if !has(&fields, &child.relationship) {
            fields.insert(child.relationship.clone(), json!([]));
        }
    }
    if !has(&fields, "Id") {
        fields.insert("Id".to_owned(), json!("000000000000001AAA"));
    }
    Record::from(fields)
}

fn outcome(plan: &Plan, case: &TestCase) -> Outcome {
    let mut outcome = Outcome::default();
    let done = facts(plan, case, &mut outcome).and_then(|facts| match facts {
        Some(facts) => deliver(plan, facts, &mut outcome),
        None => Ok(()),
    });
    outcome.rejected = done.err();
    outcome
}

/// What a run would know of the given record behind its filter; `None` when the filter drops it.
fn facts(
    plan: &Plan,
    case: &TestCase,
    outcome: &mut Outcome,
) -> Result<Option<Facts>, RecordError> {
    let facts = if let Some((mapper, read)) = Mapper::of(plan).zip(plan.read()) {
        let row = row(read, &case.given);
        let profile = mapper.map(&row)?;
        outcome.profile.clone_from(&profile.attributes);
        Facts::of_row(profile.key.clone(), profile, Some(row))
    } else {
        let given = |name: &str| case.given.get(name).cloned();
        let consent = given("consent").unwrap_or_else(|| json!({}));
        Facts::of_record(
            String::new(),
            given("profile").unwrap_or_default(),
            given("outcome"),
            consent,
        )
    };
    let mut facts = facts.with_person(person(case));
    if weigh(plan, &mut facts).map_err(|(_, reason)| reason)? {
        return Ok(Some(facts));
    }
    outcome.filtered = true;
    Ok(None)
}

/// What the store knows of the person; counts that a test does not give are zero.
fn person(case: &TestCase) -> Person {
    let mut person = Person::default();
    if let Value::Object(counts) = &mut person.engagement {
        counts.extend(case.engagement.clone());
    }
    let opted_out = case
        .engagement
        .get("opted_out")
        .or_else(|| case.given.get("opted_out"));
    person.opted_out = opted_out == Some(&Value::Bool(true));
    person
}

/// Fills the targets and the message, in the order of the plan.
fn deliver(plan: &Plan, facts: Facts, outcome: &mut Outcome) -> Result<(), RecordError> {
    let mut ids = Map::new();
    for step in &plan.steps {
        match &step.kind {
            StepKind::Target(target) => {
                let made = payload(target, &ObjectDescribe::default(), &facts, &ids)?;
                ids.insert(
                    target.name.clone(),
                    json!({ "id": format!("(id of {})", target.name) }),
                );
                let fields = made.map(|made| shown_fields(target, made));
                outcome.targets.push((target.name.clone(), fields));
            }
            StepKind::Broadcast(broadcast) => {
                outcome.message = message(broadcast, &facts.scope())?;
            }
            _ => {}
        }
    }
    outcome.scored = facts.scored;
    Ok(())
}

/// The key among the fields, as a test may expect it.
fn shown_fields(target: &Target, made: Payload) -> Map<String, Value> {
    let key = target.key.as_ref().map(|(field, _)| field.clone());
    let key = key.zip(made.key.map(Value::from));
    key.into_iter().chain(made.fields).collect()
}

fn message(broadcast: &Broadcast, scope: &Scope<'_>) -> Result<Option<Message>, RecordError> {
    let consents = scope
        .get("consent")
        .and_then(|consent| consent.get("whatsapp"))
        == Some(&Value::Bool(true));
    let opted_out = scope.get("opted_out") == Some(&Value::Bool(true));
    let wanted = match &broadcast.audience {
        Some(audience) => condition(audience, scope, "audience")?,
        None => true,
    };
    if !consents || opted_out || !wanted {
        return Ok(None);
    }
    let to = ("to".to_owned(), Expression::Template(broadcast.to.clone()));
    let to = evaluate_all(&[to], scope)?
        .remove("to")
        .unwrap_or(Value::Null);
    let named: Vec<_> = broadcast
        .parameters
        .iter()
        .enumerate()
        .map(|(place, parameter)| (format!("parameter {}", place + 1), parameter.clone()))
        .collect();
    let parameters = evaluate_all(&named, scope)?
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    Ok(Some(Message { to, parameters }))
}

fn compare(expect: &Expect, outcome: &Outcome, mismatches: &mut Vec<Mismatch>) {
    let mut differ = |what: String, expected: String, found: String| {
        if expected != found {
            mismatches.push(Mismatch {
                what,
                expected,
                found,
            });
        }
    };
    if let Some(error) = &outcome.rejected {
        let found = format!("rejected[{}]: {}", error.code, error.message);
        match &expect.rejected {
            None => differ("record".to_owned(), "not rejected".to_owned(), found),
            Some(reason) => {
                if let Some(code) = &reason.code {
                    differ(
                        "rejected.code".to_owned(),
                        code.clone(),
                        error.code.to_string(),
                    );
                }
                if let Some(field) = &reason.field {
                    let found = error.field.clone().unwrap_or_default();
                    differ("rejected.field".to_owned(), field.clone(), found);
                }
            }
        }
        return;
    }
    if expect.rejected.is_some() {
        differ(
            "record".to_owned(),
            "rejected".to_owned(),
            "not rejected".to_owned(),
        );
    }
    let filtered = expect.filtered.unwrap_or(false);
    differ(
        "filtered".to_owned(),
        filtered.to_string(),
        outcome.filtered.to_string(),
    );
    if outcome.filtered {
        return;
    }
    for (name, expected) in expect.profile.iter().flatten() {
        differ(
            format!("profile.{name}"),
            expected.to_string(),
            shown(outcome.profile.get(name)),
        );
    }
    compare_score(expect, outcome.scored.as_ref(), &mut differ);
    compare_sent(expect, outcome, &mut differ);
}

fn compare_score(
    expect: &Expect,
    scored: Option<&Scored>,
    differ: &mut impl FnMut(String, String, String),
) {
    if let Some(expected) = expect.score {
        differ(
            "score".to_owned(),
            expected.to_string(),
            scored.map_or_else(none, |s| s.score.to_string()),
        );
    }
    if let Some(expected) = &expect.grade {
        let found = scored
            .and_then(|scored| scored.grade.clone())
            .unwrap_or_else(none);
        differ("grade".to_owned(), expected.clone(), found);
    }
    if let Some(expected) = expect.qualified {
        let found = scored.map_or_else(none, |scored| scored.qualified.to_string());
        differ("qualified".to_owned(), expected.to_string(), found);
    }
}

fn compare_sent(
    expect: &Expect,
    outcome: &Outcome,
    differ: &mut impl FnMut(String, String, String),
) {
    for (name, expected) in &expect.targets {
        let found = outcome
            .targets
            .iter()
            .find(|(target, _)| target == name.as_str());
        let written = found.and_then(|(_, fields)| fields.as_ref());
        match (&expected.0, written) {
            (None, None) if found.is_some() => {}
            (None, Some(_)) => {
                differ(
                    format!("targets.{name}"),
                    "not written".to_owned(),
                    "written".to_owned(),
                );
            }
            (_, None) => differ(format!("targets.{name}"), "written".to_owned(), none()),
            (Some(fields), Some(written)) => {
                for (field, value) in fields {
                    let found = shown(written.get(field.as_str()));
                    differ(format!("targets.{name}.{field}"), value.to_string(), found);
                }
            }
        }
    }
    let Some(expected) = &expect.broadcast else {
        return;
    };
    match (&expected.0, &outcome.message) {
        (None, None) => {}
        (None, Some(_)) => differ(
            "broadcast".to_owned(),
            "no message".to_owned(),
            "a message".to_owned(),
        ),
        (Some(_), None) => differ(
            "broadcast".to_owned(),
            "a message".to_owned(),
            "no message".to_owned(),
        ),
        (Some(message), Some(Message { to, parameters })) => {
            if let Some(expected) = &message.to {
                differ(
                    "broadcast.to".to_owned(),
                    json!(expected).to_string(),
                    to.to_string(),
                );
            }
            if let Some(expected) = &message.parameters {
                differ(
                    "broadcast.parameters".to_owned(),
                    json!(expected).to_string(),
                    json!(parameters).to_string(),
                );
            }
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(none, Value::to_string)
}

fn none() -> String {
    "nothing".to_owned()
}

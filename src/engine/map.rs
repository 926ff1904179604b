//! Mapping: one record to a profile, to the word `filtered`, or to the reason why it is rejected.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::record::{EVIDENCE, Profile, Record, RecordError, is_evidence};
use crate::plan::Plan;
use crate::plan::expression::Expression;
use crate::plan::step::filter::Filter;
use crate::plan::step::map::Map as MapStep;
use crate::store::encoded::{Encoded, Identity};
use crate::store::model::check_profile;
use crate::template::Template;
use crate::template::error::EvaluateError;
use crate::template::scope::{Scope, kind};

use super::absent::Filled;

/// Makes profiles of records, as a plan says.
#[derive(Debug, Clone, Copy)]
pub struct Mapper<'a> {
    /// The Salesforce object the records are rows of.
    pub object: &'a str,
    /// The templates.
    pub map: &'a MapStep,
    /// Who wants to know which attributes get a value.
    pub filled: Option<&'a Filled>,
}

impl<'a> Mapper<'a> {
    /// The mapper of a plan that reads Salesforce and maps what it reads.
    pub fn of(plan: &'a Plan) -> Option<Self> {
        Some(Self {
            object: &plan.read()?.query.object,
            map: plan.map()?,
            filled: None,
        })
    }

    /// The same, which tells the values that attributes get.
    #[must_use]
    pub const fn watched(self, filled: &'a Filled) -> Self {
        Self {
            filled: Some(filled),
            ..self
        }
    }

    /// Maps one record.
    ///
    /// # Errors
    /// Why the record cannot be mapped; it costs that record alone (I5).
    pub fn map(&self, record: &Record) -> Result<Profile, RecordError> {
        self.drafted(record, profile)
    }

    /// Maps one record to the form in which a store keeps it, without making a profile of it first; `None` when the filter
    /// drops it.
    ///
    /// # Errors
    /// Why the record cannot be mapped, as [`Mapper::map`] says, or what the filter says; what no store can hold is told
    /// before the filter is asked.
    pub fn encode(
        &self,
        record: &Record,
        filter: Option<&Filter>,
    ) -> Result<Option<Encoded>, RecordError> {
        self.drafted(record, |draft| {
            let encoded = Encoded::new(
                draft.identity.clone(),
                values(&draft.attributes),
                values(&draft.consent),
            )?;
            Ok(draft.is_kept(filter)?.then_some(encoded))
        })
    }

    fn drafted<T>(
        &self,
        record: &Record,
        finish: impl Fn(Draft<'_>) -> Result<T, RecordError>,
    ) -> Result<T, RecordError> {
        let id = record.get("Id").unwrap_or(&Value::Null);
        let deleted = record.get("IsDeleted").unwrap_or(&Value::Bool(false));
        let object = Value::from(self.object);
        let scope = Scope::new()
            .with("salesforce_id", id)
            .with("object", &object)
            .with("deleted", deleted)
            .with_record(record);
        let attributes = borrow_all(&self.map.attributes, &scope)?;
        if let Some(filled) = self.filled {
            filled.note(attributes.iter().map(|(_, value)| &**value));
        }
        let consent = borrow_all(&self.map.consent, &scope)?;
        check_evidence(&consent)?;
        let key = match &self.map.key {
            None => id
                .as_str()
                .ok_or_else(|| no_key("the record has no Id"))?
                .to_owned(),
            Some(template) => key(template, &scope)?,
        };
        finish(Draft {
            identity: Identity {
                key,
                salesforce_id: id.as_str().map(str::to_owned),
                object: Some(self.object.to_owned()),
                deleted: deleted == &Value::Bool(true),
            },
            attributes,
            consent,
        })
    }
}

/// Named values, each borrowed where it stands somewhere as it is.
type Pairs<'v> = Vec<(&'v str, Cow<'v, Value>)>;

/// A mapped record whose values are still the record's own.
struct Draft<'v> {
    identity: Identity,
    attributes: Pairs<'v>,
    consent: Pairs<'v>,
}

impl Draft<'_> {
    /// Whether a filter over attributes and consent keeps it.
    fn is_kept(&self, filter: Option<&Filter>) -> Result<bool, RecordError> {
        let Some(filter) = filter else {
            return Ok(true);
        };
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let scope = Scope::new()
            .with_owned("salesforce_id", text(&self.identity.salesforce_id))
            .with_owned("object", text(&self.identity.object))
            .with_owned("deleted", self.identity.deleted)
            .with_owned("consent", Value::Object(owned(&self.consent)))
            .with_pairs(&self.attributes);
        condition(&filter.keep, &scope, "filter")
    }
}

fn profile(draft: Draft<'_>) -> Result<Profile, RecordError> {
    let identity = draft.identity;
    let profile = Profile {
        key: identity.key,
        salesforce_id: identity.salesforce_id,
        object: identity.object,
        attributes: owned(&draft.attributes),
        consent: owned(&draft.consent),
        deleted: identity.deleted,
    };
    check_profile(&profile)?;
    Ok(profile)
}

fn values<'v>(pairs: &'v Pairs<'_>) -> impl Iterator<Item = (&'v str, &'v Value)> + Clone {
    pairs.iter().map(|(name, value)| (*name, &**value))
}

fn owned(pairs: &Pairs<'_>) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::clone(value)))
        .collect()
}

/// Evaluates a template that must give true or false.
pub fn condition(template: &Template, scope: &Scope<'_>, what: &str) -> Result<bool, RecordError> {
    match template
        .evaluate(scope)
        .map_err(|error| evaluation(Some(what), error))?
    {
        Value::Bool(answer) => Ok(answer),
        other => Err(RecordError {
            code: Code::TemplateTypeMismatch,
            field: Some(what.to_owned()),
            message: format!("`{what}` gave {} instead of true or false", kind(&other)),
            remote_code: None,
        }),
    }
}

/// Evaluates named expressions over one scope; the first that fails rejects the record, with its name.
pub fn evaluate_all(
    expressions: &[(String, Expression)],
    scope: &Scope<'_>,
) -> Result<Map<String, Value>, RecordError> {
    let mut values = Map::with_capacity(expressions.len());
    for (name, expression) in expressions {
        let value = expression
            .evaluate(scope)
            .map_err(|error| evaluation(Some(name), error))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn borrow_all<'v>(
    expressions: &'v [(String, Expression)],
    scope: &'v Scope<'_>,
) -> Result<Pairs<'v>, RecordError> {
    let mut values = Vec::with_capacity(expressions.len());
    for (name, expression) in expressions {
        let value = expression
            .borrow(scope)
            .map_err(|error| evaluation(Some(name), error))?;
        values.push((name.as_str(), value));
    }
    Ok(values)
}

/// Where and when somebody agreed is told in words, or not at all.
fn check_evidence(consent: &Pairs<'_>) -> Result<(), RecordError> {
    let wrong =
        |(name, value): &&(&str, Cow<'_, Value>)| EVIDENCE.contains(name) && !is_evidence(value);
    match consent.iter().find(wrong) {
        None => Ok(()),
        Some((name, value)) => Err(RecordError {
            code: Code::TemplateTypeMismatch,
            field: Some(format!("consent.{name}")),
            message: format!("`consent.{name}` gave {} instead of a text", kind(value)),
            remote_code: None,
        }),
    }
}

fn key(template: &Template, scope: &Scope<'_>) -> Result<String, RecordError> {
    match template
        .evaluate(scope)
        .map_err(|error| evaluation(Some("profile_key"), error))?
    {
        Value::String(key) => Ok(key),
        Value::Number(key) => Ok(key.to_string()),
        other => Err(no_key(&format!("`profile_key` gave {}", kind(&other)))),
    }
}

fn no_key(why: &str) -> RecordError {
    RecordError {
        code: Code::KeyMissing,
        field: Some("profile_key".to_owned()),
        message: why.to_owned(),
        remote_code: None,
    }
}

/// What a template that failed says of its record.
pub fn evaluation(field: Option<&str>, error: EvaluateError) -> RecordError {
    RecordError {
        code: error.code,
        field: field.map(str::to_owned),
        message: error.message,
        remote_code: None,
    }
}

//! Mapping: one record to a profile, to the word `filtered`, or to the reason why it is rejected.

use serde_json::{Map, Value};

use crate::foundation::code::Code;
use crate::foundation::record::{Profile, Record, RecordError};
use crate::plan::Plan;
use crate::plan::expression::Expression;
use crate::plan::step::filter::Filter;
use crate::plan::step::map::Map as MapStep;
use crate::store::model::check_profile;
use crate::template::Template;
use crate::template::error::EvaluateError;
use crate::template::scope::{Scope, kind};

/// Makes profiles of records, as a plan says.
#[derive(Debug, Clone, Copy)]
pub struct Mapper<'a> {
    /// The Salesforce object the records are rows of.
    pub object: &'a str,
    /// The templates.
    pub map: &'a MapStep,
    /// The condition behind them.
    pub filter: Option<&'a Filter>,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Mapped {
    /// A profile to keep.
    Profile(Profile),
    /// The pipeline's filter dropped it.
    Filtered,
    /// It cannot be mapped.
    Rejected(RecordError),
}

impl<'a> Mapper<'a> {
    /// The mapper of a plan that reads Salesforce and maps what it reads.
    pub fn of(plan: &'a Plan) -> Option<Self> {
        Some(Self {
            object: &plan.read()?.query.object,
            map: plan.map()?,
            filter: plan.filter(),
        })
    }

    /// Maps one record. Never fails: what is wrong with a record costs that record (I5).
    pub fn map(&self, record: &Record) -> Mapped {
        match self.profile(record) {
            Ok(profile) => match self.keeps(&profile) {
                Ok(true) => Mapped::Profile(profile),
                Ok(false) => Mapped::Filtered,
                Err(error) => Mapped::Rejected(error),
            },
            Err(error) => Mapped::Rejected(error),
        }
    }

    fn profile(&self, record: &Record) -> Result<Profile, RecordError> {
        let id = record.get("Id").unwrap_or(&Value::Null);
        let deleted = record.get("IsDeleted").unwrap_or(&Value::Bool(false));
        let object = Value::from(self.object);
        let scope = Scope::new()
            .with("salesforce_id", id)
            .with("object", &object)
            .with("deleted", deleted)
            .with_record(record);
        let attributes = evaluate_all(&self.map.attributes, &scope)?;
        let consent = evaluate_all(&self.map.consent, &scope)?;
        let salesforce_id = id.as_str().map(str::to_owned);
        let key = match &self.map.key {
            None => salesforce_id
                .clone()
                .ok_or_else(|| no_key("the record has no Id"))?,
            Some(template) => key(template, &scope)?,
        };
        let profile = Profile {
            key,
            salesforce_id,
            object: Some(self.object.to_owned()),
            attributes,
            consent,
            deleted: deleted == &Value::Bool(true),
        };
        check_profile(&profile)?;
        Ok(profile)
    }

    fn keeps(&self, profile: &Profile) -> Result<bool, RecordError> {
        let Some(filter) = self.filter else {
            return Ok(true);
        };
        let consent = Value::Object(profile.consent.clone());
        let scope = mapped_scope(profile, &consent);
        condition(&filter.keep, &scope, "filter")
    }
}

/// What templates behind the map see: the attributes, and the names that are always there.
pub fn mapped_scope<'a>(profile: &'a Profile, consent: &'a Value) -> Scope<'a> {
    Scope::new()
        .with_owned(
            "salesforce_id",
            profile
                .salesforce_id
                .as_deref()
                .map_or(Value::Null, Value::from),
        )
        .with_owned(
            "object",
            profile.object.as_deref().map_or(Value::Null, Value::from),
        )
        .with_owned("deleted", profile.deleted)
        .with("consent", consent)
        .with_fields(&profile.attributes)
}

/// Evaluates a template that must give true or false.
pub fn condition(template: &Template, scope: &Scope<'_>, what: &str) -> Result<bool, RecordError> {
    match template
        .evaluate(scope)
        .map_err(|error| rejected(Some(what), error))?
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
            .map_err(|error| rejected(Some(name), error))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn key(template: &Template, scope: &Scope<'_>) -> Result<String, RecordError> {
    match template
        .evaluate(scope)
        .map_err(|error| rejected(Some("profile_key"), error))?
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

fn rejected(field: Option<&str>, error: EvaluateError) -> RecordError {
    RecordError {
        code: error.code,
        field: field.map(str::to_owned),
        message: error.message,
        remote_code: None,
    }
}

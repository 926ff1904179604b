//! Templates: values, names used, filters, failures, limits.

mod document;
mod examples;
mod failures;
mod jinja;
mod limits;
mod names;
mod values;

use bridged::foundation::record::Record;
use bridged::template::Template;
use bridged::template::error::EvaluateError;
use bridged::template::scope::Scope;
use serde_json::{Map, Value};

/// A record of the fields of a JSON object.
fn record(given: &str) -> Record {
    let fields: Map<String, Value> = serde_json::from_str(given).expect("a JSON object");
    Record::from(fields)
}

/// The value of a template over a record written as JSON.
fn evaluate(template: &str, given: &str) -> Result<Value, EvaluateError> {
    let record = record(given);
    Template::compile(template)
        .unwrap_or_else(|error| panic!("{template}: {error:?}"))
        .evaluate(&Scope::new().with_record(&record))
}

//! One result a record: the answer of a request that writes many, read by position.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::foundation::code::Code;

use super::client::json;
use super::errors::{self, Class};
use super::record_id;
use super::refusal::{Failure, Scrub};
use super::wire::Answer;

/// The least length of a record's value that is looked for in Salesforce's words.
const VALUE_SOUGHT: usize = 3;

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// It is in Salesforce as it was sent.
    Written {
        /// The row's id, 18 characters.
        id: String,
        /// Whether the row was made, rather than changed. Where Salesforce does not say, a create made it, and any other
        /// write changed it.
        created: bool,
    },
    /// Salesforce did not take it; nothing of it was written.
    Refused(RowRefusal),
}

/// Why one record was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRefusal {
    /// The named code.
    pub code: Code,
    /// What the refusal asks for, by the table in `errors.rs`: a transient class means that this record is worth another
    /// try, any other that it is not. `Config` and `Permission` are likely to meet the other records too.
    pub class: Class,
    /// Salesforce's own code; empty where it gave none.
    pub remote_code: String,
    /// One line for people, without the record's values as far as they can be told from Salesforce's words.
    pub message: String,
    /// The fields at fault, where Salesforce names them.
    pub fields: Vec<String>,
}

/// How the results of a request are understood.
pub(super) struct Expected<'a> {
    /// The records as they were sent, by position.
    pub(super) records: &'a [Map<String, Value>],
    /// How many results there must be.
    pub(super) count: usize,
    /// Whether a success that does not say so made its row.
    pub(super) creates: bool,
    /// Whether an earlier try of the same request may have been carried out.
    pub(super) tried: bool,
    /// What such a try leaves behind.
    pub(super) trace: Trace<'a>,
}

/// The refusal by which a request that is sent again shows that an earlier try was carried out.
#[derive(Clone, Copy)]
pub(super) enum Trace<'a> {
    /// None: a second try succeeds like the first.
    Nothing,
    /// The row's own key is taken.
    Key(&'a str),
    /// The row is gone.
    Gone,
}

/// One result (REST API Developer Guide, "sObject Collections").
#[derive(Deserialize)]
struct RowResult {
    success: bool,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    created: Option<bool>,
    #[serde(default)]
    errors: Vec<RowError>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct RowError {
    #[serde(default, alias = "errorCode")]
    status_code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Option<Vec<String>>,
}

/// Reads the results of a request, one a record, in the order of the request.
pub(super) fn read(
    answer: &Answer,
    scrub: &Scrub<'_>,
    expected: &Expected<'_>,
) -> Result<Vec<RowOutcome>, Failure> {
    let results: Vec<RowResult> = json(answer, scrub)?;
    if results.len() != expected.count {
        return Err(Failure::unclear(
            Code::AnswerUnreadable,
            format!(
                "the answer has {} results for {} records",
                results.len(),
                expected.count
            ),
        ));
    }
    let outcomes = results.iter().enumerate();
    outcomes
        .map(|(at, result)| outcome(result, at, scrub, expected))
        .collect()
}

/// `success` alone decides: a row that was rolled back keeps its id.
fn outcome(
    result: &RowResult,
    at: usize,
    scrub: &Scrub<'_>,
    expected: &Expected<'_>,
) -> Result<RowOutcome, Failure> {
    if !result.success {
        let record = expected.records.get(at).map(std::slice::from_ref);
        let values = values(record.unwrap_or_default());
        return Ok(refused(result, &scrub.and(&values), expected));
    }
    let id = result.id.as_deref().and_then(record_id::long);
    let id = id.ok_or_else(|| {
        Failure::unclear(
            Code::AnswerUnreadable,
            "a result of the answer is a success without the record's id",
        )
    })?;
    Ok(RowOutcome::Written {
        id,
        created: result.created.unwrap_or(expected.creates),
    })
}

fn refused(result: &RowResult, scrub: &Scrub<'_>, expected: &Expected<'_>) -> RowOutcome {
    let nothing = RowError::default();
    let first = result.errors.first().unwrap_or(&nothing);
    if let Some(done) = done_before(result, first, expected) {
        return done;
    }
    let code = errors::name_row(&first.status_code, &first.message);
    let remote_code = scrub.word(&first.status_code).unwrap_or_default();
    let text = scrub.text(&first.message);
    let title = code.title();
    let mut message = match (text.is_empty(), remote_code.is_empty()) {
        (false, _) => format!("{title}: {text}"),
        (true, false) => format!("{title}: `{remote_code}`"),
        (true, true) => format!("{title}, and gave no reason"),
    };
    if result.errors.len() > 1 {
        message.push_str(" (and more errors of the same record)");
    }
    let mut fields: Vec<String> = Vec::new();
    for field in result
        .errors
        .iter()
        .flat_map(|error| &error.fields)
        .flatten()
    {
        if let Some(field) = scrub.word(field)
            && !fields.contains(&field)
        {
            fields.push(field);
        }
    }
    RowOutcome::Refused(RowRefusal {
        code,
        class: errors::class(code).unwrap_or(Class::Row),
        remote_code,
        message,
        fields,
    })
}

/// The row as an earlier try of the same request left it, where the refusal shows just that.
fn done_before(
    result: &RowResult,
    first: &RowError,
    expected: &Expected<'_>,
) -> Option<RowOutcome> {
    if !expected.tried {
        return None;
    }
    let (id, created) = match (expected.trace, first.status_code.as_str()) {
        (Trace::Key(key), "DUPLICATE_VALUE") => {
            let named = first.fields.iter().flatten().map(String::as_str);
            let mut words = named.chain(words(&first.message));
            words
                .any(|word| word.eq_ignore_ascii_case(key))
                .then(|| words_last_id(&first.message))?
                .map(|id| (id, true))?
        }
        (Trace::Gone, "ENTITY_IS_DELETED") => {
            let id = result.id.as_deref().and_then(record_id::long);
            (id.unwrap_or_default(), false)
        }
        _ => return None,
    };
    Some(RowOutcome::Written { id, created })
}

/// `duplicate value found: Key__c duplicates value on record with id: 00Q…` in its words.
fn words(message: &str) -> impl DoubleEndedIterator<Item = &str> {
    message
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

fn words_last_id(message: &str) -> Option<String> {
    words(message).rev().find_map(record_id::long)
}

/// The texts and numbers of records and of their parents, to be kept out of what is shown; longest first.
pub(super) fn values(records: &[Map<String, Value>]) -> Vec<String> {
    let mut found = Vec::new();
    for record in records {
        collect(record, &mut found);
    }
    found.retain(|value| value.chars().count() >= VALUE_SOUGHT);
    found.sort_by_key(|value| std::cmp::Reverse(value.len()));
    found.dedup();
    found
}

fn collect(fields: &Map<String, Value>, found: &mut Vec<String>) {
    for (name, value) in fields {
        match value {
            Value::Object(parent) if name != "attributes" => collect(parent, found),
            // An id tells a reader which row is meant, and nothing about a person.
            Value::String(text) if text.len() == 18 && record_id::long(text).is_some() => {}
            Value::String(text) => {
                found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            Value::Number(number) => found.push(number.to_string()),
            _ => {}
        }
    }
}

//! Refusals of the rows of a write: calls of many rows, the org's rules, scripted faults.

use http::StatusCode;
use serde_json::Value;

use super::{BAD, Refusal};

/// Recorded for 200 records in the logs of public clients.
pub(in crate::sandbox) fn too_many_records(limit: usize) -> Refusal {
    Refusal::new(
        BAD,
        "EXCEEDED_ID_LIMIT",
        format!(
            "record limit reached. cannot submit more than {limit} records into this operation"
        ),
    )
}

/// *Unconfirmed* code and sentence, modelled on that of Apex.
pub(in crate::sandbox) fn too_many_chunks(limit: usize) -> Refusal {
    Refusal::new(
        BAD,
        "LIMIT_EXCEEDED",
        format!(
            "Cannot have more than {limit} chunks in a single operation. Please rearrange the data to reduce chunking."
        ),
    )
}

/// *Unconfirmed* code and sentence.
pub(in crate::sandbox) fn missing_entity_type() -> Refusal {
    Refusal::new(
        BAD,
        "INVALID_INPUT",
        "Missing entity type information. sObject requires a separate 'attributes' field be sent with the entity type.",
    )
}

/// *Unconfirmed* code and sentence.
pub(in crate::sandbox) fn other_entity_type(given: &str, wanted: &str) -> Refusal {
    Refusal::new(
        BAD,
        "INVALID_INPUT",
        format!("The entity type {given} in the attributes is not {wanted}, that of the resource."),
    )
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn missing_parameter_value(name: &str) -> Refusal {
    Refusal::new(
        BAD,
        "MISSING_ARGUMENT",
        format!("The required parameter {name} is missing"),
    )
}

pub(in crate::sandbox) fn missing_id() -> Refusal {
    Refusal::of_row(
        "MISSING_ARGUMENT",
        "Id not specified in an update call",
        &[],
    )
}

pub(in crate::sandbox) fn id_in_insert() -> Refusal {
    Refusal::of_row(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "cannot specify Id in an insert call",
        &["Id"],
    )
}

/// What the result of a row says of an id that belongs to no row.
pub(in crate::sandbox) fn no_such_row() -> Refusal {
    Refusal::of_row(
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
        &[],
    )
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn duplicate_id(id: &str) -> Refusal {
    Refusal::of_row(
        "DUPLICATE_VALUE",
        format!("duplicate id specified: {id}"),
        &["Id"],
    )
}

pub(in crate::sandbox) fn duplicate_external_id(field: &str, key: &str) -> Refusal {
    Refusal::of_row(
        "DUPLICATE_VALUE",
        format!("Duplicate external id specified: {key}"),
        &[field],
    )
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn ambiguous_external_id(field: &str, key: &str) -> Refusal {
    Refusal::of_row(
        "DUPLICATE_EXTERNAL_ID",
        format!("{field}: more than one record found for external id field: {key}"),
        &[field],
    )
}

/// What a row says that had succeeded in a call which was then taken back.
pub(in crate::sandbox) fn rolled_back() -> Refusal {
    Refusal::of_row(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
        &[],
    )
}

// Rules of the org.

/// A validation rule whose condition held; the sentence and the field are the rule's.
pub(in crate::sandbox) fn validation(message: &str, field: Option<&str>) -> Refusal {
    let fields: Vec<&str> = field.into_iter().collect();
    Refusal::of_row("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, &fields)
}

/// Rows that a duplicate rule holds for the same. `member` is the name of the member with the details.
pub(in crate::sandbox) fn duplicates(
    message: &str,
    member: &'static str,
    details: Value,
) -> Refusal {
    Refusal {
        extra: Some(Box::new((member, details))),
        ..Refusal::of_row("DUPLICATES_DETECTED", message, &[])
    }
}

/// A row that another transaction holds.
pub(in crate::sandbox) fn row_locked(id: &str) -> Refusal {
    Refusal::of_row(
        "UNABLE_TO_LOCK_ROW",
        format!("unable to obtain exclusive access to this record or 1 records: {id}"),
        &[],
    )
}

/// What a fault says of a row.
pub(in crate::sandbox) fn scripted(code: &str, message: &str, fields: &[String]) -> Refusal {
    Refusal {
        code: code.to_owned().into(),
        message: message.to_owned(),
        fields: Some(fields.to_vec()),
        ..Refusal::new(BAD, "", "")
    }
}

/// *Unconfirmed* code and sentence.
pub(in crate::sandbox) fn precondition_failed() -> Refusal {
    Refusal::new(
        StatusCode::PRECONDITION_FAILED,
        "PRECONDITION_FAILED",
        "The row was changed since the instant in If-Unmodified-Since",
    )
}

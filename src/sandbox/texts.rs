//! Every refusal in the words of the wire, in one place.
//!
//! Source: recorded answers in the test suites of public clients. Sentences marked *unconfirmed* are written from
//! memory of the service, and no recording confirms them: a correction of any of them is a change of this folder alone.

pub(super) mod graph;
pub(super) mod oauth;
pub(super) mod rows;

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Answer, HTML};

/// A refusal of the REST API.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// The code that programs read.
    pub(super) code: Cow<'static, str>,
    /// The sentence that people read.
    pub(super) message: String,
    /// The fields at fault; left out of the answer when the kind of refusal names none.
    pub(super) fields: Option<Vec<String>>,
    /// A further member of the error, by its name.
    pub(super) extra: Option<Box<(&'static str, Value)>>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            fields: None,
            extra: None,
        }
    }

    fn of_row(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self {
            fields: Some(fields.iter().map(|&field| field.to_owned()).collect()),
            ..Self::new(StatusCode::BAD_REQUEST, code, message)
        }
    }

    /// Whether the request itself cannot be read, so that no row of it is written.
    pub(super) fn spoils_request(&self) -> bool {
        self.code == "JSON_PARSER_ERROR"
    }

    /// One element of `errors` in the result of a row. Always with `fields`, and with `statusCode` for the code.
    pub(super) fn to_row_json(&self) -> Value {
        let fields = self.fields.as_deref().unwrap_or_default();
        let mut error = Map::new();
        error.insert("statusCode".into(), self.code.as_ref().into());
        error.insert("message".into(), self.message.as_str().into());
        error.insert("fields".into(), json!(fields));
        self.add_extra(&mut error);
        Value::Object(error)
    }

    /// One element of the array in the body.
    pub(super) fn to_json(&self) -> Value {
        let mut body = Map::new();
        body.insert("message".into(), self.message.clone().into());
        body.insert("errorCode".into(), self.code.as_ref().into());
        if let Some(fields) = &self.fields {
            body.insert("fields".into(), json!(fields));
        }
        self.add_extra(&mut body);
        Value::Object(body)
    }

    fn add_extra(&self, error: &mut Map<String, Value>) {
        if let Some((name, value)) = self.extra.as_deref() {
            error.insert((*name).to_owned(), value.clone());
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Answer::json(refusal.status, [refusal.to_json()])
    }
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;

// Sessions and limits.

pub(super) fn session_expired() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "INVALID_SESSION_ID",
        "Session expired or invalid",
    )
}

/// What a token without the scope `api` is told.
pub(super) fn session_not_for_rest() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
    )
}

/// *Unconfirmed* sentence.
pub(super) fn api_disabled_for_org() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "API_DISABLED_FOR_ORG",
        "The REST API is not enabled for this Organization.",
    )
}

/// What a user without `API Enabled` is told. *Unconfirmed* sentence.
pub(super) fn api_disabled_for_user() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "API_CURRENTLY_DISABLED",
        "API is disabled for this User",
    )
}

/// *Unconfirmed* sentence.
pub(super) fn password_expired() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        "The users password has expired, you must call SetPassword before attempting any other API operations",
    )
}

/// *Unconfirmed* code and sentence.
pub(super) fn org_locked() -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, "ORG_LOCKED", "org locked")
}

/// *Unconfirmed* sentence.
pub(super) fn maintenance() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "SERVER_UNAVAILABLE",
        "The organization is undergoing maintenance",
    )
}

/// *Unconfirmed* page.
pub(super) fn maintenance_page() -> Answer {
    let page = "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1>\
                <p>Sorry for the inconvenience. We'll be back shortly.</p></body></html>";
    Answer::new(StatusCode::SERVICE_UNAVAILABLE, HTML, page)
}

/// *Unconfirmed* sentence.
pub(super) fn read_only_org() -> Refusal {
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        ..Refusal::of_row(
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "Insert, update and delete are not allowed during maintenance",
            &[],
        )
    }
}

pub(super) fn daily_limit() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    )
}

/// *Unconfirmed* sentence.
pub(super) fn concurrent_limit() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentPerOrgLongTxn Limit exceeded.",
    )
}

// Addresses.

pub(super) fn not_found() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "The requested resource does not exist",
    )
}

pub(super) fn external_id_not_found() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "Provided external ID field does not exist or is not accessible: ",
    )
}

pub(super) fn no_external_id(field: &str) -> Refusal {
    let mut refusal = external_id_not_found();
    refusal.message.push_str(field);
    refusal
}

/// *Unconfirmed* sentence.
pub(super) fn empty_external_id(field: &str) -> Refusal {
    Refusal::of_row(
        "MISSING_ARGUMENT",
        format!("{field} not specified"),
        &[field],
    )
}

pub(super) fn method_not_allowed(method: &str, allowed: &str) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        format!("HTTP Method '{method}' not allowed. Allowed are {allowed}"),
    )
}

/// *Unconfirmed* sentence.
pub(super) fn unsupported_media_type(kind: &str) -> Refusal {
    Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        format!("Content type {kind} not supported. Use application/json"),
    )
}

pub(super) fn uri_too_long() -> Answer {
    let page = "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>";
    Answer::new(StatusCode::URI_TOO_LONG, HTML, page)
}

/// *Unconfirmed* page.
pub(super) fn headers_too_large() -> Answer {
    let page = "<h1>Bad Message 431</h1><pre>reason: Request Header Fields Too Large</pre>";
    Answer::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, HTML, page)
}

/// *Unconfirmed* sentence.
pub(super) fn body_too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "REQUEST_ENTITY_TOO_LARGE",
        "Maximum size of request reached. Maximum size of request is 52428800 bytes.",
    )
}

/// *Unconfirmed* sentence.
pub(super) fn request_timeout() -> Refusal {
    Refusal::new(
        StatusCode::REQUEST_TIMEOUT,
        "REQUEST_TIMEOUT",
        "The request took too long to arrive.",
    )
}

// Queries.

pub(super) fn invalid_query_locator() -> Refusal {
    Refusal::new(BAD, "INVALID_QUERY_LOCATOR", "invalid query locator")
}

/// *Unconfirmed* sentence.
pub(super) fn missing_query() -> Refusal {
    Refusal::new(BAD, "MALFORMED_QUERY", "A query string has to be specified")
}

/// *Unconfirmed* sentence.
pub(super) fn explain_unsupported() -> Refusal {
    Refusal::new(
        BAD,
        "FUNCTIONALITY_NOT_ENABLED",
        "the sandbox makes no query plans: leave `explain` out",
    )
}

/// *Unconfirmed* sentence.
pub(super) fn invalid_type(object: &str) -> Refusal {
    Refusal::new(
        BAD,
        "INVALID_TYPE",
        format!("sObject type '{object}' is not supported."),
    )
}

/// *Unconfirmed* sentence.
pub(super) fn invalid_dates(message: &str) -> Refusal {
    Refusal::new(BAD, "INVALID_REPLICATION_DATE", message)
}

/// *Unconfirmed* sentence.
pub(super) fn not_replicateable(object: &str) -> Refusal {
    Refusal::new(
        BAD,
        "INVALID_TYPE",
        format!("the entity type {object} does not support replication"),
    )
}

// Rows: requests.

/// *Unconfirmed* sentence, modelled on the service's JSON library.
pub(super) fn bad_json(line: usize, column: usize) -> Refusal {
    Refusal::new(
        BAD,
        "JSON_PARSER_ERROR",
        format!("Unexpected character at [line:{line}, column:{column}]"),
    )
}

/// *Unconfirmed* sentence, modelled on the service's JSON library. `kind` and `token` are its words.
pub(super) fn wrong_type(kind: &str, token: &str) -> Refusal {
    Refusal::new(
        BAD,
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {kind} from {token} or request may be missing a required field at [line:1, column:2]"
        ),
    )
}

/// As [`wrong_type`], with the value that does not fit. *Unconfirmed* sentence.
pub(super) fn wrong_value(kind: &str, token: &str, value: &str) -> Refusal {
    Refusal::new(
        BAD,
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required field at [line:1, column:2]"
        ),
    )
}

pub(super) fn no_such_column(field: &str, object: &str) -> Refusal {
    Refusal::new(
        BAD,
        "INVALID_FIELD",
        format!("No such column '{field}' on sobject of type {object}"),
    )
}

pub(super) fn malformed_id(id: &str) -> Refusal {
    Refusal::of_row(
        "MALFORMED_ID",
        format!("Record ID: id value of incorrect type: {id}"),
        &["Id"],
    )
}

pub(super) fn entity_deleted() -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        ..Refusal::of_row("ENTITY_IS_DELETED", "entity is deleted", &[])
    }
}

// Rows: what a row may not be.

pub(super) fn required_missing(fields: &[&str]) -> Refusal {
    Refusal::of_row(
        "REQUIRED_FIELD_MISSING",
        format!("Required fields are missing: [{}]", fields.join(", ")),
        fields,
    )
}

pub(super) fn read_only(fields: &[&str]) -> Refusal {
    Refusal::of_row(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
            fields.join(", ")
        ),
        fields,
    )
}

/// *Unconfirmed* sentence.
pub(super) fn key_in_body(field: &str) -> Refusal {
    Refusal::of_row(
        "INVALID_FIELD",
        format!("The {field} field should not be specified in the sobject data."),
        &[],
    )
}

pub(super) fn too_long(label: &str, field: &str, value: &str, length: u32) -> Refusal {
    Refusal::of_row(
        "STRING_TOO_LONG",
        format!("{label}: data value too large: {value} (max length={length})"),
        &[field],
    )
}

pub(super) fn bad_picklist(label: &str, field: &str, value: &str) -> Refusal {
    Refusal::of_row(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        format!("{label}: bad value for restricted picklist field: {value}"),
        &[field],
    )
}

pub(super) fn bad_email(label: &str, field: &str, value: &str) -> Refusal {
    Refusal::of_row(
        "INVALID_EMAIL_ADDRESS",
        format!("{label}: invalid email address: {value}"),
        &[field],
    )
}

pub(super) fn out_of_range(label: &str, field: &str, value: &str) -> Refusal {
    Refusal::of_row(
        "NUMBER_OUTSIDE_VALID_RANGE",
        format!("{label}: value outside of valid range on numeric field: {value}"),
        &[field],
    )
}

pub(super) fn bad_reference(label: &str, field: &str, value: &str) -> Refusal {
    Refusal::of_row(
        "MALFORMED_ID",
        format!("{label}: id value of incorrect type: {value}"),
        &[field],
    )
}

pub(super) fn invalid_cross_reference(field: &str) -> Refusal {
    Refusal::of_row(
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
        &[field],
    )
}

/// *Unconfirmed* sentence.
pub(super) fn foreign_key_not_found(field: &str, key: &str, object: &str) -> Refusal {
    Refusal::of_row(
        "INVALID_FIELD",
        format!("Foreign key external ID: {key} not found for field {field} in entity {object}"),
        &[],
    )
}

pub(super) fn duplicate_value(label: &str, id: &str) -> Refusal {
    Refusal::of_row(
        "DUPLICATE_VALUE",
        format!("duplicate value found: {label} duplicates value on record with id: {id}"),
        &[],
    )
}

pub(super) fn converted_lead() -> Refusal {
    Refusal::of_row(
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "cannot reference converted lead",
        &[],
    )
}

// Permissions.

pub(super) fn insufficient_access(id: &str) -> Refusal {
    let message = format!("insufficient access rights on object id {id}");
    Refusal {
        status: StatusCode::FORBIDDEN,
        ..Refusal::of_row("INSUFFICIENT_ACCESS_OR_READONLY", message, &[])
    }
}

/// What a reference to a row is told that the user may not see. *Unconfirmed* sentence.
pub(super) fn cross_reference_refused(id: &str) -> Refusal {
    let message = format!("insufficient access rights on cross-reference id: {id}");
    Refusal::of_row(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        message,
        &[],
    )
}

/// *Unconfirmed* sentence.
pub(super) fn insufficient_access_on_object() -> Refusal {
    Refusal {
        status: StatusCode::FORBIDDEN,
        ..Refusal::of_row(
            "INSUFFICIENT_ACCESS",
            "The requested operation is not allowed for your profile or permission set",
            &[],
        )
    }
}

// Composite resources.

/// *Unconfirmed* sentence.
pub(super) fn too_many_subrequests(limit: usize) -> Refusal {
    Refusal::new(
        BAD,
        "LIMIT_EXCEEDED",
        format!("Limit of {limit} subrequests was exceeded"),
    )
}

/// *Unconfirmed* sentence.
pub(super) fn batch_halted() -> Refusal {
    Refusal::new(
        StatusCode::PRECONDITION_FAILED,
        "BATCH_PROCESSING_HALTED",
        "Batch processing halted at request 0 due to haltOnError",
    )
}

/// What every other sub-request says once one has failed in a call of all or nothing.
pub(super) fn processing_halted() -> Refusal {
    Refusal::new(
        BAD,
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
}

/// *Unconfirmed* sentence.
pub(super) fn bad_reference_id(reference: &str) -> Refusal {
    Refusal::new(
        BAD,
        "PROCESSING_HALTED",
        format!("Invalid reference specified. No value for {reference} found"),
    )
}

/// *Unconfirmed* sentence.
pub(super) fn bad_composite(message: &str) -> Refusal {
    Refusal::new(BAD, "INVALID_INPUT", message)
}

//! The refusals of the Graph API, in the words of its wire.
//!
//! The shape of the body and the codes are those of Meta's documentation ("Graph API, Handling errors"); sentences marked
//! *unconfirmed* are written from memory.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::call::Answer;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// The id under which Meta's support would find a request.
const TRACE: &str = "AbridgedSandboxTrace00";

/// A refusal; its kind is Meta's word for the family of the error.
fn refusal(
    status: StatusCode,
    kind: &str,
    code: i64,
    subcode: Option<i64>,
    message: &str,
) -> Answer {
    let mut error = json!({ "message": message, "type": kind, "code": code, "fbtrace_id": TRACE });
    if let (Some(subcode), Value::Object(error)) = (subcode, &mut error) {
        error.insert("error_subcode".to_owned(), subcode.into());
    }
    Answer::json(status, json!({ "error": error }))
}

/// A refusal that a test asked for.
pub(in crate::sandbox) fn stated(status: StatusCode, code: i64, subcode: Option<i64>) -> Answer {
    let message = format!("(#{code}) The sandbox was told to refuse this");
    refusal(status, "OAuthException", code, subcode, &message)
}

/// A message that is refused. Titles are Meta's own ("Cloud API, Error codes") where a copy has them; the details are ours.
pub(in crate::sandbox) fn message_refused(status: StatusCode, code: i64, details: &str) -> Answer {
    let title = match code {
        100 => "Invalid parameter",
        130_429 => "Rate limit hit",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_021 => "Recipient cannot be sender",
        131_047 => "Re-engagement message",
        131_051 => "Unsupported message type",
        131_056 => "(Business Account, Consumer Account) pair rate limit hit",
        132_000 => "Number of parameters does not match the expected number of params",
        132_001 => "Template name does not exist in the translation",
        132_005 => "Translated text too long",
        132_012 => "Parameter format does not match format in the created template",
        132_015 => "Template is paused",
        132_016 => "Template is disabled",
        _ => "Message refused",
    };
    let error = json!({ "error": {
        "message": format!("(#{code}) {title}"),
        "type": "OAuthException",
        "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": details },
        "fbtrace_id": TRACE,
    } });
    Answer::json(status, error)
}

/// No token, or none that was ever given out. *Unconfirmed* sentence.
pub(in crate::sandbox) fn unknown_token() -> Answer {
    let message = "Invalid OAuth access token - Cannot parse access token";
    refusal(
        StatusCode::UNAUTHORIZED,
        "OAuthException",
        190,
        None,
        message,
    )
}

/// A token whose time is over. *Unconfirmed* sentence; sub-code 463.
pub(in crate::sandbox) fn expired_token() -> Answer {
    let message = "Error validating access token: Session has expired";
    refusal(
        StatusCode::UNAUTHORIZED,
        "OAuthException",
        190,
        Some(463),
        message,
    )
}

/// A token that somebody took back. *Unconfirmed* sentence; sub-code 460.
pub(in crate::sandbox) fn revoked_token() -> Answer {
    let message = "Error validating access token: The session has been invalidated because the user changed \
         their password";
    refusal(
        StatusCode::UNAUTHORIZED,
        "OAuthException",
        190,
        Some(460),
        message,
    )
}

/// An object that is not there, or not for this token; as recorded answers have it.
pub(in crate::sandbox) fn unknown_object(id: &str) -> Answer {
    let message = format!(
        "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does \
         not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
    );
    refusal(BAD, "GraphMethodException", 100, Some(33), &message)
}

/// A field that the object does not have; as recorded answers have it.
pub(in crate::sandbox) fn unknown_field(field: &str, node: &str) -> Answer {
    let message =
        format!("(#100) Tried accessing nonexisting field ({field}) on node type ({node})");
    refusal(BAD, "OAuthException", 100, None, &message)
}

/// A parameter that cannot be read. *Unconfirmed* sentence.
pub(in crate::sandbox) fn bad_parameter(name: &str) -> Answer {
    let message = format!("(#100) Param {name} is not valid");
    refusal(BAD, "OAuthException", 100, None, &message)
}

/// A path that is no resource.
pub(in crate::sandbox) fn unknown_path(method: &str, path: &str) -> Answer {
    let message = format!("Unknown path components: {path}");
    let error = json!({ "error": {
        "message": message,
        "type": "OAuthException",
        "code": 2500,
        "method": method,
        "fbtrace_id": TRACE,
    } });
    Answer::json(BAD, error)
}

//! Answers: JSON, and one shape for everything that went wrong.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

use crate::foundation::code::Code;
use crate::foundation::error::Error;

use super::routes::ROUTES;

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        Body::from(body.to_string()),
    )
        .into_response()
}

/// A refusal in words, under a word of its own where no code of bridged's fits.
pub(super) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    json(
        status,
        &json!({ "error": { "code": code, "message": message } }),
    )
}

/// An error of bridged's own.
pub(super) fn error(error: &Error) -> Response {
    let status = match error.code() {
        Code::UnknownPipeline => StatusCode::NOT_FOUND,
        Code::PipelineLocked => StatusCode::CONFLICT,
        Code::ServerStopping | Code::StoreBusy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        // What is wrong here is the operator's to read, in the log.
        tracing::error!(code = %error.code(), "a request failed: {error}");
        return refusal(
            status,
            error.code().as_str(),
            "the server could not do this; its log says why",
        );
    }
    told(status, error)
}

/// What was asked for cannot be done as things stand, and the error says why and what to do.
pub(super) fn refused(refused: &Error) -> Response {
    let status = match refused.code() {
        Code::UnknownConnection => StatusCode::NOT_FOUND,
        Code::ServerStopping | Code::StoreBusy | Code::ConnectionFailed => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Code::Bug => return error(refused),
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    told(status, refused)
}

fn told(status: StatusCode, error: &Error) -> Response {
    let body = json!({ "error": {
        "code": error.code().as_str(),
        "message": error.message(),
        "help": error.help_text(),
    } });
    json(status, &body)
}

pub(super) fn not_found() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "not-found",
        "there is nothing under this path",
    )
}

/// RFC 9110, section 15.5.6: a 405 names the methods that there are.
pub(super) fn method_not_allowed(path: &str) -> Response {
    let mut response = refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this path is asked in another way",
    );
    let methods: Vec<&str> = ROUTES
        .iter()
        .filter(|route| route.path == path)
        .map(|route| route.method)
        .collect();
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

pub(super) fn bad_request(message: &str) -> Response {
    refusal(StatusCode::BAD_REQUEST, "bad-request", message)
}

//! Refusals of the token endpoint and of the Graph API.

use http::StatusCode;
use serde_json::json;

use super::BAD;
use crate::sandbox::call::{Answer, HTML};

/// A refusal of the token endpoint: `error` and `error_description`.
pub(in crate::sandbox) fn refusal(status: StatusCode, error: &str, description: &str) -> Answer {
    Answer::json(
        status,
        json!({ "error": error, "error_description": description }),
    )
}

fn grant_refused(error: &str, description: &str) -> Answer {
    refusal(BAD, error, description)
}

pub(in crate::sandbox) fn wrong_domain() -> Answer {
    grant_refused("invalid_grant", "request not supported on this domain")
}

pub(in crate::sandbox) fn unsupported_grant_type() -> Answer {
    grant_refused("unsupported_grant_type", "grant type not supported")
}

pub(in crate::sandbox) fn invalid_client_id() -> Answer {
    grant_refused("invalid_client_id", "client identifier invalid")
}

pub(in crate::sandbox) fn invalid_client() -> Answer {
    grant_refused("invalid_client", "invalid client credentials")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn no_run_as_user() -> Answer {
    grant_refused("invalid_grant", "no client credentials user enabled")
}

pub(in crate::sandbox) fn authentication_failure() -> Answer {
    grant_refused("invalid_grant", "authentication failure")
}

pub(in crate::sandbox) fn expired_refresh_token() -> Answer {
    grant_refused("invalid_grant", "expired access/refresh token")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn inactive_user() -> Answer {
    grant_refused("inactive_user", "user is inactive")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn missing_parameter(name: &str) -> Answer {
    grant_refused(
        "invalid_request",
        &format!("missing required parameter: {name}"),
    )
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn invalid_token() -> Answer {
    grant_refused("invalid_token", "invalid token")
}

pub(in crate::sandbox) fn identity_refused() -> Answer {
    Answer::new(StatusCode::FORBIDDEN, HTML, "Bad_OAuth_Token")
}

// The Graph API.

/// What the Graph API says of a path it does not know.
pub(in crate::sandbox) fn graph_unknown_path(method: &str, path: &str) -> Answer {
    let message = format!("Unknown path components: {path}");
    let error = json!({ "error": {
        "message": message,
        "type": "OAuthException",
        "code": 2500,
        "method": method,
        "fbtrace_id": "AbridgedSandboxTrace00",
    } });
    Answer::json(BAD, error)
}

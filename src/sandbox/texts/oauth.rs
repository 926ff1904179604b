//! Refusals of the OAuth endpoints and of the Graph API.
//!
//! Source: "OAuth 2.0 Authorization Errors" in Salesforce Help, and answers recorded by public clients. What is marked
//! *unconfirmed* is written from memory of the service.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::json;

use super::BAD;
use crate::sandbox::call::{Answer, HTML};

/// Why somebody is not signed in: a JSON body of the token endpoint, or two parameters on the way back to an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) struct Fault {
    /// The word that programs read.
    pub(in crate::sandbox) error: &'static str,
    /// The sentence that people read.
    pub(in crate::sandbox) description: Cow<'static, str>,
}

impl Fault {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self {
            error,
            description: Cow::Borrowed(description),
        }
    }

    /// The JSON body with a status of its own.
    pub(in crate::sandbox) fn answer(&self, status: StatusCode) -> Answer {
        let body = json!({ "error": self.error, "error_description": self.description });
        Answer::json(status, body).header("cache-control", "no-cache, no-store")
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        fault.answer(BAD)
    }
}

// The request.

pub(in crate::sandbox) fn only_post() -> Answer {
    Fault::new("invalid_request", "HTTP method not supported; use POST")
        .answer(StatusCode::METHOD_NOT_ALLOWED)
}

pub(in crate::sandbox) fn wrong_domain() -> Fault {
    Fault::new("invalid_grant", "request not supported on this domain")
}

pub(in crate::sandbox) fn unsupported_grant_type() -> Fault {
    Fault::new("unsupported_grant_type", "grant type not supported")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn unsupported_response_type() -> Fault {
    Fault::new("unsupported_response_type", "response type not supported")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn missing_parameter(name: &str) -> Fault {
    Fault {
        error: "invalid_request",
        description: format!("missing required parameter: {name}").into(),
    }
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn duplicate_parameter(name: &str) -> Fault {
    Fault {
        error: "invalid_request",
        description: format!("duplicate parameter: {name}").into(),
    }
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn invalid_scope() -> Fault {
    Fault::new("invalid_scope", "the requested scope is not allowed")
}

// PKCE.

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn missing_challenge() -> Fault {
    Fault::new("invalid_request", "missing required code challenge")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn invalid_challenge() -> Fault {
    Fault::new("invalid_request", "invalid code challenge")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn challenge_method() -> Fault {
    Fault::new("invalid_request", "code challenge method must be S256")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn invalid_verifier() -> Fault {
    Fault::new("invalid_grant", "invalid code verifier")
}

// The app.

pub(in crate::sandbox) fn invalid_client_id() -> Fault {
    Fault::new("invalid_client_id", "client identifier invalid")
}

pub(in crate::sandbox) fn invalid_client() -> Fault {
    Fault::new("invalid_client", "invalid client credentials")
}

pub(in crate::sandbox) fn redirect_uri_mismatch() -> Fault {
    Fault::new(
        "redirect_uri_mismatch",
        "redirect_uri must match configuration",
    )
}

pub(in crate::sandbox) fn not_admin_approved() -> Fault {
    Fault::new(
        "invalid_app_access",
        "user is not admin approved to access this app",
    )
}

/// *Unconfirmed* code and sentence.
pub(in crate::sandbox) fn app_blocked() -> Fault {
    Fault::new("OAUTH_APP_BLOCKED", "this app is blocked by admin")
}

/// *Unconfirmed* code and sentence.
pub(in crate::sandbox) fn app_not_installed() -> Fault {
    Fault::new(
        "OAUTH_APPROVAL_ERROR_GENERIC",
        "An unexpected error has occurred during authentication. Please try again.",
    )
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn no_run_as_user() -> Fault {
    Fault::new("invalid_grant", "no client credentials user enabled")
}

// The user and the org.

pub(in crate::sandbox) fn authentication_failure() -> Fault {
    Fault::new("invalid_grant", "authentication failure")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn inactive_user() -> Fault {
    Fault::new("inactive_user", "user is inactive")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn locked_user() -> Fault {
    Fault::new("inactive_user", "user is locked")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn inactive_org() -> Fault {
    Fault::new("inactive_org", "organization is inactive or locked")
}

pub(in crate::sandbox) fn login_hours() -> Fault {
    Fault::new("invalid_grant", "invalid login hours")
}

pub(in crate::sandbox) fn ip_restricted() -> Fault {
    Fault::new("invalid_grant", "ip restricted")
}

pub(in crate::sandbox) fn access_denied() -> Fault {
    Fault::new("access_denied", "end-user denied authorization")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn login_required() -> Fault {
    Fault::new("login_required", "user must log in")
}

/// *Unconfirmed* code and sentence.
pub(in crate::sandbox) fn consent_required() -> Fault {
    Fault::new("interaction_required", "user must approve this app")
}

// Codes, tokens and assertions.

pub(in crate::sandbox) fn expired_code() -> Fault {
    Fault::new("invalid_grant", "expired authorization code")
}

pub(in crate::sandbox) fn invalid_code() -> Fault {
    Fault::new("invalid_grant", "invalid authorization code")
}

pub(in crate::sandbox) fn expired_refresh_token() -> Fault {
    Fault::new("invalid_grant", "expired access/refresh token")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn invalid_assertion() -> Fault {
    Fault::new("invalid_grant", "invalid assertion")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn expired_assertion() -> Fault {
    Fault::new("invalid_grant", "assertion is expired or lives too long")
}

pub(in crate::sandbox) fn wrong_audience() -> Fault {
    Fault::new("invalid_grant", "Audience validation failed")
}

pub(in crate::sandbox) fn not_approved() -> Fault {
    Fault::new("invalid_grant", "user hasn't approved this consumer")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn refresh_scope_missing() -> Fault {
    Fault::new("invalid_request", "refresh_token scope is required")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn invalid_token() -> Fault {
    Fault::new("invalid_token", "invalid token")
}

/// *Unconfirmed* sentence.
pub(in crate::sandbox) fn unsupported_token_type() -> Fault {
    Fault::new("unsupported_token_type", "this token type is not supported")
}

pub(in crate::sandbox) fn identity_refused() -> Answer {
    Answer::new(StatusCode::FORBIDDEN, HTML, "Bad_OAuth_Token")
}

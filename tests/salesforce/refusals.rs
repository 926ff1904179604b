//! Every refusal of a sign-in: its name, what a person does about it, and how often the request is sent.

use bridged::foundation::code::Code;
use bridged::salesforce::client::Client;
use bridged::salesforce::web_server;

use super::org::{settings, shown};
use crate::support::wire::{Wire, answer, json};

/// Status, OAuth error, description, and what must come of it: the code and the number of tries.
#[rustfmt::skip]
const TABLE: &[(u16, &str, &str, Code, usize)] = &[
    (400, "invalid_client_id", "client identifier invalid", Code::WrongConsumerKey, 1),
    (401, "invalid_client", "client identifier invalid", Code::WrongConsumerKey, 1),
    (400, "invalid_client", "invalid client credentials", Code::WrongApiKey, 1),
    (401, "invalid_client_credentials", "", Code::WrongApiKey, 1),
    (400, "invalid_request", "client secret is required", Code::SecretRequired, 1),
    (400, "invalid_client", "client_secret missing", Code::SecretRequired, 1),
    (400, "invalid_grant", "request not supported on this domain", Code::LoginHost, 1),
    (400, "invalid_grant", "no client credentials user enabled", Code::RunAsUserMissing, 1),
    (400, "invalid_client", "no client credentials user enabled", Code::RunAsUserMissing, 1),
    (400, "invalid_grant", "authentication failure", Code::SignInRefused, 1),
    (400, "invalid_grant", "authentication failure - Invalid Password", Code::SignInRefused, 1),
    (400, "invalid_grant", "ip restricted", Code::IpRestricted, 1),
    (400, "IP_RESTRICTED", "", Code::IpRestricted, 1),
    (400, "invalid_grant", "invalid login hours", Code::LoginHours, 1),
    (400, "invalid_grant", "expired access/refresh token", Code::ReconnectNeeded, 1),
    (400, "invalid_grant", "expired authorization code", Code::CodeExpired, 1),
    (400, "invalid_grant", "invalid authorization code", Code::CodeExpired, 1),
    (400, "invalid_grant", "Audience validation failed", Code::AudienceRefused, 1),
    (400, "invalid_grant", "audience is invalid", Code::AudienceRefused, 1),
    (400, "invalid_grant", "user hasn't approved this consumer", Code::AppNotApproved, 1),
    (400, "invalid_app_access", "user is not admin approved to access this app", Code::AppNotApproved, 1),
    (400, "invalid_app_access", "", Code::AppNotApproved, 1),
    (400, "OAUTH_APP_BLOCKED", "this app is blocked by admin", Code::AppNotApproved, 1),
    (400, "OAUTH_APP_ACCESS_DENIED", "", Code::AppNotApproved, 1),
    (400, "invalid_grant", "app must be installed into org", Code::AppNotApproved, 1),
    (400, "inactive_user", "user is inactive", Code::UserInactive, 1),
    (400, "invalid_grant", "inactive user", Code::UserInactive, 1),
    (400, "invalid_grant", "user is locked out", Code::UserInactive, 1),
    (400, "inactive_org", "", Code::OrgInactive, 1),
    (400, "invalid_grant", "inactive organization", Code::OrgInactive, 1),
    (400, "redirect_uri_mismatch", "redirect_uri must match configuration", Code::CallbackMismatch, 1),
    (400, "redirect_uri_mismatch", "", Code::CallbackMismatch, 1),
    (400, "access_denied", "end-user denied authorization", Code::SignInDenied, 1),
    (400, "invalid_scope", "the requested scope is not allowed", Code::ScopeMissing, 1),
    (400, "invalid_request", "refresh_token scope is required", Code::ScopeMissing, 1),
    (400, "unsupported_grant_type", "grant type not supported", Code::SignInRefused, 1),
    (400, "invalid_request", "", Code::SignInRefused, 1),
    (400, "a_code_of_tomorrow", "something new", Code::SignInRefused, 1),
    (400, "rate_limit_exceeded", "", Code::SignInLimited, 3),
    (403, "login_rate_exceeded", "login rate exceeded", Code::SignInLimited, 3),
    (400, "unknown_error", "retry your request", Code::SalesforceUnavailable, 3),
    (503, "Service Unavailable", "", Code::SalesforceUnavailable, 3),
];

#[tokio::test]
async fn every_refusal_of_the_log_in_has_its_name() {
    for (status, oauth, description, code, expected) in TABLE {
        let body =
            serde_json::json!({"error": oauth, "error_description": description}).to_string();
        let status = *status;
        let wire = Wire::start(move |_| json(status, &body)).await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.sign_in().await.unwrap_err();
        let what = format!("{oauth}, {description}: {}", shown(&error));
        assert_eq!(error.code(), *code, "{what}");
        assert_eq!(wire.requests().len(), *expected, "{what}");
        assert!(error.message().contains(description), "{what}");
        assert!(error.help_text().is_some(), "{what}");
    }
    // A gateway's page in place of the token passes; a page with an error status that does not pass is final.
    for (status, code, expected) in [
        (503, Code::SalesforceUnavailable, 3),
        (404, Code::NotFound, 1),
    ] {
        let wire = Wire::start(move |_| answer(status, &[], "<html>SECRET HTML</html>")).await;
        let client = Client::new(settings(wire.url("http"))).unwrap();
        let error = client.sign_in().await.unwrap_err();
        assert_eq!((error.code(), wire.requests().len()), (code, expected));
        assert!(!shown(&error).contains("SECRET HTML"));
    }
}

#[test]
fn an_error_at_the_callback_has_the_same_name() {
    for (_, oauth, description, code, _) in TABLE.iter().filter(|row| row.0 == 400) {
        let error = web_server::refusal(oauth, description);
        assert_eq!(error.code(), *code, "{oauth}, {description}: {error}");
        assert!(error.help_text().is_some(), "{error}");
    }
}

#[test]
fn an_error_at_the_callback_is_one_short_clean_line() {
    let error = web_server::refusal(
        "<script>alert(1)</script>",
        &format!("a\n\u{1b}[31m\u{7}b {}", "x".repeat(9_000)),
    );
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(
        error
            .message()
            .starts_with("Salesforce refused the log-in: a [31m b x")
    );
    assert!(error.message().chars().count() < 400);
    assert!(error.message().chars().all(|c| !c.is_control()));
    assert_eq!(error.context().remote_code, None, "it is no word");
}

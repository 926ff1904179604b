//! What a refused sign-in means: the OAuth error and its words to one code, and what to do about it.
//!
//! Sources: Salesforce Help, "OAuth 2.0 Authorization Errors" and "OAuth Error Codes"; recorded answers in the test suites
//! of public clients. The words marked *unconfirmed* are from memory of the service. Salesforce files very different
//! reasons under `invalid_grant`, so that the description decides, and what no rule knows keeps it word for word.

use crate::foundation::code::Code;
use crate::salesforce::errors;

/// Names a refusal by the OAuth error and its description.
pub(in crate::salesforce) fn name(error: &str, description: &str, status: u16) -> Code {
    let words = description.to_ascii_lowercase();
    let has = |part: &str| words.contains(part);
    let in_words = WORDS
        .iter()
        .find(|(parts, _)| parts.iter().all(|part| has(part)));
    if let Some((_, code)) = in_words {
        return *code;
    }
    let lower = error.to_ascii_lowercase();
    let in_code = ERRORS.iter().find(|(name, _)| *name == lower);
    match in_code {
        Some((_, code)) => *code,
        None if lower == "invalid_client" && has("identifier") => Code::WrongConsumerKey,
        None if lower == "invalid_client" => Code::WrongApiKey,
        // A gateway's own JSON (`{"error": "Service Unavailable"}`) passes; a refusal by name does not.
        None if status >= 500 || matches!(status, 408 | 420 | 429) => errors::by_status(status),
        None => Code::SignInRefused,
    }
}

/// Words of descriptions, all in lower case; the first row whose parts are all there decides.
const WORDS: &[(&[&str], Code)] = &[
    (&["not supported on this domain"], Code::LoginHost),
    (&["no client credentials user"], Code::RunAsUserMissing),
    (&["login rate"], Code::SignInLimited),
    (&["rate limit"], Code::SignInLimited),
    // Whether the app or the user may sign in at all.
    (&["not admin approved"], Code::AppNotApproved),
    (&["hasn't approved"], Code::AppNotApproved),
    (&["has not approved"], Code::AppNotApproved),
    // *Unconfirmed*: an app that is blocked, or not installed in an org that asks for it.
    (&["app", "blocked"], Code::AppNotApproved),
    (&["app must be installed"], Code::AppNotApproved),
    (&["app", "not installed"], Code::AppNotApproved),
    (&["inactive org"], Code::OrgInactive),
    (&["organization", "inactive"], Code::OrgInactive),
    (&["inactive user"], Code::UserInactive),
    (&["user", "inactive"], Code::UserInactive),
    (&["user", "locked"], Code::UserInactive),
    // From where and when.
    (&["ip restricted"], Code::IpRestricted),
    (&["ip", "not allowed"], Code::IpRestricted),
    (&["login hours"], Code::LoginHours),
    // What was shown to the token endpoint.
    (&["expired access/refresh token"], Code::ReconnectNeeded),
    (&["refresh token", "expired"], Code::ReconnectNeeded),
    (&["refresh token", "invalid"], Code::ReconnectNeeded),
    (&["refresh token", "revoked"], Code::ReconnectNeeded),
    (&["expired authorization code"], Code::CodeExpired),
    (&["invalid authorization code"], Code::CodeExpired),
    (&["audience"], Code::AudienceRefused),
    (&["redirect_uri must match"], Code::CallbackMismatch),
    // *Unconfirmed*: an app that asks for its secret.
    (&["client", "secret", "required"], Code::SecretRequired),
    (&["client_secret", "missing"], Code::SecretRequired),
    (&["missing", "client secret"], Code::SecretRequired),
    (&["client identifier invalid"], Code::WrongConsumerKey),
    // An app without the scope `refresh_token` cannot sign in by JWT bearer.
    (&["refresh_token", "scope"], Code::ScopeMissing),
];

/// OAuth errors, in lower case, that say all by themselves.
const ERRORS: &[(&str, Code)] = &[
    ("invalid_client_id", Code::WrongConsumerKey),
    ("invalid_client_credentials", Code::WrongApiKey),
    ("rate_limit_exceeded", Code::SignInLimited),
    ("unknown_error", Code::SalesforceUnavailable),
    ("invalid_app_access", Code::AppNotApproved),
    ("oauth_app_blocked", Code::AppNotApproved),
    ("oauth_app_access_denied", Code::AppNotApproved),
    // *Unconfirmed*: what the browser brings back for an app that is not installed in the org.
    ("oauth_approval_error_generic", Code::AppNotApproved),
    ("inactive_user", Code::UserInactive),
    ("inactive_org", Code::OrgInactive),
    ("ip_restricted", Code::IpRestricted),
    ("redirect_uri_mismatch", Code::CallbackMismatch),
    ("redirect_uri_missing", Code::CallbackMismatch),
    ("access_denied", Code::SignInDenied),
    ("invalid_scope", Code::ScopeMissing),
];

/// What to do about a sign-in that failed, in the words of Salesforce's Setup; `None` for codes of other areas.
pub(in crate::salesforce) const fn help(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::SecretRequired => {
            "give the connection the app's Consumer Secret, or let an administrator clear the app's `Require secret` setting for this flow"
        }
        Code::PrivateKeyUnusable => {
            "give the PEM text of an RSA key of 2,048 bits or more without a password, whose certificate the app holds"
        }
        Code::AppNotApproved => {
            "let an administrator admit the user in the app's policies, under Permitted Users, or unblock the app"
        }
        Code::CallbackMismatch => {
            "register the address that was sent as a Callback URL of the app, letter for letter, and wait ten minutes"
        }
        Code::CodeExpired => "sign in again, and finish within some minutes",
        Code::SignInDenied => "sign in again and choose `Allow`",
        Code::ScopeMissing => {
            "add `api` and `refresh_token` to the app's Selected OAuth Scopes, then sign in again"
        }
        Code::AudienceRefused => {
            "set `audience` to `https://login.salesforce.com`, or for a sandbox to `https://test.salesforce.com`"
        }
        Code::UserInactive => {
            "let an administrator activate or unlock the user, under Setup, Users"
        }
        Code::OrgInactive => "ask Salesforce Support about the state of the org",
        Code::IpRestricted => {
            "let an administrator admit this machine's address: Login IP Ranges of the user's profile, or Setup, Network Access"
        }
        Code::LoginHours => {
            "let an administrator widen Login Hours of the user's profile, or run at another hour"
        }
        Code::NotConnected => "run `bridged connect` for this connection",
        Code::ReconnectNeeded => "run `bridged connect` for this connection again",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_class() {
        let named = WORDS.iter().map(|(_, code)| code);
        for code in named.chain(ERRORS.iter().map(|(_, code)| code)) {
            assert!(errors::meaning(*code).is_some(), "{code}");
        }
    }

    #[test]
    fn both_tables_are_in_lower_case_and_name_nothing_twice() {
        for (at, (parts, _)) in WORDS.iter().enumerate() {
            assert!(WORDS[at + 1..].iter().all(|(other, _)| other != parts));
            assert!(parts.iter().all(|part| *part == part.to_ascii_lowercase()));
        }
        for (at, (name, _)) in ERRORS.iter().enumerate() {
            assert!(ERRORS[at + 1..].iter().all(|(other, _)| other != name));
            assert_eq!(*name, name.to_ascii_lowercase());
        }
    }
}

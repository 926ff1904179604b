//! What the Graph API's error codes mean: the one table that decides how a refusal is named and whether a read is repeated.
//!
//! Sources: Meta, "Cloud API, Error codes" and "Graph API, Handling errors", in copies of resellers and of public clients. Meta
//! asks to build on `code`, not on titles, sub-codes or the HTTP status. What is marked *unconfirmed* no source was found for.
//! The way through Meta's pages to a number's status is documented ("Business phone numbers"); the other ways in the help texts
//! are *unconfirmed*.

use std::time::Duration;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::error::Error;
use crate::salesforce::refusal::{self, Failure, Scrub};
use crate::salesforce::wire::Answer;

use super::reaction::{Reaction, Whose};

/// What a failure asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Passing: a read may be made again.
    Transient,
    /// The token, the number, the account, a template or the connection is at fault: stop.
    Config,
}

/// The class of a code of this connection, and what a reader should do; `None` for codes of other areas.
pub const fn meaning(code: Code) -> Option<(Class, &'static str)> {
    Some(match code {
        Code::ConnectionFailed => (
            Class::Transient,
            "check this machine's network, then run the command again",
        ),
        Code::AnswerCutOff | Code::WhatsappUnavailable => {
            (Class::Transient, "run the command again later")
        }
        Code::WhatsappLimitReached => (
            Class::Transient,
            "wait (minutes for calls, up to 24 hours for people written to), and look for another program that uses the same account",
        ),
        other => match config_help(other) {
            Some(help) => (Class::Config, help),
            None => return None,
        },
    })
}

const fn config_help(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::WhatsappTokenRefused => {
            "make a token: Business settings → Users → System users → the user → Generate token; then `bridged connect` keeps it"
        }
        Code::WhatsappPermissionMissing => {
            "assign the account to the system user: Business settings → Accounts → WhatsApp accounts → the account → People; and \
             give its token `whatsapp_business_management`"
        }
        Code::WhatsappIdUnknown => {
            "copy the id again (not the number itself) from WhatsApp Manager → Account tools → Phone numbers"
        }
        Code::WhatsappNumberNotRegistered => {
            "see the column Status: WhatsApp Manager → Account tools → Phone numbers"
        }
        Code::WhatsappAccountRestricted => {
            "see what Meta says, and ask for a review: Business settings → Business support home → the account"
        }
        Code::WhatsappQualityLow => {
            "see who is blocked and why: WhatsApp Manager → Account tools → Phone numbers; write to fewer people"
        }
        Code::WhatsappRecipientRefused => {
            "nothing to do for the run: the others are written to; correct the number in Salesforce where it is wrong"
        }
        Code::WhatsappMessageRefused => {
            "compare `broadcast.template` and its values with the template: WhatsApp Manager → Message templates"
        }
        Code::WhatsappCampaignStopped => {
            "see what Meta says: WhatsApp Manager → Account tools → Phone numbers, and Message templates; then `bridged campaign resume`"
        }
        Code::WhatsappTemplateNotApproved => {
            "open the template: WhatsApp Manager → Message templates → Manage templates"
        }
        Code::WhatsappTemplateMissing => {
            "take a name and a language from WhatsApp Manager → Message templates → Manage templates"
        }
        Code::WhatsappTemplateMismatch => {
            "compare `broadcast.template` with WhatsApp Manager → Message templates → Manage templates"
        }
        Code::WhatsappTemplateUnchecked => {
            "add `business_account_id` to the connection: it stands beside the number's id in the app's dashboard"
        }
        Code::WhatsappRequestRefused => {
            "look the code up in Meta's Cloud API error codes, and see whether Meta still serves the connection's `graph_version`"
        }
        Code::HostRefused | Code::RedirectRefused => {
            "leave `api_url` out of the connection for Meta's own address"
        }
        Code::AddressRefused => "check how this machine resolves the name",
        Code::TlsFailed => "check this machine's clock, and what stands between it and Meta",
        Code::AnswerLate => "run the command again later",
        Code::AnswerTooLarge | Code::AnswerUnreadable => {
            "check that no gateway answers in Meta's place, then run the command again"
        }
        Code::ConnectionSettings => "correct the value in the connection",
        _ => return None,
    })
}

/// Names what an error of the Graph API means, by its code and, where the code does not tell, its sub-code and the status.
pub fn name(code: i64, subcode: Option<i64>, status: u16) -> Code {
    match (code, subcode) {
        // An object that is not there, or that the token may not see: Meta does not tell the two apart.
        (100, Some(33)) => Code::WhatsappIdUnknown,
        (200..=299, _) => Code::WhatsappPermissionMissing,
        // Unknown errors are an outage where the server says so, and the request's fault otherwise.
        (1 | 131_000, _) if status < 500 => Code::WhatsappRequestRefused,
        (known, _) => REMOTE
            .iter()
            .find(|(remote, _)| *remote == known)
            .map_or_else(|| by_status(status), |(_, code)| *code),
    }
}

/// The name of what a reaction is about, where that says more than Meta's code alone.
pub(super) const fn of_reaction(reaction: Reaction) -> Option<Code> {
    Some(match reaction {
        Reaction::Recipient
        | Reaction::Undeliverable
        | Reaction::Saturated
        | Reaction::Suppress => Code::WhatsappRecipientRefused,
        Reaction::Data => Code::WhatsappMessageRefused,
        Reaction::Campaign => Code::WhatsappCampaignStopped,
        Reaction::Backoff(Whose::Number | Whose::Account, _)
        | Reaction::Pair
        | Reaction::Sender => Code::WhatsappLimitReached,
        Reaction::Backoff(Whose::Server, _) | Reaction::Unknown => Code::WhatsappUnavailable,
        Reaction::Config => return None,
    })
}

/// Names an answer that carries no error code of Meta's: gateways, edges, and codes still unknown.
pub const fn by_status(status: u16) -> Code {
    match status {
        401 => Code::WhatsappTokenRefused,
        403 => Code::WhatsappPermissionMissing,
        429 => Code::WhatsappLimitReached,
        408 | 500..=599 => Code::WhatsappUnavailable,
        _ => Code::WhatsappRequestRefused,
    }
}

/// Meta's codes, grouped by what they mean here.
const REMOTE: &[(i64, Code)] = &[
    // The token.
    (0, Code::WhatsappTokenRefused),
    (190, Code::WhatsappTokenRefused),
    // Rights.
    (3, Code::WhatsappPermissionMissing),
    (10, Code::WhatsappPermissionMissing),
    (131_005, Code::WhatsappPermissionMissing),
    // The number and the account.
    (33, Code::WhatsappIdUnknown),
    // An id that is no number at all; *unconfirmed*.
    (803, Code::WhatsappIdUnknown),
    (131_045, Code::WhatsappNumberNotRegistered),
    (133_010, Code::WhatsappNumberNotRegistered),
    (368, Code::WhatsappAccountRestricted),
    (131_031, Code::WhatsappAccountRestricted),
    // Limits.
    (4, Code::WhatsappLimitReached),
    (80_007, Code::WhatsappLimitReached),
    // The server.
    (1, Code::WhatsappUnavailable),
    (2, Code::WhatsappUnavailable),
    (131_000, Code::WhatsappUnavailable),
    (131_016, Code::WhatsappUnavailable),
    // The request.
    (100, Code::WhatsappRequestRefused),
];

/// An error body.
#[derive(Deserialize)]
struct Body {
    error: Stated,
}

/// What Meta says went wrong, as far as it is looked at.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Stated {
    code: Option<i64>,
    error_subcode: Option<i64>,
    message: String,
    error_data: Value,
    fbtrace_id: String,
    is_transient: bool,
}

/// The most bytes of an error body that are looked at; Meta's own are far smaller.
const BODY_READ: usize = 256 << 10;

/// Names the failure behind an answer's status, header and body. HTML of a gateway is never repeated.
pub(super) fn refusal(status: u16, headers: &HeaderMap, body: &[u8], scrub: &Scrub<'_>) -> Failure {
    of(status, headers, body, scrub, None)
}

/// The same, under a name that the caller knows better.
pub(super) fn refused(answer: &Answer, scrub: &Scrub<'_>, named: Option<Code>) -> Failure {
    of(answer.status, &answer.headers, &answer.body, scrub, named)
}

/// Meta's code in an error body, and whether Meta calls it passing; `None` where the body is no error of Meta's.
pub(super) fn stated(body: &[u8]) -> Option<(i64, bool)> {
    let stated = read(body)?;
    Some((stated.code?, stated.is_transient))
}

fn read(body: &[u8]) -> Option<Stated> {
    let looked_at = Some(body).filter(|body| body.len() <= BODY_READ);
    let stated = looked_at.and_then(|body| serde_json::from_slice::<Body>(body).ok());
    stated.map(|body| body.error)
}

fn of(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    scrub: &Scrub<'_>,
    named: Option<Code>,
) -> Failure {
    let stated = read(body).unwrap_or_default();
    let code = match stated.code {
        _ if named.is_some() => named.unwrap_or(Code::WhatsappRequestRefused),
        Some(remote) => match name(remote, stated.error_subcode, status) {
            // A code without a name of its own that Meta calls passing.
            Code::WhatsappRequestRefused if stated.is_transient => Code::WhatsappUnavailable,
            code => code,
        },
        None => by_status(status),
    };
    let details = stated.error_data.get("details").and_then(Value::as_str);
    let text = scrub.text(&match details {
        Some(details) => format!("{} {details}", stated.message),
        None => stated.message,
    });
    let remote_code = stated.code.map(|remote| match stated.error_subcode {
        Some(subcode) => format!("{remote}/{subcode}"),
        None => remote.to_string(),
    });
    let said = match (&remote_code, text.is_empty()) {
        (Some(remote), false) => format!("{text} (code {remote})"),
        (Some(remote), true) => format!("code {remote}"),
        (None, _) => format!("HTTP status {status}"),
    };
    let mut failure = failure(code, format!("{}: {said}", code.title()));
    failure.retry_after = retry_after(headers);
    failure.error = failure.error.with(|context| {
        context.http_status = Some(status);
        context.remote_code = remote_code;
        context.request_id = scrub.word(&stated.fbtrace_id);
    });
    failure
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    refusal::retry_after(headers)
}

/// A failure of this connection, with the help its code has here.
pub(super) fn failure(code: Code, message: impl Into<String>) -> Failure {
    helped(Failure::new(code, message))
}

/// The same for what is found out outside of this client.
pub fn told(code: Code, message: impl Into<String>) -> Error {
    error(code, message)
}

/// An error of this connection, with the help its code has here.
pub(super) fn error(code: Code, message: impl Into<String>) -> Error {
    failure(code, message).error
}

/// The same failure with the help that fits this connection: the wire's own codes are shared with Salesforce's.
pub(super) fn helped(failure: Failure) -> Failure {
    match meaning(failure.error.code()) {
        Some((_, help)) => Failure {
            error: failure.error.help(help),
            ..failure
        },
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_the_table_gives_has_a_help() {
        for (remote, code) in REMOTE {
            assert!(meaning(*code).is_some(), "{remote} -> {code}");
        }
        for status in 300..600 {
            assert!(meaning(by_status(status)).is_some(), "{status}");
        }
    }

    #[test]
    fn the_table_names_no_code_twice() {
        for (at, (remote, _)) in REMOTE.iter().enumerate() {
            assert!(
                REMOTE[at + 1..].iter().all(|(other, _)| other != remote),
                "{remote}"
            );
        }
    }
}

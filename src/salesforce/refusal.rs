//! From an answer that is no success to one named failure, whatever shape its body has.
//!
//! Bodies are arrays of errors, single objects, OAuth errors, HTML of a gateway, or nothing. HTML is never repeated, and
//! neither is anything that was sent as a credential.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::foundation::code::Code;
use crate::foundation::error::Error;

use super::errors::{self, Class};
use super::sign_in::refusals;

/// The most bytes of an error body that are looked at; Salesforce's own are far smaller.
const BODY_READ: usize = 256 << 10;

/// The most characters of Salesforce's words that are repeated.
const TEXT_SHOWN: usize = 300;

/// A request that failed, and what the answer says about asking again.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) retry_after: Option<Duration>,
    /// Whether its own tries are used up, so that no other loop may begin again.
    pub(crate) settled: bool,
    /// Whether the request may have been carried out although it failed here: its bytes may have left, and no answer says
    /// that it was refused.
    pub(crate) maybe_done: bool,
    /// Whether it is one of many: the org does not answer at present, so the failure is no try of this request.
    pub(crate) in_outage: bool,
}

impl Failure {
    /// A failure of this connection, with the help its code has.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        let error = Error::new(code, message);
        Self {
            error: match errors::meaning(code) {
                Some((_, help)) => error.help(help),
                None => error,
            },
            retry_after: None,
            settled: false,
            maybe_done: false,
            in_outage: false,
        }
    }

    /// A failure that leaves it open whether the request was carried out.
    pub(crate) fn unclear(code: Code, message: impl Into<String>) -> Self {
        Self {
            maybe_done: true,
            ..Self::new(code, message)
        }
    }

    /// What the failure asks for.
    pub(crate) fn class(&self) -> Class {
        errors::class(self.error.code()).unwrap_or(Class::Config)
    }
}

/// An error that was tried out already, or that is beyond trying.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
            settled: true,
            maybe_done: false,
            in_outage: false,
        }
    }
}

/// The texts that must not be repeated, whoever sends them back.
#[derive(Default, Clone)]
pub(crate) struct Scrub<'a> {
    /// Taken out wherever they stand.
    secrets: Vec<&'a str>,
    /// A record's values, taken out where they stand as words of their own.
    values: &'a [String],
}

impl<'a> Scrub<'a> {
    pub(crate) fn new(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let long_enough = |secret: &&str| secret.len() >= 4;
        Self {
            secrets: secrets.into_iter().filter(long_enough).collect(),
            values: &[],
        }
    }

    /// The same secrets, and the values of what was sent, longest first.
    pub(crate) fn and<'b>(&self, values: &'b [String]) -> Scrub<'b>
    where
        'a: 'b,
    {
        Scrub {
            secrets: self.secrets.clone(),
            values,
        }
    }

    /// One line of foreign text, fit to be shown.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut clean = String::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            if !word.is_empty() {
                if !clean.is_empty() {
                    clean.push(' ');
                }
                clean.push_str(word);
            }
        }
        for secret in &self.secrets {
            clean = clean.replace(secret, "…");
            // As a form or a query carried it.
            let encoded: Zeroizing<String> =
                byte_serialize(secret.as_bytes()).collect::<String>().into();
            clean = clean.replace(encoded.as_str(), "…");
        }
        for value in self.values {
            clean = without_word(&clean, value);
        }
        if clean.chars().count() > TEXT_SHOWN {
            clean = clean.chars().take(TEXT_SHOWN).collect();
            clean.push('…');
        }
        clean.trim_end_matches('.').to_owned()
    }

    /// A foreign word, when it looks like a code or an id and holds no secret.
    pub(crate) fn word(&self, word: &str) -> Option<String> {
        let fits = (1..=80).contains(&word.len())
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            && !self.secrets.iter().any(|secret| word.contains(secret));
        fits.then(|| word.to_owned())
    }
}

/// The text with every `value` that stands between words' ends made unreadable.
fn without_word(text: &str, value: &str) -> String {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, after) = (&rest[..at], &rest[at + value.len()..]);
        kept.push_str(before);
        let is_part = joins(kept.chars().next_back()) || joins(after.chars().next());
        kept.push_str(if is_part { value } else { "…" });
        rest = after;
    }
    kept + rest
}

/// Names the failure behind an OAuth error that came without an answer of its own, as it does by a redirect.
pub(super) fn stated(error: &str, description: &str, scrub: &Scrub<'_>) -> Failure {
    let stated = Stated::OAuth {
        error: error.to_owned(),
        description: description.to_owned(),
    };
    named(&stated, None, scrub)
}

/// Names the failure behind an answer's status, header and body.
pub(super) fn refusal(status: u16, headers: &HeaderMap, body: &[u8], scrub: &Scrub<'_>) -> Failure {
    let mut failure = named(&Stated::read(body), Some(status), scrub);
    failure.retry_after = retry_after(headers);
    // A gateway may give up on a request that Salesforce carries out, and 406 is about the answer, not the request.
    let is_outage = matches!(
        failure.error.code(),
        Code::SalesforceUnavailable | Code::OrgMaintenance
    );
    failure.maybe_done = is_outage && matches!(status, 406 | 408 | 500..=599);
    failure.error = failure.error.with(|context| {
        context.http_status = Some(status);
        context.request_id = request_id(headers, scrub);
    });
    failure
}

/// Names what an error body says.
fn named(stated: &Stated, status: Option<u16>, scrub: &Scrub<'_>) -> Failure {
    let number = status.unwrap_or(STATUS_OF_NONE);
    let (code, remote_code, text) = match stated {
        Stated::Api { code, message, .. } => {
            (errors::name(code, message, number), Some(code), message)
        }
        Stated::OAuth { error, description } => (
            refusals::name(error, description, number),
            Some(error),
            description,
        ),
        Stated::Maintenance if number >= 500 => (Code::OrgMaintenance, None, &String::new()),
        Stated::Maintenance | Stated::Nothing => (errors::by_status(number), None, &String::new()),
    };
    let text = scrub.text(text);
    let remote_code = remote_code.and_then(|word| scrub.word(word));
    let title = code.title();
    let mut message = match (&remote_code, text.is_empty()) {
        (_, false) => format!("{title}: {text}"),
        (Some(remote), true) => format!("{title}: `{remote}`"),
        (None, true) => format!("{title} (HTTP status {number})"),
    };
    if let Stated::Api { more: 1.., .. } = stated {
        message.push_str(" (and more errors of the same request)");
    }
    let mut failure = Failure::new(code, message);
    failure.error = failure
        .error
        .with(|context| context.remote_code = remote_code);
    failure
}

/// Stands in for the status of an error that came without one.
const STATUS_OF_NONE: u16 = 400;

/// The id under which Salesforce's support finds the request.
pub(super) fn request_id(headers: &HeaderMap, scrub: &Scrub<'_>) -> Option<String> {
    ["x-request-id", "sforce-request-id", "x-sfdc-request-id"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .and_then(|id| scrub.word(id))
}

/// What an error body says.
enum Stated {
    Api {
        code: String,
        message: String,
        more: usize,
    },
    OAuth {
        error: String,
        description: String,
    },
    /// No error code, in a page that speaks of maintenance.
    Maintenance,
    Nothing,
}

impl Stated {
    fn read(body: &[u8]) -> Self {
        match Self::code(body) {
            Stated::Nothing if speaks_of_maintenance(body) => Stated::Maintenance,
            stated => stated,
        }
    }

    fn code(body: &[u8]) -> Self {
        if body.len() > BODY_READ {
            return Stated::Nothing;
        }
        match serde_json::from_slice(body) {
            Ok(Value::Array(errors)) => match errors.first() {
                Some(Value::Object(first)) => Self::object(first, errors.len() - 1),
                _ => Stated::Nothing,
            },
            Ok(Value::Object(error)) => Self::object(&error, 0),
            Ok(_) => Stated::Nothing,
            Err(_) => Self::bare_word(body),
        }
    }

    fn object(error: &Map<String, Value>, more: usize) -> Self {
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| error.get(*name)?.as_str())
                .map(ToOwned::to_owned)
        };
        let message = text(&["message", "exceptionMessage"]).unwrap_or_default();
        if let Some(code) = text(&["errorCode", "statusCode", "exceptionCode"]) {
            return Stated::Api {
                code,
                message,
                more,
            };
        }
        text(&["error"]).map_or(Stated::Nothing, |error| Stated::OAuth {
            error,
            description: text(&["error_description"]).unwrap_or_default(),
        })
    }

    /// The identity resources refuse with one bare word, `Bad_OAuth_Token`.
    fn bare_word(body: &[u8]) -> Self {
        match std::str::from_utf8(body).map(str::trim) {
            Ok(word @ "Bad_OAuth_Token") => Stated::Api {
                code: word.to_owned(),
                message: String::new(),
                more: 0,
            },
            _ => Stated::Nothing,
        }
    }
}

/// Whether a page without an error code is that of a maintenance. The words of Salesforce's own page are *unconfirmed*, so only
/// the one that every such page has is looked for.
fn speaks_of_maintenance(body: &[u8]) -> bool {
    let looked_at = &body[..body.len().min(BODY_READ)];
    let page = String::from_utf8_lossy(looked_at).to_ascii_lowercase();
    page.contains("maintenance")
}

/// How long a gateway asks to wait, as seconds or as a date (RFC 9110, "Retry-After").
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(
        at.duration_since(SystemTime::now())
            .unwrap_or(Duration::ZERO),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Failure {
        refusal(
            status,
            &HeaderMap::new(),
            body.as_bytes(),
            &Scrub::default(),
        )
    }

    #[test]
    fn html_is_never_repeated() {
        for body in [
            "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>",
            "<html><script>x</script></html>",
            "",
            "null",
            "[]",
            "[[]]",
            "\"text\"",
            "{}",
            "{\"message\": 1}",
            "\u{0}\u{1}",
        ] {
            let failure = read(503, body);
            assert_eq!(failure.error.code(), Code::SalesforceUnavailable, "{body}");
            assert_eq!(
                failure.error.message(),
                "Salesforce could not answer (HTTP status 503)"
            );
        }
    }

    #[test]
    fn foreign_text_is_one_short_line() {
        let long = "x".repeat(5000);
        let failure = read(
            400,
            &format!(r#"[{{"errorCode":"MALFORMED_QUERY","message":"a\n\n  b\u0007{long}"}}]"#),
        );
        let message = failure.error.message();
        assert!(message.starts_with("Salesforce refused the query: a b x"));
        assert!(message.chars().count() < 400 && !message.contains(['\n', '\u{7}']));
    }

    #[test]
    fn an_echoed_secret_is_not_shown() {
        let scrub = Scrub::new(["00Dx!token", "topsecret"]);
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "topsecret".parse().unwrap());
        let body = r#"[{"errorCode":"topsecret","message":"got Bearer 00Dx!token and topsecret"}]"#;
        let failure = refusal(400, &headers, body.as_bytes(), &scrub);
        let shown = format!("{0:?} {0}", failure.error);
        assert!(
            !shown.contains("00Dx!token") && !shown.contains("topsecret"),
            "{shown}"
        );
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_date() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(with(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(
            with("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO),
            "a past date"
        );
        assert_eq!(with("soon"), None);
        assert_eq!(with("-1"), None);
    }
}

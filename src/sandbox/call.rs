//! One HTTP request and its answer, as the handlers see them.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;

/// A request whose body was read.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The method.
    pub(super) method: Method,
    /// The path as it was sent, percent-encoded, without the query.
    pub(super) path: String,
    /// The query as it was sent, without the `?`; empty where there is none.
    pub(super) query: String,
    /// The headers.
    pub(super) headers: HeaderMap,
    /// The whole body.
    pub(super) body: Bytes,
    /// What the caller has to put before a path to come back: scheme and authority.
    pub(super) origin: String,
}

impl Call {
    /// A call of the server's own, as composite resources make them.
    pub(super) fn inner(&self, method: Method, target: &str, body: Bytes) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body,
            origin: self.origin.clone(),
        }
    }

    /// The parts of the path between slashes, decoded; a slash at the end makes no part.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The first value of a query parameter, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        form_pairs(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A header as text; empty where it is missing or no text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// One value of a header that lists `name=value`, between semicolons or commas; case does not matter.
    pub(super) fn option(&self, header: &str, name: &str) -> Option<&str> {
        self.header(header).split([';', ',']).find_map(|option| {
            let (key, value) = option.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The host name of the request, without its port, in lower case.
    pub(super) fn host(&self) -> String {
        let authority = self
            .origin
            .split_once("://")
            .map_or("", |(_, authority)| authority);
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        host.to_ascii_lowercase()
    }
}

/// The pairs of a form or a query, decoded.
pub(super) fn form_pairs(form: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(form)
}

/// Where a request came from and whether it came over TLS: the origin that its caller knows.
pub(super) fn origin(tls: bool, headers: &HeaderMap, uri: &Uri, fallback: &str) -> String {
    let host = headers
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or(fallback);
    format!("{}://{host}", if tls { "https" } else { "http" })
}

/// What goes back.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// Headers beside those that every answer has.
    pub(super) headers: HeaderMap,
    /// The body.
    pub(super) body: Bytes,
    /// How the body travels.
    pub(super) delivery: Delivery,
    /// Records in the body, for the ledger.
    pub(super) records: usize,
    /// Calls that counted against the daily limit, for the ledger.
    pub(super) api_calls: u32,
}

/// How a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// At once.
    Whole,
    /// So many bytes a second.
    Slow(u32),
    /// So many bytes of what the headers promise, then the connection ends.
    Cut(usize),
    /// Not at all: the connection is reset.
    Reset,
}

/// The type of every JSON answer.
pub(super) const JSON: &str = "application/json;charset=UTF-8";
/// The type of the pages that gateways send.
pub(super) const HTML: &str = "text/html;charset=UTF-8";

impl Answer {
    /// An answer without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            delivery: Delivery::Whole,
            records: 0,
            api_calls: 0,
        }
    }

    /// An answer with a body of a type.
    pub(super) fn new(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status);
        answer
            .headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer.body = body.into();
        answer
    }

    /// A JSON answer.
    pub(super) fn json(status: StatusCode, body: impl serde::Serialize) -> Self {
        Self::new(status, JSON, serde_json::to_vec(&body).unwrap_or_default())
    }

    /// A JSON answer with status 200.
    pub(super) fn ok(body: impl serde::Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// The same answer with a header; one that is no header is left out.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same answer, counted as so many records.
    pub(super) fn counting(mut self, records: usize) -> Self {
        self.records = records;
        self
    }
}

/// How long a body of `bytes` takes at so many bytes a second, in steps of a tenth of a second.
pub(super) fn pace(bytes_per_second: u32) -> (usize, Duration) {
    let step = (bytes_per_second / 10).max(1) as usize;
    (step, Duration::from_millis(100))
}

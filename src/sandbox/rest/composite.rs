//! Several requests in one: `composite` and `composite/batch`.
//!
//! A sub-request goes through the same door as a request of its own; only the outer call counts against the limit.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Context, Outcome, dispatch, versions};
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::texts::{self, Refusal};

/// Sub-requests of one call, and how many of them may be queries or calls of many rows.
///
/// Source: "REST API Developer Guide", Composite and Composite Batch.
const SUBREQUESTS_MAX: usize = 25;
const QUERIES_MAX: usize = 5;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompositeBody {
    #[serde(default)]
    all_or_none: bool,
    composite_request: Vec<CompositePart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompositePart {
    method: String,
    url: String,
    reference_id: String,
    body: Option<Value>,
    #[serde(default)]
    http_headers: HashMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CompositeResult {
    body: Box<RawValue>,
    http_headers: Map<String, Value>,
    http_status_code: u16,
    reference_id: String,
}

/// Runs sub-requests in order; later ones may use results of earlier ones as `@{reference.field}`.
///
/// With `allOrNone` the first one that fails ends the call, and everything is taken back. No other request runs
/// meanwhile (see `State::pass`), so nobody sees what is taken back.
pub(super) fn composite(cx: &Context<'_>) -> Outcome {
    let body: CompositeBody = parse(&cx.call.body)?;
    let parts = body.composite_request;
    let limited = parts
        .iter()
        .filter(|part| is_query(&part.url) || is_collection(&part.url));
    check_counts(parts.len(), limited.count())?;
    let mark = body.all_or_none.then(|| cx.state.org_mut().begin());
    let mut answers: Vec<Answer> = Vec::with_capacity(parts.len());
    let mut known: HashMap<&str, Value> = HashMap::new();
    let mut failed = None;
    for (at, part) in parts.iter().enumerate() {
        if body.all_or_none && failed.is_some() {
            break;
        }
        let outcome = fill_in(&known, part).and_then(|(url, body)| {
            let target = url.strip_prefix("/services/data/").unwrap_or(&url);
            run(cx, &part.method, target, body.as_ref(), &part.http_headers)
        });
        let answer = outcome.unwrap_or_else(Answer::from);
        if answer.status.is_success() {
            let body = serde_json::from_slice(&answer.body).unwrap_or_default();
            known.insert(&part.reference_id, body);
        } else if answer.status != StatusCode::NOT_MODIFIED {
            failed = failed.or(Some(at));
        }
        answers.push(answer);
    }
    let records = answers.iter().map(|answer| answer.records).sum();
    if let Some(mark) = mark {
        let mut org = cx.state.org_mut();
        if failed.is_some() {
            org.undo(mark);
            answers.resize_with(parts.len(), || texts::processing_halted().into());
            for (at, answer) in answers.iter_mut().enumerate() {
                if Some(at) != failed {
                    *answer = texts::processing_halted().into();
                }
            }
        } else {
            org.keep(mark);
        }
    }
    let results: Vec<CompositeResult> = parts
        .iter()
        .zip(&answers)
        .map(|(part, answer)| result(part, answer))
        .collect();
    let body = serde_json::to_vec(&HashMap::from([("compositeResponse", results)]));
    Ok(Answer::new(
        StatusCode::OK,
        crate::sandbox::call::JSON,
        body.unwrap_or_default(),
    )
    .counting(records))
}

fn result(part: &CompositePart, answer: &Answer) -> CompositeResult {
    let mut headers = Map::new();
    for (name, shown) in [("location", "Location"), ("last-modified", "Last-Modified")] {
        let value = answer.headers.get(name);
        if let Some(value) = value.and_then(|value| value.to_str().ok()) {
            headers.insert(shown.to_owned(), value.into());
        }
    }
    CompositeResult {
        body: raw(answer),
        http_headers: headers,
        http_status_code: answer.status.as_u16(),
        reference_id: part.reference_id.clone(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchBody {
    #[serde(default)]
    halt_on_error: bool,
    batch_requests: Vec<BatchPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchPart {
    method: String,
    url: String,
    rich_input: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchResult {
    status_code: u16,
    result: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchAnswer {
    has_errors: bool,
    results: Vec<BatchResult>,
}

/// Runs sub-requests that know nothing of each other.
pub(super) fn batch(cx: &Context<'_>) -> Outcome {
    let body: BatchBody = parse(&cx.call.body)?;
    let parts = body.batch_requests;
    check_counts(
        parts.len(),
        parts.iter().filter(|part| is_query(&part.url)).count(),
    )?;
    let (mut has_errors, mut records) = (false, 0);
    let mut results = Vec::with_capacity(parts.len());
    for part in parts {
        let outcome = if has_errors && body.halt_on_error {
            Err(texts::batch_halted())
        } else {
            let target = part
                .url
                .trim_start_matches("/services/data")
                .trim_start_matches('/');
            run(
                cx,
                &part.method,
                target,
                part.rich_input.as_ref(),
                &HashMap::new(),
            )
        };
        let answer = outcome.unwrap_or_else(Answer::from);
        has_errors |= answer.status.is_client_error() || answer.status.is_server_error();
        records += answer.records;
        results.push(BatchResult {
            status_code: answer.status.as_u16(),
            result: raw(&answer),
        });
    }
    Ok(Answer::ok(BatchAnswer {
        has_errors,
        results,
    })
    .counting(records))
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_syntax() || error.is_eof() {
            texts::bad_json(error.line(), error.column())
        } else {
            texts::bad_composite(&error.to_string())
        }
    })
}

fn check_counts(parts: usize, queries: usize) -> Result<(), Refusal> {
    if parts > SUBREQUESTS_MAX {
        return Err(texts::too_many_subrequests(SUBREQUESTS_MAX));
    }
    if queries > QUERIES_MAX {
        return Err(texts::too_many_subrequests(QUERIES_MAX));
    }
    Ok(())
}

fn is_query(url: &str) -> bool {
    let path = url
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_end_matches('/');
    path.ends_with("/query") || path.ends_with("/queryAll")
}

fn is_collection(url: &str) -> bool {
    url.contains("/composite/sobjects")
}

/// Runs one sub-request. `target` begins with the version.
fn run(
    cx: &Context<'_>,
    method: &str,
    target: &str,
    body: Option<&Value>,
    headers: &HashMap<String, String>,
) -> Outcome {
    let method: Method = method
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| texts::not_found())?;
    let body = body
        .map(|body| Bytes::from(body.to_string()))
        .unwrap_or_default();
    let mut call: Call = cx
        .call
        .inner(method, &format!("/services/data/{target}"), body);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            call.headers.insert(name, value);
        }
    }
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().skip(2).map(String::as_str).collect();
    let Some((version, resource)) = path.split_first() else {
        return Err(texts::not_found());
    };
    let nested = resource.first() == Some(&"composite") && resource.get(1) != Some(&"sobjects");
    if !versions::is_known(version) || nested {
        return Err(texts::not_found());
    }
    let inner = Context {
        call: &call,
        version,
        user: cx.user.clone(),
        ..*cx
    };
    dispatch(&inner, resource)
}

/// Puts results of earlier sub-requests into the address and the body of a later one.
fn fill_in(
    known: &HashMap<&str, Value>,
    part: &CompositePart,
) -> Result<(String, Option<Value>), Refusal> {
    let url = fill_in_text(known, &part.url)?;
    let body = part
        .body
        .as_ref()
        .map(|body| fill_in_value(known, body))
        .transpose()?;
    Ok((url, body))
}

fn fill_in_value(known: &HashMap<&str, Value>, value: &Value) -> Result<Value, Refusal> {
    Ok(match value {
        Value::String(text) => fill_in_text(known, text)?.into(),
        Value::Array(items) => items
            .iter()
            .map(|item| fill_in_value(known, item))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        Value::Object(map) => {
            let filled = map
                .iter()
                .map(|(key, value)| Ok((key.clone(), fill_in_value(known, value)?)));
            Value::Object(filled.collect::<Result<Map<_, _>, Refusal>>()?)
        }
        other => other.clone(),
    })
}

/// Replaces each `@{reference.path}`. Names are compared with regard to case; `records[0]` picks from a list.
fn fill_in_text(known: &HashMap<&str, Value>, text: &str) -> Result<String, Refusal> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("@{") {
        let (path, after) = after
            .split_once('}')
            .ok_or_else(|| texts::bad_reference_id(after))?;
        out.push_str(before);
        let pointer = path.replace('[', ".").replace(']', "");
        let mut names = pointer.split('.');
        let root = names.next().and_then(|name| known.get(name));
        let value = names.try_fold(root.unwrap_or(&Value::Null), |value, name| match value {
            Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            other => other.get(name),
        });
        match value {
            Some(Value::String(text)) => out.push_str(text),
            None | Some(Value::Null) => return Err(texts::bad_reference_id(path)),
            Some(other) => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn raw(answer: &Answer) -> Box<RawValue> {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_filled_in_and_missing_ones_refused() {
        let known = HashMap::from([(
            "lead",
            json!({ "id": "00Q1", "records": [{ "Id": "00Q2" }], "count": 3 }),
        )]);
        for (text, filled) in [
            ("/x/@{lead.id}/y", Some("/x/00Q1/y")),
            ("@{lead.records[0].Id}@{lead.count}", Some("00Q23")),
            ("plain", Some("plain")),
            ("@{Lead.id}", None),
            ("@{lead.ID}", None),
            ("@{lead.id", None),
        ] {
            assert_eq!(fill_in_text(&known, text).ok().as_deref(), filled, "{text}");
        }
    }
}

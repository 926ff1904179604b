//! Bringing records in: by the rules of `bridged import`, all of a request or none.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::foundation::diagnostic::Place;
use crate::foundation::error::Result;
use crate::import::{self, Form, Input, Kind, Report, Request};
use crate::store::model::Answered;

use super::auth::digest_bytes;
use super::guard::Caller;
use super::{App, answer};

/// Records of one request at the most.
const MOST_RECORDS: usize = 1_000;

/// The longest idempotency key.
const LONGEST_KEY: usize = 255;

/// How long an answer is given again.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The header that makes a request safe to repeat.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

type Shared = State<Arc<App>>;

pub(super) async fn profiles(
    app: Shared,
    caller: Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    take(app.0, caller.0, Kind::Profiles, &headers, body).await
}

pub(super) async fn outcomes(
    app: Shared,
    caller: Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    take(app.0, caller.0, Kind::Outcomes, &headers, body).await
}

pub(super) async fn engagements(
    app: Shared,
    caller: Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    take(app.0, caller.0, Kind::Engagements, &headers, body).await
}

async fn take(
    app: Arc<App>,
    caller: Caller,
    kind: Kind,
    headers: &HeaderMap,
    body: Bytes,
) -> Response {
    let lines = match lines(headers, &body) {
        Ok(lines) => lines,
        Err(refused) => return *refused,
    };
    let key = match idempotency_key(headers) {
        Ok(key) => key,
        Err(refused) => return *refused,
    };
    // What is asked for, whichever token asks: path and body.
    let mut asked = kind.as_str().as_bytes().to_vec();
    asked.push(b'\n');
    asked.extend_from_slice(&body);
    let request = digest_bytes(&asked);
    let work = {
        let app = Arc::clone(&app);
        tokio::task::spawn_blocking(move || {
            store(&app, &caller, kind, &lines, key.as_deref(), request)
        })
    };
    match work.await {
        Ok(Ok((status, body))) => {
            if status == StatusCode::OK {
                app.control.records_changed();
            }
            answer::json(status, &body)
        }
        Ok(Err(error)) => answer::error(&error),
        Err(_) => answer::refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "bug",
            "the server could not do this",
        ),
    }
}

/// The records as lines of JSON.
fn lines(headers: &HeaderMap, body: &[u8]) -> std::result::Result<String, Box<Response>> {
    let wrong = |message: &str| Box::new(answer::bad_request(message));
    let text = std::str::from_utf8(body).map_err(|_| wrong("the body is not UTF-8"))?;
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let lines = match kind {
        "application/x-ndjson" => text.to_owned(),
        "application/json" => {
            let trimmed = text.trim_start();
            let records: Vec<&RawValue> = if trimmed.starts_with('[') {
                serde_json::from_str(text)
                    .map_err(|cause| wrong(&format!("the body is not JSON: {cause}")))?
            } else {
                vec![
                    serde_json::from_str(text)
                        .map_err(|cause| wrong(&format!("the body is not JSON: {cause}")))?,
                ]
            };
            // A new line stands between the signs of JSON alone, never within a text.
            let flat = records
                .iter()
                .map(|record| record.get().replace(['\n', '\r'], " "));
            flat.collect::<Vec<_>>().join("\n")
        }
        _ => {
            return Err(Box::new(answer::refusal(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-type",
                "send `application/json` (an object or a list) or `application/x-ndjson`",
            )));
        }
    };
    let count = lines.lines().filter(|line| !line.trim().is_empty()).count();
    if count == 0 {
        return Err(wrong("the body holds no record"));
    }
    if count > MOST_RECORDS {
        return Err(wrong("a request holds at most 1,000 records"));
    }
    Ok(lines)
}

fn idempotency_key(headers: &HeaderMap) -> std::result::Result<Option<String>, Box<Response>> {
    let Some(given) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match given.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Box::new(answer::bad_request(
            "an idempotency key has 1 to 255 printable characters",
        ))),
    }
}

fn store(
    app: &App,
    caller: &Caller,
    kind: Kind,
    lines: &str,
    key: Option<&str>,
    request: [u8; 32],
) -> Result<(StatusCode, Value)> {
    let now = app.clock.now();
    let since = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    if let Some(key) = key
        && let Some(before) = app.store.answered(&caller.0, key, since)?
    {
        if before.request != request {
            let message = "this idempotency key came with another request before";
            return Ok((
                StatusCode::CONFLICT,
                json!({ "error": { "code": "idempotency-key-reused", "message": message } }),
            ));
        }
        let status = StatusCode::from_u16(before.status).unwrap_or(StatusCode::OK);
        return Ok((
            status,
            serde_json::from_str(&before.body).unwrap_or_default(),
        ));
    }
    let mut input = Input::copy(lines.as_bytes(), "request")?;
    let asked = Request {
        kind,
        form: Form::Jsonl,
        skip_invalid: false,
    };
    let report = import::import(&mut input, asked, app.store.as_ref(), &app.clock)?;
    let (status, body) = told(&report);
    if let Some(key) = key {
        let answered = Answered {
            caller: caller.0.clone(),
            key: key.to_owned(),
            request,
            status: status.as_u16(),
            body: body.to_string(),
            at: now,
        };
        app.store.keep_answer(&answered, since)?;
    }
    Ok((status, body))
}

fn told(report: &Report) -> (StatusCode, Value) {
    if report.slips == 0 {
        let counts = json!({
            "added": report.added,
            "changed": report.changed,
            "unchanged": report.unchanged,
            "erased": report.erased,
        });
        return (StatusCode::OK, counts);
    }
    let errors: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let start = finding.place.as_ref().map(Place::start);
            json!({
                "code": finding.code.as_str(),
                "message": finding.message,
                "help": finding.help,
                "record": start.map(|start| start.line),
            })
        })
        .collect();
    let message = format!(
        "{} of {} records cannot be taken, so none was",
        report.invalid, report.records
    );
    let body =
        json!({ "error": { "code": "records-refused", "message": message, "records": errors } });
    (StatusCode::UNPROCESSABLE_ENTITY, body)
}

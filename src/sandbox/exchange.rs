//! One request from its first byte to its last: caps, faults, the answer, the ledger.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};

use super::call::{Answer, Call, Delivery, HTML, origin, pace};
use super::faults::{Action, Limit};
use super::ledger::Entry;
use super::routes::{self, Overrides};
use super::state::State;
use super::texts;

/// The longest URI, in bytes. Source: "REST API Developer Guide", Status Codes and Error Responses (414).
const URI_MAX: usize = 16_384;
/// URI and headers together, in bytes. Source: as above (431).
const HEADERS_MAX: usize = 16_384;
/// The largest body, in bytes.
const BODY_MAX: usize = 50 * 1_024 * 1_024;
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_mins(2);

/// Why a connection ends in the middle of an exchange.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("a fault ended the connection")]
    Fault,
    #[error("the client went away")]
    Client,
}

type Body = UnsyncBoxBody<Bytes, Broken>;

/// Answers a request, or ends its connection.
pub(super) async fn exchange(
    state: Arc<State>,
    tls: bool,
    request: Request<Incoming>,
    reset: &AtomicBool,
) -> Result<Response<Body>, Broken> {
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", PathAndQuery::as_str);
    let mut entry = Entry::new(request.method(), shown(target));
    let call = match read(tls, request).await {
        Ok(call) => call,
        Err(refused) => {
            let answer = (*refused)?;
            record(&state, entry, &answer);
            return deliver(&state, answer, reset);
        }
    };
    if call.path.starts_with("/_sandbox") {
        let answer = blocking(state.clone(), move |state| {
            super::control::answer(&state, &call)
        })
        .await;
        return deliver(&state, answer, reset);
    }
    entry.note(&call);
    let strikes = state.faults().strike(&call);
    entry.fault = strikes.last().map(Action::kind);
    let answer = struck(&state, call, &strikes).await;
    record(&state, entry, &answer);
    deliver(&state, answer, reset)
}

/// A request that is too long is shown by its beginning.
fn shown(target: &str) -> &str {
    if target.len() <= URI_MAX {
        target
    } else {
        &target[..target.floor_char_boundary(200)]
    }
}

/// Writes a finished request into the ledger.
fn record(state: &State, mut entry: Entry, answer: &Answer) {
    if answer.delivery != Delivery::Reset {
        entry.status = Some(answer.status.as_u16());
    }
    entry.records = answer.records;
    entry.api_calls = answer.api_calls;
    entry.at = state.clock.now().to_string();
    state.ledger().keep(entry);
}

/// Reads the whole request within the caps; refuses it, or gives the connection up.
async fn read(tls: bool, request: Request<Incoming>) -> Result<Call, Box<Result<Answer, Broken>>> {
    let refuse = |answer: Answer| Box::new(Ok(answer));
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if target.len() > URI_MAX {
        return Err(refuse(texts::uri_too_long()));
    }
    // Each header travels with a colon, a blank and a line end.
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    if target.len() + headers.sum::<usize>() > HEADERS_MAX {
        return Err(refuse(texts::headers_too_large()));
    }
    let body =
        match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_MAX).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                return Err(refuse(texts::body_too_large().into()));
            }
            Ok(Err(_)) => return Err(Box::new(Err(Broken::Client))),
            Err(_) => return Err(refuse(texts::request_timeout().into())),
        };
    Ok(Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        origin: origin(tls, &head.headers, &head.uri, "127.0.0.1"),
        headers: head.headers,
        body,
    })
}

/// Answers a request under the faults that strike it.
async fn struck(state: &Arc<State>, call: Call, strikes: &[Action]) -> Answer {
    let mut wait = state.settings.latency;
    let mut overrides = Overrides::default();
    let mut instead = None;
    for action in strikes {
        match action {
            Action::Latency { ms } => wait += Duration::from_millis(*ms),
            Action::ExpireToken {} => routes::close_session(state, &call),
            Action::InvalidateLocators {} => state.locators().clear(),
            Action::NextRecordsUrl { url } => overrides.next_records_url = Some(url.clone()),
            Action::InstanceUrl { url } => overrides.instance_url = Some(url.clone()),
            Action::LateCommit { seconds } => overrides.commit_delay = *seconds,
            other => instead = instead.or_else(|| replacement(state, other)),
        }
    }
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let mut answer = match instead {
        Some(answer) => answer,
        None => {
            blocking(state.clone(), move |state| {
                routes::answer(&state, &call, &overrides)
            })
            .await
        }
    };
    for action in strikes {
        afterwards(action, &mut answer);
    }
    answer
}

/// The answer that a fault gives in place of the real one.
fn replacement(state: &State, action: &Action) -> Option<Answer> {
    match action {
        Action::Status { .. } | Action::Html { .. } | Action::Empty { .. } => {
            scripted(action).filter(|_| !comes_after(action))
        }
        Action::Redirect { to, status } => {
            let answer = Answer::empty(status_of(status.unwrap_or(302)));
            Some(answer.header(LOCATION.as_str(), to))
        }
        Action::Limit { which } => {
            let refusal = match which {
                Limit::Daily => texts::daily_limit(),
                Limit::Concurrent => texts::concurrent_limit(),
            };
            let info = state.limits().header(state.clock.stamp());
            Some(Answer::from(refusal).header("sforce-limit-info", &info))
        }
        Action::Reset {} => {
            let mut answer = Answer::empty(StatusCode::OK);
            answer.delivery = Delivery::Reset;
            Some(answer)
        }
        _ => None,
    }
}

/// What a fault does to an answer that is there.
fn afterwards(action: &Action, answer: &mut Answer) {
    match action {
        _ if comes_after(action) => {
            if let Some(other) = scripted(action) {
                // What was done stays done and counted.
                *answer = Answer {
                    api_calls: answer.api_calls,
                    records: answer.records,
                    ..other
                };
            }
        }
        Action::ResetAfterCommit {} => answer.delivery = Delivery::Reset,
        Action::Truncate { bytes } => answer.delivery = Delivery::Cut(*bytes),
        Action::Slow { bytes_per_second } => answer.delivery = Delivery::Slow(*bytes_per_second),
        Action::Headers { set } => {
            for (name, value) in set {
                let Ok(name) = name.parse::<HeaderName>() else {
                    continue;
                };
                match value.as_deref().map(HeaderValue::from_str) {
                    Some(Ok(value)) => {
                        answer.headers.insert(name, value);
                    }
                    // An empty value is the sign for a header that the server must not add.
                    _ => {
                        answer.headers.insert(name, HeaderValue::from_static(""));
                    }
                }
            }
        }
        _ => {}
    }
}

/// Whether the request is carried out before the fault speaks.
fn comes_after(action: &Action) -> bool {
    matches!(
        action,
        Action::Status {
            after_commit: true,
            ..
        } | Action::Html {
            after_commit: true,
            ..
        } | Action::Empty {
            after_commit: true,
            ..
        }
    )
}

/// The answer that stands in a fault.
fn scripted(action: &Action) -> Option<Answer> {
    match action {
        Action::Status {
            status,
            code,
            message,
            body,
            ..
        } => {
            let status = status_of(*status);
            Some(match (body, code) {
                (Some(body), _) => Answer::json(status, body),
                (None, Some(code)) => {
                    let message = message.as_deref().unwrap_or("a fault of the sandbox");
                    Answer::json(
                        status,
                        serde_json::json!([{ "message": message, "errorCode": code }]),
                    )
                }
                (None, None) => Answer::empty(status),
            })
        }
        Action::Html { status, body, .. } => {
            let page = body
                .clone()
                .unwrap_or_else(|| format!("<html><body><h1>{status}</h1></body></html>"));
            Some(Answer::new(status_of(*status), HTML, page))
        }
        Action::Empty { status, .. } => Some(Answer::empty(status_of(*status))),
        _ => None,
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Runs a handler where it may take its time without holding up other connections.
async fn blocking(
    state: Arc<State>,
    handler: impl FnOnce(Arc<State>) -> Answer + Send + 'static,
) -> Answer {
    match tokio::task::spawn_blocking(move || handler(state)).await {
        Ok(answer) => answer,
        // A handler that panicked is a defect of the sandbox; its client sees what an org's defect looks like.
        Err(_) => Answer::json(
            StatusCode::INTERNAL_SERVER_ERROR,
            serde_json::json!([{ "message": "An unexpected error occurred", "errorCode": "UNKNOWN_EXCEPTION" }]),
        ),
    }
}

/// Puts an answer on its way.
fn deliver(state: &State, answer: Answer, reset: &AtomicBool) -> Result<Response<Body>, Broken> {
    if answer.delivery == Delivery::Reset {
        reset.store(true, Ordering::Release);
        return Err(Broken::Fault);
    }
    let mut response = Response::new(Body::default());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let headers = response.headers_mut();
    let date = httpdate::fmt_http_date(state.clock.now().into());
    if let (false, Ok(date)) = (headers.contains_key(DATE), HeaderValue::from_str(&date)) {
        headers.insert(DATE, date);
    }
    let silent: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(name, _)| name.clone())
        .collect();
    for name in silent {
        headers.remove(name);
    }
    *response.body_mut() = match answer.delivery {
        Delivery::Whole | Delivery::Reset => Full::new(answer.body)
            .map_err(|never: Infallible| match never {})
            .boxed_unsync(),
        Delivery::Slow(bytes_per_second) => slowly(&answer.body, bytes_per_second),
        Delivery::Cut(bytes) => {
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, answer.body.len().into());
            cut(&answer.body.slice(..bytes.min(answer.body.len())))
        }
    };
    Ok(response)
}

/// A body that trickles.
fn slowly(body: &Bytes, bytes_per_second: u32) -> Body {
    let (step, pause) = pace(bytes_per_second);
    let pieces: Vec<Bytes> = body.chunks(step).map(Bytes::copy_from_slice).collect();
    let trickle = stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok(Frame::data(piece))
    });
    BodyExt::boxed_unsync(StreamBody::new(trickle))
}

/// A body that ends too early.
fn cut(start: &Bytes) -> Body {
    let start = start.clone();
    // The pause lets the first part leave before the connection ends.
    let pieces = stream::once(async move { Ok(Frame::data(start)) }).chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(Broken::Fault)
    }));
    BodyExt::boxed_unsync(StreamBody::new(pieces))
}

/// Whether a request may carry a JSON body of that type.
pub(super) fn is_json(call: &Call) -> bool {
    let kind = call.header(CONTENT_TYPE.as_str()).to_ascii_lowercase();
    call.method == Method::GET || kind.is_empty() || kind.contains("json")
}

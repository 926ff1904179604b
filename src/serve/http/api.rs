//! Looking at what runs, and starting, cancelling and reloading it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::foundation::error::Result;
use crate::foundation::event::{Ledger, RunState};
use crate::foundation::id::{PipelineName, RunId};
use crate::store::Store;
use crate::store::model::{DeadLetterRow, LetterFilter, RunFilter, RunRow};

use super::super::control::{Asked, Reloaded, Standing};
use super::guard::Caller;
use super::{App, answer};

type Shared = State<Arc<App>>;

/// The longest list of one answer.
const MOST: u32 = 500;

pub(super) async fn healthz() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

pub(super) async fn readyz(State(app): Shared) -> Response {
    let health = app.control.health();
    let status = if health.is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "ready": health.is_ready,
        "reasons": health.reasons,
        "revision": health.revision,
        "since": health.since,
    });
    answer::json(status, &body)
}

pub(super) async fn metrics(State(app): Shared) -> Response {
    let page = blocking(&app, |app| {
        let (standings, health) = (app.control.pipelines(), app.control.health());
        let left = app.control.calls_left();
        let now = app.clock.now();
        app.metrics
            .text(&standings, &health, &left, app.store.as_ref(), now)
    });
    match page.await {
        Ok(page) => (
            StatusCode::OK,
            [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
            page,
        )
            .into_response(),
        Err(refused) => *refused,
    }
}

pub(super) async fn pipelines(State(app): Shared) -> Response {
    let found = blocking(&app, |app| Ok(app.control.pipelines())).await;
    match found {
        Ok(standings) => {
            let rows: Vec<Value> = standings.iter().map(standing).collect();
            answer::json(StatusCode::OK, &json!({ "pipelines": rows }))
        }
        Err(refused) => *refused,
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RunBody {
    #[serde(default)]
    full: bool,
    limit: Option<u64>,
}

pub(super) async fn run(
    State(app): Shared,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    let asked: RunBody = if body.is_empty() {
        RunBody::default()
    } else {
        match serde_json::from_slice(&body) {
            Ok(asked) => asked,
            Err(cause) => return answer::bad_request(&format!("the body cannot be used: {cause}")),
        }
    };
    let Some(pipeline) = PipelineName::parse(&name) else {
        return answer::not_found();
    };
    let started = app.control.start(&Asked {
        pipeline,
        actor: format!("token {}", caller.0),
        full: asked.full,
        limit: asked.limit,
    });
    match started {
        Ok(run_id) => answer::json(
            StatusCode::ACCEPTED,
            &json!({ "run_id": run_id.to_string() }),
        ),
        Err(error) => answer::error(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunsQuery {
    pipeline: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn runs(State(app): Shared, query: Understood<RunsQuery>) -> Response {
    let Ok(Query(query)) = query else {
        return answer::bad_request("the parameters are `pipeline` and `limit`");
    };
    let pipeline = match wanted(query.pipeline.as_deref()) {
        Ok(pipeline) => pipeline,
        Err(refused) => return *refused,
    };
    let filter = RunFilter {
        pipeline,
        limit: Some(query.limit.unwrap_or(100).min(MOST)),
        ..RunFilter::default()
    };
    match blocking(&app, move |app| app.store.runs(&filter)).await {
        Ok(rows) => {
            let rows: Vec<Value> = rows.iter().map(run_json).collect();
            answer::json(StatusCode::OK, &json!({ "runs": rows }))
        }
        Err(refused) => *refused,
    }
}

pub(super) async fn one_run(State(app): Shared, Path(id): Path<String>) -> Response {
    let Some(id) = RunId::parse(&id) else {
        return answer::not_found();
    };
    match blocking(&app, move |app| app.store.run(id)).await {
        Ok(Some(row)) => answer::json(StatusCode::OK, &run_json(&row)),
        Ok(None) => answer::not_found(),
        Err(refused) => *refused,
    }
}

pub(super) async fn cancel(State(app): Shared, Path(id): Path<String>) -> Response {
    match RunId::parse(&id) {
        Some(id) if app.control.cancel(id) => {
            answer::json(StatusCode::ACCEPTED, &json!({ "run_id": id.to_string() }))
        }
        _ => answer::not_found(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LettersQuery {
    pipeline: Option<String>,
    limit: Option<u32>,
    before: Option<i64>,
}

pub(super) async fn rejected(State(app): Shared, query: Understood<LettersQuery>) -> Response {
    let Ok(Query(query)) = query else {
        return answer::bad_request("the parameters are `pipeline`, `limit` and `before`");
    };
    let pipeline = match wanted(query.pipeline.as_deref()) {
        Ok(pipeline) => pipeline,
        Err(refused) => return *refused,
    };
    let filter = LetterFilter {
        pipeline,
        before: query.before,
        limit: Some(query.limit.unwrap_or(100).min(MOST)),
        ..LetterFilter::default()
    };
    match blocking(&app, move |app| app.store.dead_letters(&filter)).await {
        Ok(rows) => {
            let rows: Vec<Value> = rows.iter().map(letter).collect();
            answer::json(StatusCode::OK, &json!({ "rejected": rows }))
        }
        Err(refused) => *refused,
    }
}

pub(super) async fn campaigns(State(app): Shared) -> Response {
    match blocking(&app, |app| campaigns_of(app.store.as_ref())).await {
        Ok(rows) => answer::json(StatusCode::OK, &json!({ "campaigns": rows })),
        Err(refused) => *refused,
    }
}

fn campaigns_of(store: &dyn Store) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for campaign in store.campaigns()? {
        let counts: serde_json::Map<String, Value> = store
            .count_messages(Some(&campaign.name))?
            .into_iter()
            .map(|(state, count)| (state.as_str().to_owned(), count.into()))
            .collect();
        rows.push(json!({
            "campaign": campaign.name,
            "state": campaign.state.as_str(),
            "reason": campaign.reason,
            "template": campaign.template,
            "began_at": campaign.began_at,
            "messages": counts,
        }));
    }
    Ok(rows)
}

pub(super) async fn reload(State(app): Shared) -> Response {
    match blocking(&app, |app| Ok(app.control.reload())).await {
        Ok(Reloaded::Unchanged(revision)) => answer::json(
            StatusCode::OK,
            &json!({ "revision": revision, "replaced": false }),
        ),
        Ok(Reloaded::Replaced(revision)) => answer::json(
            StatusCode::OK,
            &json!({ "revision": revision, "replaced": true }),
        ),
        Ok(Reloaded::Refused(findings)) => {
            let findings: Vec<Value> = findings
                .iter()
                .map(|finding| {
                    let place = finding.place.as_ref();
                    json!({
                        "code": finding.code.as_str(),
                        "message": finding.message,
                        "file": place.map(|place| place.file.path.clone()),
                        "line": place.map(|place| place.start().line),
                        "help": finding.help,
                    })
                })
                .collect();
            let message = "the files have errors, and the revision before goes on";
            let body = json!({ "error": { "code": "files-refused", "message": message, "findings": findings } });
            answer::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
        }
        Err(refused) => *refused,
    }
}

/// A query as it was understood, or not.
type Understood<T> = std::result::Result<Query<T>, axum::extract::rejection::QueryRejection>;

/// Runs what waits for the disk on a thread of its own.
async fn blocking<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T> + Send + 'static,
) -> std::result::Result<T, Box<Response>> {
    let app = Arc::clone(app);
    match tokio::task::spawn_blocking(move || work(&app)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Box::new(answer::error(&error))),
        Err(_) => Err(Box::new(answer::refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "bug",
            "the server could not do this",
        ))),
    }
}

/// The pipeline that is asked for, where one is.
fn wanted(name: Option<&str>) -> std::result::Result<Option<PipelineName>, Box<Response>> {
    let Some(name) = name else { return Ok(None) };
    let wrong = || Box::new(answer::bad_request("`pipeline` is no name of a pipeline"));
    PipelineName::parse(name).map(Some).ok_or_else(wrong)
}

fn standing(standing: &Standing) -> Value {
    json!({
        "pipeline": standing.pipeline.as_str(),
        "fingerprint": standing.fingerprint.to_string(),
        "schedule": standing.schedule,
        "next": standing.next,
        "running": standing.running.map(|run| run.to_string()),
        "last_done": standing.last_done,
        "skipped": standing.skipped,
    })
}

fn run_json(row: &RunRow) -> Value {
    json!({
        "run_id": row.run_id.to_string(),
        "pipeline": row.pipeline.as_str(),
        "fingerprint": row.fingerprint.to_string(),
        "state": row.state.map(RunState::as_str),
        "ledger": ledger(&row.ledger),
        "api_calls": row.api_calls,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "error": row.error.as_ref().map(|(code, message)| json!({ "code": code.as_str(), "message": message })),
        "warnings": row.warnings,
    })
}

fn ledger(ledger: &Ledger) -> Value {
    json!({
        "read": ledger.read,
        "delivered": ledger.delivered,
        "unchanged": ledger.unchanged,
        "filtered": ledger.filtered,
        "suppressed": ledger.suppressed,
        "expired": ledger.expired,
        "rejected": ledger.rejected,
        "unknown": ledger.unknown,
        "pending": ledger.pending,
    })
}

/// A dead letter without its payload: what a record holds is nobody's business here.
fn letter(row: &DeadLetterRow) -> Value {
    let DeadLetterRow { id, letter, .. } = row;
    json!({
        "id": id,
        "pipeline": letter.pipeline,
        "run_id": letter.run_id.to_string(),
        "step": letter.step,
        "key": letter.key,
        "code": letter.reason.code.as_str(),
        "field": letter.reason.field,
        "message": letter.reason.message,
        "remote_code": letter.reason.remote_code,
        "attempts": letter.attempts,
        "at": letter.at,
    })
}

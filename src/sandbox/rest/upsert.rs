//! One row by an external id: read, upsert, delete.

use http::StatusCode;
use serde_json::{Map, json};

use super::rows::{created, show, strike, writer};
use super::{Context, Outcome, conditional, visible};
use crate::sandbox::call::Answer;
use crate::sandbox::ids::RecordId;
use crate::sandbox::texts;
use crate::sandbox::writes;

/// From this version on an update answers with a body. Source: "REST API Developer Guide", Upsert with an External ID.
const BODY_SINCE: u32 = 46;

/// Shows the row with a key; a list of addresses where several have it.
pub(super) fn read(cx: &Context<'_>, object: &str, field: &str, key: &str) -> Outcome {
    let org = cx.state.org();
    let table = visible(cx, &org, object)?;
    let ids = keyed(cx, &org, object, field, key)?;
    match ids.as_slice() {
        [] => Err(texts::not_found()),
        [id] => {
            let (table, number) = writes::find(&org, object, *id)?;
            show(
                cx,
                &org,
                table,
                table.row(number).ok_or_else(texts::not_found)?,
            )
        }
        several => Ok(choices(cx, &table.object().name, several)),
    }
}

/// Updates the row with a key, or makes one.
pub(super) fn upsert(cx: &Context<'_>, object: &str, field: &str, key: &str) -> Outcome {
    let mut org = cx.state.org_mut();
    let described = visible(cx, &org, object)?.object().clone();
    let mut body = writes::body(&cx.call.body)?;
    let ids = keyed(cx, &org, object, field, key)?;
    if let Some(name) = body.keys().find(|name| name.eq_ignore_ascii_case(field)) {
        return Err(texts::key_in_body(name));
    }
    match ids.as_slice() {
        [] => {
            let field = described
                .field(field)
                .map_or(field, |field| field.name.as_str());
            // An upsert by `Id` never makes a row with the id that was asked for.
            if field == "Id" {
                return Err(texts::not_found());
            }
            strike(cx, &described.name, Some((field, key)), &body)?;
            body.insert(field.to_owned(), key.into());
            let writer = writer(cx, &org);
            let id = writes::create(&mut org, &writer, object, &body)?;
            Ok(created(cx, &described.name, id, result(id, true)))
        }
        [id] => {
            conditional::unmodified(cx, &org, object, *id)?;
            strike(cx, &described.name, Some((field, key)), &body)?;
            let writer = writer(cx, &org);
            writes::update(&mut org, &writer, object, *id, &body)?;
            if version(cx) < BODY_SINCE {
                return Ok(Answer::empty(StatusCode::NO_CONTENT).counting(1));
            }
            Ok(Answer::ok(result(*id, false)).counting(1))
        }
        several => Ok(choices(cx, &described.name, several)),
    }
}

/// Deletes the row with a key.
pub(super) fn delete(cx: &Context<'_>, object: &str, field: &str, key: &str) -> Outcome {
    let mut org = cx.state.org_mut();
    let name = visible(cx, &org, object)?.object().name.clone();
    let ids = keyed(cx, &org, object, field, key)?;
    match ids.as_slice() {
        [] => Err(texts::not_found()),
        [id] => {
            conditional::unmodified(cx, &org, object, *id)?;
            strike(cx, &name, Some((field, key)), &Map::new())?;
            let writer = writer(cx, &org);
            writes::delete(&mut org, &writer, object, *id)?;
            Ok(Answer::empty(StatusCode::NO_CONTENT).counting(1))
        }
        several => Ok(choices(cx, &name, several)),
    }
}

/// The rows with a key; `Id` is a key like an external id.
fn keyed(
    cx: &Context<'_>,
    org: &crate::sandbox::org::Org,
    object: &str,
    field: &str,
    key: &str,
) -> Result<Vec<RecordId>, texts::Refusal> {
    if field.eq_ignore_ascii_case("Id") {
        let id = RecordId::parse(key).ok_or_else(|| texts::malformed_id(key))?;
        return writes::find(org, object, id).map(|_| vec![id]);
    }
    writes::with_external_id(org, &cx.user, object, field, key)
}

fn result(id: RecordId, created: bool) -> serde_json::Value {
    json!({ "id": id.to_string(), "success": true, "errors": [], "created": created })
}

/// Status 300: the addresses of all rows that have the key.
fn choices(cx: &Context<'_>, object: &str, ids: &[RecordId]) -> Answer {
    let address = |id: &RecordId| format!("/services/data/{}/sobjects/{object}/{id}", cx.version);
    let addresses: Vec<String> = ids.iter().map(address).collect();
    Answer::json(StatusCode::MULTIPLE_CHOICES, addresses)
}

fn version(cx: &Context<'_>) -> u32 {
    let digits = cx.version.trim_start_matches('v').trim_end_matches(".0");
    digits.parse().unwrap_or(BODY_SINCE)
}

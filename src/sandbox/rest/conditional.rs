//! Requests that hold only for a row that changed, or did not, since an instant.
//!
//! Source: "REST API Developer Guide", Conditional Request Headers. Instants are compared by whole seconds.

use http::StatusCode;

use super::Context;
use super::describe::http_date;
use crate::sandbox::call::Answer;
use crate::sandbox::describe::ObjectType;
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::table::Row;
use crate::sandbox::texts::{self, Refusal};
use crate::sandbox::value::Stamp;
use crate::sandbox::writes;

/// The answer to a read of a row that did not change since the client saw it; refuses one that did and must not have.
pub(super) fn not_modified(
    cx: &Context<'_>,
    object: &ObjectType,
    row: &Row,
) -> Result<Option<Answer>, Refusal> {
    let Some(changed) = changed(object, row) else {
        return Ok(None);
    };
    if instant(cx, "if-unmodified-since").is_some_and(|since| changed > since) {
        return Err(texts::rows::precondition_failed());
    }
    let unchanged = instant(cx, "if-modified-since").is_some_and(|since| changed <= since);
    let answer = || dated(Answer::empty(StatusCode::NOT_MODIFIED), object, row);
    Ok(unchanged.then(answer))
}

/// Refuses a write to a row that changed since an instant in `If-Unmodified-Since`.
pub(super) fn unmodified(
    cx: &Context<'_>,
    org: &Org,
    object: &str,
    id: RecordId,
) -> Result<(), Refusal> {
    let Some(since) = instant(cx, "if-unmodified-since") else {
        return Ok(());
    };
    let (table, number) = writes::find(org, object, id)?;
    let changed = table
        .row(number)
        .and_then(|row| changed(table.object(), row));
    if changed.is_some_and(|changed| changed > since) {
        return Err(texts::rows::precondition_failed());
    }
    Ok(())
}

/// The answer, with the instant at which its row last changed.
pub(super) fn dated(answer: Answer, object: &ObjectType, row: &Row) -> Answer {
    match changed(object, row) {
        Some(changed) => answer.header("last-modified", &http_date(changed)),
        None => answer,
    }
}

fn changed(object: &ObjectType, row: &Row) -> Option<Stamp> {
    let stamp = |name| row.get(object.index_of(name)?).as_stamp();
    stamp("LastModifiedDate").or_else(|| stamp("SystemModstamp"))
}

/// An instant in a header; a header that is none does not count.
fn instant(cx: &Context<'_>, header: &str) -> Option<Stamp> {
    let at = httpdate::parse_http_date(cx.call.header(header)).ok()?;
    let seconds = at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(seconds).ok().map(Stamp)
}

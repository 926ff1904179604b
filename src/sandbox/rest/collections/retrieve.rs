//! Many rows of one object by their ids.

use http::StatusCode;
use serde_json::{Map, Value as Json};

use super::list;
use crate::sandbox::call::{Answer, JSON};
use crate::sandbox::describe::ObjectType;
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::rest::rows::write_row;
use crate::sandbox::rest::{Context, Outcome, visible};
use crate::sandbox::table::Row;
use crate::sandbox::texts::{self, Refusal};
use crate::sandbox::writes::{self, check};

/// Rows that one call can ask for, by a body and by an address.
const BY_POST_MAX: usize = 2_000;
const BY_GET_MAX: usize = 800;

/// Answers the form with everything in the address.
pub(super) fn by_get(cx: &Context<'_>, object: &str) -> Outcome {
    let ids = cx.call.parameter("ids").unwrap_or_default();
    let fields = cx.call.parameter("fields").unwrap_or_default();
    retrieve(cx, object, &list(&ids), &list(&fields), BY_GET_MAX)
}

/// Answers the form with a body.
pub(super) fn by_post(cx: &Context<'_>, object: &str) -> Outcome {
    let body = writes::body(&cx.call.body)?;
    let ids = texts_of(&body, "ids")?;
    let fields = texts_of(&body, "fields")?;
    retrieve(cx, object, &ids, &fields, BY_POST_MAX)
}

/// The rows of an object by their ids, in that order; null for one that is not there.
fn retrieve(cx: &Context<'_>, object: &str, ids: &[&str], fields: &[&str], max: usize) -> Outcome {
    for (name, given) in [("ids", ids), ("fields", fields)] {
        if given.is_empty() {
            return Err(texts::rows::missing_parameter_value(name));
        }
    }
    if ids.len() > max {
        return Err(texts::rows::too_many_records(max));
    }
    let org = cx.state.org();
    let table = visible(cx, &org, object)?;
    let paths: Vec<Vec<&str>> = fields
        .iter()
        .map(|path| path.split('.').collect())
        .collect();
    for path in &paths {
        check_path(cx, &org, table.object(), path)?;
    }
    let mut out = vec![b'['];
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let id = RecordId::parse(id).ok_or_else(|| texts::malformed_id(id))?;
        let row = table.find(id).and_then(|number| table.row(number));
        let shown = |row: &&Row| !row.deleted && cx.user.record(table.object(), row).read;
        match row.filter(shown) {
            Some(row) => write_row(cx, &mut out, (&org, table, row), &paths)?,
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
    Ok(Answer::new(StatusCode::OK, JSON, out).counting(ids.len()))
}

/// Refuses a path to a field that the user does not see, whether or not a row is there to show it.
fn check_path(
    cx: &Context<'_>,
    org: &Org,
    object: &ObjectType,
    path: &[&str],
) -> Result<(), Refusal> {
    let (name, rest) = path.split_first().unwrap_or((&"", &[]));
    let unknown = || texts::no_such_column(name, &object.name);
    if rest.is_empty() {
        let field = object.field(name).ok_or_else(unknown)?;
        let seen = cx.user.permissions.field(object, field).read;
        return seen.then_some(()).ok_or_else(unknown);
    }
    let at = object.parent(name).ok_or_else(unknown)?;
    let mut parents = object.fields[at].reference_to.iter();
    let found = parents.any(|parent| {
        org.table(parent)
            .is_some_and(|table| check_path(cx, org, table.object(), rest).is_ok())
    });
    found.then_some(()).ok_or_else(unknown)
}

fn texts_of<'a>(body: &'a Map<String, Json>, name: &str) -> Result<Vec<&'a str>, Refusal> {
    let items = match body.get(name) {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Array(items)) => items,
        Some(other) => return Err(check::wrong("list", other)),
    };
    let text = |item: &'a Json| match item {
        Json::String(text) => Ok(text.as_str()),
        other => Err(check::wrong("string", other)),
    };
    items.iter().map(text).collect()
}

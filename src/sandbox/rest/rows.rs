//! One row: create, read, update, delete.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Context, Outcome, conditional, visible};
use crate::sandbox::accounts::Maintenance;
use crate::sandbox::call::{Answer, JSON};
use crate::sandbox::describe::{FieldType, Flag};
use crate::sandbox::ids::RecordId;
use crate::sandbox::json::{write_field, write_text};
use crate::sandbox::org::Org;
use crate::sandbox::rules::{Active, Assign, Wishes};
use crate::sandbox::table::{Row, Table};
use crate::sandbox::texts::{self, Refusal};
use crate::sandbox::writes::{self, Writer};

/// Makes a row.
pub(super) fn create(cx: &Context<'_>, object: &str) -> Outcome {
    let mut org = cx.state.org_mut();
    let body = writes::body(&cx.call.body)?;
    let name = visible(cx, &org, object)?.object().name.clone();
    strike(cx, &name, None, &body)?;
    let writer = writer(cx, &org);
    let id = writes::create(&mut org, &writer, object, &body)?;
    Ok(created(
        cx,
        &name,
        id,
        json!({ "id": id.to_string(), "success": true, "errors": [] }),
    ))
}

/// The answer to a row that was made, with its address.
pub(super) fn created(cx: &Context<'_>, object: &str, id: RecordId, body: Value) -> Answer {
    let location = format!("/services/data/{}/sobjects/{object}/{id}", cx.version);
    Answer::json(StatusCode::CREATED, body)
        .header("location", &location)
        .counting(1)
}

/// Shows a row: the fields that are asked for, or all that the user may see.
pub(super) fn read(cx: &Context<'_>, object: &str, id: &str) -> Outcome {
    let org = cx.state.org();
    let table = visible(cx, &org, object)?;
    let id = parse_id(id)?;
    let (table, number) = writes::find(&org, &table.object().name, id)?;
    let row = table.row(number).ok_or_else(texts::not_found)?;
    show(cx, &org, table, row)
}

/// Shows a row of a table, if sharing lets the user see it.
pub(super) fn show(cx: &Context<'_>, org: &Org, table: &Table, row: &Row) -> Outcome {
    let object = table.object();
    if !cx.user.record(object, row).read {
        return Err(texts::not_found());
    }
    if let Some(answer) = conditional::not_modified(cx, object, row)? {
        return Ok(answer);
    }
    let wanted = cx.call.parameter("fields").unwrap_or_default();
    let paths: Vec<Vec<&str>> = if wanted.trim().is_empty() {
        let readable = object
            .fields
            .iter()
            .filter(|field| cx.user.permissions.field(object, field).read);
        readable.map(|field| vec![field.name.as_str()]).collect()
    } else {
        wanted
            .split(',')
            .map(|path| path.trim().split('.').collect())
            .collect()
    };
    let mut out = Vec::with_capacity(1_024);
    write_row(cx, &mut out, (org, table, row), &paths)?;
    let answer = Answer::new(StatusCode::OK, JSON, out).counting(1);
    Ok(conditional::dated(answer, object, row))
}

/// Writes a row as an object; paths through parents become nested objects.
pub(super) fn write_row(
    cx: &Context<'_>,
    out: &mut Vec<u8>,
    (org, table, row): (&Org, &Table, &Row),
    paths: &[Vec<&str>],
) -> Result<(), Refusal> {
    let object = table.object();
    out.extend_from_slice(b"{\"attributes\":{\"type\":");
    write_text(out, &object.name);
    out.extend_from_slice(b",\"url\":");
    let url = format!(
        "/services/data/{}/sobjects/{}/{}",
        cx.version,
        object.name,
        row.id()
    );
    write_text(out, &url);
    out.push(b'}');
    let mut parents: Vec<(usize, Vec<Vec<&str>>)> = Vec::new();
    for path in paths {
        let (name, rest) = path
            .split_first()
            .map_or(("", &[][..]), |(name, rest)| (*name, rest));
        let unknown = || texts::no_such_column(name, &object.name);
        if rest.is_empty() {
            let at = object.index_of(name).ok_or_else(unknown)?;
            if !cx.user.permissions.field(object, &object.fields[at]).read {
                return Err(unknown());
            }
            out.push(b',');
            write_text(out, &object.fields[at].name);
            out.push(b':');
            write_field(out, object, at, row);
            continue;
        }
        let at = object.parent(name).ok_or_else(unknown)?;
        match parents.iter_mut().find(|(parent, _)| *parent == at) {
            Some((_, paths)) => paths.push(rest.to_vec()),
            None => parents.push((at, vec![rest.to_vec()])),
        }
    }
    for (at, paths) in parents {
        out.push(b',');
        write_text(
            out,
            object.fields[at]
                .relationship_name
                .as_deref()
                .unwrap_or_default(),
        );
        out.push(b':');
        match row.get(at).as_id().and_then(|id| org.row(id)) {
            Some((table, row)) => write_row(cx, out, (org, table, row), &paths)?,
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    Ok(())
}

/// Changes a row. `PATCH …/Id` without an id makes one, as an upsert by `Id` does.
pub(super) fn update(cx: &Context<'_>, object: &str, id: &str) -> Outcome {
    let mut org = cx.state.org_mut();
    let described = visible(cx, &org, object)?.object().clone();
    let body = writes::body(&cx.call.body)?;
    if let Some(field) = described.field(id) {
        if field.kind != FieldType::Id {
            let usable = field.is(Flag::ExternalId);
            let refusal = if usable {
                texts::empty_external_id(id)
            } else {
                texts::no_external_id(id)
            };
            return Err(refusal);
        }
        strike(cx, &described.name, None, &body)?;
        let writer = writer(cx, &org);
        let id = writes::create(&mut org, &writer, object, &body)?;
        let body = json!({ "id": id.to_string(), "success": true, "errors": [], "created": true });
        return Ok(created(cx, &described.name, id, body));
    }
    let id = parse_id(id)?;
    conditional::unmodified(cx, &org, object, id)?;
    strike(cx, &described.name, Some(("Id", &id.to_string())), &body)?;
    let writer = writer(cx, &org);
    writes::update(&mut org, &writer, object, id, &body)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT).counting(1))
}

/// Deletes a row.
pub(super) fn delete(cx: &Context<'_>, object: &str, id: &str) -> Outcome {
    let mut org = cx.state.org_mut();
    let name = visible(cx, &org, object)?.object().name.clone();
    let id = parse_id(id)?;
    conditional::unmodified(cx, &org, object, id)?;
    strike(cx, &name, Some(("Id", &id.to_string())), &Map::new())?;
    let writer = writer(cx, &org);
    writes::delete(&mut org, &writer, object, id)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT).counting(1))
}

/// Who writes in this call, and by which rules.
pub(super) fn writer<'a>(cx: &'a Context<'_>, org: &Org) -> Writer<'a> {
    let flag = |name| {
        cx.call
            .option("sforce-duplicate-rule-header", name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let assign = match cx.call.header("sforce-auto-assign").trim() {
        "" => Assign::Active,
        value if value.eq_ignore_ascii_case("true") => Assign::Active,
        value if value.eq_ignore_ascii_case("false") => Assign::Off,
        id => Assign::One(id.to_owned()),
    };
    let wishes = Wishes {
        allow_save: flag("allowSave"),
        record_details: flag("includeRecordDetails"),
        assign,
        version: cx.version.to_owned(),
    };
    let rules = cx.state.rules();
    Writer {
        user: &cx.user,
        now: cx.state.clock.stamp(),
        commit_delay: cx.overrides.commit_delay,
        read_only: cx.state.accounts().org.maintenance == Maintenance::ReadOnly,
        rules: Active::new(rules, wishes, org, &cx.user, cx.state.clock.now()),
    }
}

/// Refuses a row that a scripted fault strikes.
pub(super) fn strike(
    cx: &Context<'_>,
    object: &str,
    key: Option<(&str, &str)>,
    body: &Map<String, Value>,
) -> Result<(), Refusal> {
    let text = || {
        let mut row = Map::new();
        row.insert("attributes".to_owned(), json!({ "type": object }));
        if let Some((field, key)) = key {
            row.insert(field.to_owned(), key.into());
        }
        let rest = body.iter().filter(|(name, _)| *name != "attributes");
        row.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(row).to_string()
    };
    let refused = cx.state.faults().strike_row(cx.call, text);
    refused.map_or(Ok(()), Err)
}

/// An id in an address; what is none is taken for the name of an external id field.
fn parse_id(id: &str) -> Result<RecordId, Refusal> {
    RecordId::parse(id).ok_or_else(|| texts::no_external_id(id))
}

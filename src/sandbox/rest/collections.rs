//! Many rows in one call: `composite/sobjects`, with one result a row.
//!
//! A call that can be read is answered with 200, whatever became of its rows. A call that cannot be read (a value of a
//! JSON type that its field does not take is enough) is refused as a whole, and none of its rows is written.
//!
//! Source: "REST API Developer Guide", sObject Collections.

mod retrieve;

use std::collections::{HashMap, HashSet};

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::rows::{strike, writer};
use super::{Context, Outcome, visible};
use crate::sandbox::call::Answer;
use crate::sandbox::describe::{FieldType, Flag};
use crate::sandbox::ids::RecordId;
use crate::sandbox::org::Org;
use crate::sandbox::texts::{self, Refusal};
use crate::sandbox::writes::{self, Writer, check};

/// Rows of one call.
const ROWS_MAX: usize = 200;
/// Runs of rows of one type in one call.
const CHUNKS_MAX: usize = 10;

/// Answers a path under `composite/sobjects`.
pub(super) fn answer(cx: &Context<'_>, rest: &[&str]) -> Outcome {
    let method = &cx.call.method;
    match (method, rest) {
        (&Method::POST, []) => write(cx, &Act::Create),
        (&Method::PATCH, []) => write(cx, &Act::Update),
        (&Method::DELETE, []) => delete(cx),
        (&Method::PATCH, [object, field]) => upsert(cx, object, field),
        (&Method::GET | &Method::HEAD, [object]) => retrieve::by_get(cx, object),
        (&Method::POST, [object]) => retrieve::by_post(cx, object),
        (_, []) => Err(not_allowed(method, "DELETE,PATCH,POST")),
        (_, [_]) => Err(not_allowed(method, "GET,HEAD,POST")),
        (_, [_, _]) => Err(not_allowed(method, "PATCH")),
        _ => Err(texts::not_found()),
    }
}

fn not_allowed(method: &Method, allowed: &str) -> Refusal {
    texts::method_not_allowed(method.as_str(), allowed)
}

/// What a call does with its rows.
enum Act {
    Create,
    Update,
    /// By a field of one object.
    Upsert {
        object: String,
        field: String,
    },
}

impl Act {
    /// The field whose value finds the row.
    fn key_field(&self) -> &str {
        match self {
            Act::Create | Act::Update => "Id",
            Act::Upsert { field, .. } => field,
        }
    }
}

/// A row of a call: its object, the value that finds it, and what it sets.
struct Line {
    object: String,
    key: Option<String>,
    body: Map<String, Json>,
}

/// What became of a row.
#[derive(Serialize)]
struct RowResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    success: bool,
    errors: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
}

/// The row that was written and, in an upsert, whether it was made.
type Written = Result<(RecordId, Option<bool>), Refusal>;

fn upsert(cx: &Context<'_>, object: &str, field: &str) -> Outcome {
    let described = visible(cx, &cx.state.org(), object)?.object().clone();
    let key = described.field(field).filter(|field| {
        field.kind == FieldType::Id
            || field.is(Flag::ExternalId) && cx.user.permissions.field(&described, field).read
    });
    let key = key.ok_or_else(|| texts::no_external_id(field))?;
    let act = Act::Upsert {
        object: described.name.clone(),
        field: key.name.clone(),
    };
    write(cx, &act)
}

fn write(cx: &Context<'_>, act: &Act) -> Outcome {
    let (all_or_none, records) = read(&cx.call.body)?;
    if records.len() > ROWS_MAX {
        return Err(texts::rows::too_many_records(ROWS_MAX));
    }
    let lines = records
        .into_iter()
        .map(|record| line(act, record))
        .collect::<Result<Vec<_>, _>>()?;
    check_chunks(lines.iter().map(|line| line.object.as_str()))?;
    let mut org = cx.state.org_mut();
    for line in &lines {
        if let Some(table) = org.table(&line.object) {
            check::types(table.object(), &line.body)?;
        }
    }
    let twins = twins(act, &lines);
    let writer = writer(cx, &org);
    let one = |org: &mut Org, line: &Line| {
        if let Some(key) = line
            .key
            .as_ref()
            .filter(|key| twins.contains(&fold(act, key)))
        {
            return Err(twin(act, key));
        }
        write_line(cx, org, &writer, act, line)
    };
    Ok(finish(all_or_none, &mut org, &lines, one))
}

/// Works through rows in order, and takes everything back where one failed in a call of all or nothing.
fn finish<T>(
    all_or_none: bool,
    org: &mut Org,
    rows: &[T],
    one: impl Fn(&mut Org, &T) -> Written,
) -> Answer {
    let mark = org.begin();
    let written: Vec<Written> = rows.iter().map(|row| one(org, row)).collect();
    let rolled_back = all_or_none && written.iter().any(Result::is_err);
    if rolled_back {
        org.undo(mark);
    } else {
        org.keep(mark);
    }
    let result = |written: Written| match written {
        Ok((id, created)) => RowResult {
            id: Some(id.to_string()),
            success: !rolled_back,
            errors: rolled_back
                .then(|| texts::rows::rolled_back().to_row_json())
                .into_iter()
                .collect(),
            created: created.filter(|_| !rolled_back),
        },
        Err(refusal) => RowResult {
            id: None,
            success: false,
            errors: vec![refusal.to_row_json()],
            created: None,
        },
    };
    let count = written.len();
    let results: Vec<RowResult> = written.into_iter().map(result).collect();
    Answer::ok(results).counting(count)
}

fn write_line(
    cx: &Context<'_>,
    org: &mut Org,
    writer: &Writer<'_>,
    act: &Act,
    line: &Line,
) -> Written {
    visible(cx, org, &line.object).map_err(|_| texts::invalid_type(&line.object))?;
    let key = line.key.as_deref().map(|key| (act.key_field(), key));
    strike(cx, &line.object, key, &line.body)?;
    match act {
        Act::Create => {
            let id = writes::create(org, writer, &line.object, &line.body)?;
            Ok((id, None))
        }
        Act::Update => {
            let key = line.key.as_deref().ok_or_else(texts::rows::missing_id)?;
            let id = row_id(key)?;
            writes::update(org, writer, &line.object, id, &line.body).map_err(of_row)?;
            Ok((id, None))
        }
        Act::Upsert { object, field } if field == "Id" => match &line.key {
            None => {
                let id = writes::create(org, writer, object, &line.body)?;
                Ok((id, Some(true)))
            }
            Some(key) => {
                let id = row_id(key)?;
                writes::update(org, writer, object, id, &line.body).map_err(of_row)?;
                Ok((id, Some(false)))
            }
        },
        Act::Upsert { object, field } => upsert_line(org, writer, (object, field), line),
    }
}

fn upsert_line(
    org: &mut Org,
    writer: &Writer<'_>,
    (object, field): (&str, &str),
    line: &Line,
) -> Written {
    let missing = || texts::empty_external_id(field);
    let key = line.key.as_deref().ok_or_else(missing)?;
    let ids = writes::with_external_id(org, writer.user, object, field, key)?;
    match ids.as_slice() {
        [] => {
            let mut body = line.body.clone();
            body.insert(field.to_owned(), key.into());
            let id = writes::create(org, writer, object, &body)?;
            Ok((id, Some(true)))
        }
        [id] => {
            writes::update(org, writer, object, *id, &line.body).map_err(of_row)?;
            Ok((*id, Some(false)))
        }
        _ => Err(texts::rows::ambiguous_external_id(field, key)),
    }
}

fn delete(cx: &Context<'_>) -> Outcome {
    let ids = cx.call.parameter("ids").unwrap_or_default();
    let ids = list(&ids);
    if ids.is_empty() {
        return Err(texts::rows::missing_parameter_value("ids"));
    }
    if ids.len() > ROWS_MAX {
        return Err(texts::rows::too_many_records(ROWS_MAX));
    }
    check_chunks(ids.iter().map(|id| id.get(..3).unwrap_or(id)))?;
    let all_or_none = cx.call.parameter("allOrNone");
    let all_or_none = all_or_none.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut org = cx.state.org_mut();
    let writer = writer(cx, &org);
    let one = |org: &mut Org, id: &&str| {
        let id = row_id(id)?;
        let table = org.table_of(id).ok_or_else(texts::rows::no_such_row)?;
        let object = table.object().name.clone();
        visible(cx, org, &object).map_err(of_row)?;
        strike(cx, &object, Some(("Id", &id.to_string())), &Map::new())?;
        writes::delete(org, &writer, &object, id).map_err(of_row)?;
        Ok((id, None))
    };
    Ok(finish(all_or_none, &mut org, &ids, one))
}

/// Reads the body of a write.
fn read(bytes: &[u8]) -> Result<(bool, Vec<Map<String, Json>>), Refusal> {
    let mut body = writes::body(bytes)?;
    let all_or_none = match body.remove("allOrNone") {
        None | Some(Json::Null) => false,
        Some(Json::Bool(value)) => value,
        Some(other) => return Err(check::wrong("boolean", &other)),
    };
    let records = match body.remove("records") {
        Some(Json::Array(records)) => records,
        None | Some(Json::Null) => return Err(texts::rows::missing_parameter_value("records")),
        Some(other) => return Err(check::wrong("list", &other)),
    };
    let record = |record| match record {
        Json::Object(record) => Ok(record),
        other => Err(check::wrong("sobject", &other)),
    };
    let records = records.into_iter().map(record).collect::<Result<_, _>>()?;
    Ok((all_or_none, records))
}

/// Takes type and key out of a record.
fn line(act: &Act, mut body: Map<String, Json>) -> Result<Line, Refusal> {
    let given = match body.remove("attributes") {
        Some(Json::Object(attributes)) => match attributes.get("type") {
            Some(Json::String(kind)) if !kind.is_empty() => kind.clone(),
            _ => return Err(texts::rows::missing_entity_type()),
        },
        _ => return Err(texts::rows::missing_entity_type()),
    };
    let key_field = match act {
        Act::Create => None,
        Act::Update => Some("Id"),
        Act::Upsert { object, field } => {
            if !given.eq_ignore_ascii_case(object) {
                return Err(texts::rows::other_entity_type(&given, object));
            }
            // A client that found no row sends an empty id beside the key.
            if take(&body, "Id").is_some_and(|(_, id)| is_blank(id)) {
                remove(&mut body, "Id");
            }
            Some(field.as_str())
        }
    };
    let key = match key_field.and_then(|field| remove(&mut body, field)) {
        None => None,
        Some(key) if is_blank(&key) => None,
        Some(Json::String(key)) => Some(key.trim().to_owned()),
        Some(other) => return Err(check::wrong("string", &other)),
    };
    Ok(Line {
        object: given,
        key,
        body,
    })
}

fn is_blank(json: &Json) -> bool {
    json.is_null() || json.as_str().is_some_and(|text| text.trim().is_empty())
}

fn take<'a>(body: &'a Map<String, Json>, field: &str) -> Option<(&'a String, &'a Json)> {
    body.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(field))
}

fn remove(body: &mut Map<String, Json>, field: &str) -> Option<Json> {
    let name = take(body, field)?.0.clone();
    body.remove(&name)
}

fn check_chunks<'a>(kinds: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let (mut chunks, mut last) = (0, None);
    for kind in kinds {
        if last.is_none_or(|last: &str| !last.eq_ignore_ascii_case(kind)) {
            chunks += 1;
        }
        last = Some(kind);
    }
    if chunks > CHUNKS_MAX {
        return Err(texts::rows::too_many_chunks(CHUNKS_MAX));
    }
    Ok(())
}

/// The keys that more than one row of a call has: every such row is refused.
fn twins(act: &Act, lines: &[Line]) -> HashSet<String> {
    let mut count: HashMap<String, usize> = HashMap::new();
    for key in lines.iter().filter_map(|line| line.key.as_ref()) {
        *count.entry(fold(act, key)).or_default() += 1;
    }
    count
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|(key, _)| key)
        .collect()
}

/// Ids of 15 and 18 characters are the same; external ids are compared without regard to case.
fn fold(act: &Act, key: &str) -> String {
    match RecordId::parse(key).filter(|_| act.key_field() == "Id") {
        Some(id) => id.short().to_owned(),
        None => key.to_lowercase(),
    }
}

fn twin(act: &Act, key: &str) -> Refusal {
    match act {
        Act::Upsert { field, .. } if field != "Id" => {
            texts::rows::duplicate_external_id(field, key)
        }
        _ => texts::rows::duplicate_id(key),
    }
}

fn row_id(text: &str) -> Result<RecordId, Refusal> {
    RecordId::parse(text).ok_or_else(|| texts::malformed_id(text))
}

/// A refusal of a resource of one row, as the result of a row says it.
fn of_row(refusal: Refusal) -> Refusal {
    if refusal.code == "NOT_FOUND" {
        texts::rows::no_such_row()
    } else {
        refusal
    }
}

fn list(text: &str) -> Vec<&str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

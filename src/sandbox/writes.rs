//! Changes rows as the service does: checks first, then stamps, derived fields and the commit.
//!
//! Every function does one row and either changes it wholly or refuses it with nothing changed, so that calls of many
//! rows can collect one result a row.

pub(super) mod check;

use http::StatusCode;
use serde_json::{Map, Value as Json};

use self::check::Change;
use super::describe::{Flag, ObjectType};
use super::ids::RecordId;
use super::org::{Org, Pending};
use super::rules::Active;
use super::table::{Row, RowNumber, Table};
use super::texts::{self, Refusal};
use super::user::User;
use super::value::{Stamp, Value};

/// Who writes, when, and when others see it.
pub(super) struct Writer<'a> {
    /// The user.
    pub(super) user: &'a User,
    /// The stamp of the change.
    pub(super) now: Stamp,
    /// Seconds from the stamp to the commit; 0 commits at once.
    pub(super) commit_delay: i64,
    /// The org is under maintenance: nothing can be written.
    pub(super) read_only: bool,
    /// The org's rules, and what the call says about them.
    pub(super) rules: Active,
}

impl Writer<'_> {
    fn may_write(&self) -> Result<(), Refusal> {
        if self.read_only {
            return Err(texts::read_only_org());
        }
        Ok(())
    }
}

/// Makes a row; returns its id.
pub(super) fn create(
    org: &mut Org,
    writer: &Writer<'_>,
    object: &str,
    body: &Map<String, Json>,
) -> Result<RecordId, Refusal> {
    writer.may_write()?;
    let table = org.table(object).ok_or_else(texts::not_found)?;
    let object = table.object().clone();
    if !writer.user.permissions.object(&object).create {
        return Err(texts::insufficient_access_on_object());
    }
    if body.keys().any(|name| name.eq_ignore_ascii_case("Id")) {
        return Err(texts::rows::id_in_insert());
    }
    let changes = check::changes(org, writer.user, &object, body, Flag::Createable)?;
    let mut values: Vec<Value> = object
        .fields
        .iter()
        .map(|field| field.default.clone())
        .collect();
    apply(&mut values, changes);
    check::required(&object, &values)?;
    let id = org.next_id(object.key_prefix.unwrap_or_default());
    values[0] = Value::Id(id);
    let mut set = |name: &str, value: Value| {
        if let Some(at) = object.index_of(name) {
            values[at] = value;
        }
    };
    for stamp in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
        set(stamp, Value::DateTime(writer.now));
    }
    for by in ["CreatedById", "LastModifiedById"] {
        set(by, Value::Id(writer.user.id));
    }
    set("IsDeleted", Value::Bool(false));
    if let Some(owner) = object
        .index_of("OwnerId")
        .filter(|&at| values[at].is_null())
    {
        values[owner] = Value::Id(writer.user.id);
    }
    derive(&object, &mut values, writer.now);
    save(org, writer, &object, values)?;
    Ok(id)
}

/// Changes a row.
pub(super) fn update(
    org: &mut Org,
    writer: &Writer<'_>,
    object: &str,
    id: RecordId,
    body: &Map<String, Json>,
) -> Result<(), Refusal> {
    writer.may_write()?;
    let (table, number) = find(org, object, id)?;
    let object = table.object().clone();
    if !writer.user.permissions.object(&object).edit {
        return Err(texts::insufficient_access(&id.to_string()));
    }
    let row = table.row(number).ok_or_else(texts::not_found)?;
    if !writer.user.record(&object, row).edit {
        return Err(texts::insufficient_access(&id.to_string()));
    }
    let changes = check::changes(org, writer.user, &object, body, Flag::Updateable)?;
    let mut values = row.to_values(object.fields.len());
    if object
        .index_of("IsConverted")
        .is_some_and(|at| values[at] == Value::Bool(true))
    {
        return Err(texts::converted_lead());
    }
    apply(&mut values, changes);
    check::required(&object, &values)?;
    touch(&object, &mut values, writer);
    derive(&object, &mut values, writer.now);
    save(org, writer, &object, values)
}

/// Commits a row that is complete, unless a rule of the org or another row stands against it.
fn save(
    org: &mut Org,
    writer: &Writer<'_>,
    object: &ObjectType,
    mut values: Vec<Value>,
) -> Result<(), Refusal> {
    writer.rules.assign(org, object, &mut values);
    let row = Row::new(values, false);
    let table = org.table(&object.name).ok_or_else(texts::not_found)?;
    let old = table.find(row.id()).and_then(|number| table.row(number));
    writer.rules.check(org, table, old, &row)?;
    check::unique(table, &row)?;
    check::unlocked(org, object, &row)?;
    commit(org, writer, object, row);
    Ok(())
}

/// Puts a row into the recycle bin.
pub(super) fn delete(
    org: &mut Org,
    writer: &Writer<'_>,
    object: &str,
    id: RecordId,
) -> Result<(), Refusal> {
    writer.may_write()?;
    let (table, number) = find(org, object, id)?;
    let object = table.object().clone();
    if !writer.user.permissions.object(&object).delete {
        return Err(texts::insufficient_access(&id.to_string()));
    }
    let row = table.row(number).ok_or_else(texts::not_found)?;
    if !writer.user.record(&object, row).edit {
        return Err(texts::insufficient_access(&id.to_string()));
    }
    check::unlocked(org, &object, row)?;
    let mut values = row.to_values(object.fields.len());
    touch(&object, &mut values, writer);
    if let Some(at) = object.index_of("IsDeleted") {
        values[at] = Value::Bool(true);
    }
    commit(org, writer, &object, Row::new(values, true));
    Ok(())
}

/// Puts a row in as it is given, system fields among them, without checks of permission: for tests.
///
/// A row with the `Id` of another changes that one. `visible_at` keeps the row back until then.
pub(super) fn place(
    org: &mut Org,
    now: Stamp,
    object: &str,
    body: &Map<String, Json>,
    visible_at: Option<Stamp>,
) -> Result<RecordId, Refusal> {
    let table = org
        .table(object)
        .ok_or_else(|| texts::invalid_type(object))?;
    let object = table.object().clone();
    let changes = check::placed(&object, body)?;
    let given = changes
        .iter()
        .find(|change| change.field == 0)
        .and_then(|change| change.value.as_id());
    let old = given
        .and_then(|id| table.find(id))
        .and_then(|number| table.row(number));
    let mut values = match old {
        Some(row) => row.to_values(object.fields.len()),
        None => object
            .fields
            .iter()
            .map(|field| field.default.clone())
            .collect(),
    };
    let made = old.is_none();
    apply(&mut values, changes);
    let column = |name: &str| object.index_of(name);
    let stamp = body
        .keys()
        .any(|name| name.eq_ignore_ascii_case("SystemModstamp"));
    if let Some(at) = column("SystemModstamp").filter(|_| !stamp) {
        values[at] = Value::DateTime(now);
    }
    let stamp = column("SystemModstamp")
        .map(|at| values[at].clone())
        .unwrap_or_default();
    if made {
        values[0] =
            Value::Id(given.unwrap_or_else(|| org.next_id(object.key_prefix.unwrap_or_default())));
        for name in ["CreatedDate", "LastModifiedDate"] {
            if let Some(at) = column(name).filter(|&at| values[at].is_null()) {
                values[at] = stamp.clone();
            }
        }
    }
    let deleted = column("IsDeleted").is_some_and(|at| values[at] == Value::Bool(true));
    derive(&object, &mut values, now);
    let row = Row::new(values, deleted);
    let id = row.id();
    match visible_at {
        Some(at) if at > now => {
            let begun = stamp.as_stamp().unwrap_or(now);
            org.commit_later(
                at,
                Pending {
                    object: object.name.clone(),
                    row,
                    begun,
                },
            );
        }
        _ => org.commit(&object.name, row),
    }
    Ok(id)
}

/// A row that can be changed: it belongs to the object and is not deleted.
pub(super) fn find<'org>(
    org: &'org Org,
    object: &str,
    id: RecordId,
) -> Result<(&'org Table, RowNumber), Refusal> {
    let table = org.table(object).ok_or_else(texts::not_found)?;
    let number = table.find(id).ok_or_else(texts::not_found)?;
    match table.row(number) {
        Some(row) if !row.deleted => Ok((table, number)),
        Some(_) => Err(texts::entity_deleted()),
        None => Err(texts::not_found()),
    }
}

/// Reads the body of a write: one JSON object.
pub(super) fn body(bytes: &[u8]) -> Result<Map<String, Json>, Refusal> {
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(body)) => Ok(body),
        Ok(Json::Array(_)) => Err(texts::wrong_type("sobject", "START_ARRAY")),
        Ok(_) => Err(texts::wrong_type("sobject", "VALUE_STRING")),
        Err(error) => Err(texts::bad_json(error.line(), error.column())),
    }
}

fn apply(values: &mut [Value], changes: Vec<Change>) {
    for change in changes {
        values[change.field] = change.value;
    }
}

fn touch(object: &ObjectType, values: &mut [Value], writer: &Writer<'_>) {
    for (name, value) in [
        ("LastModifiedDate", Value::DateTime(writer.now)),
        ("LastModifiedById", Value::Id(writer.user.id)),
        ("SystemModstamp", Value::DateTime(writer.now)),
    ] {
        if let Some(at) = object.index_of(name) {
            values[at] = value;
        }
    }
}

/// Fields that follow from others.
fn derive(object: &ObjectType, values: &mut [Value], now: Stamp) {
    let text = |values: &[Value], name: &str| {
        object
            .index_of(name)
            .and_then(|at| values[at].as_text())
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(name) = object.index_of("Name") {
        if object.field("LastName").is_some() {
            let full = format!("{} {}", text(values, "FirstName"), text(values, "LastName"));
            values[name] = Value::text(full.trim());
        } else if values[name].is_null() {
            values[name] = Value::text(&values[0].as_id().unwrap_or(RecordId::MIN).to_string());
        }
    }
    if object.name == "Task" {
        let closed = text(values, "Status") == "Completed";
        let high = text(values, "Priority") == "High";
        for (name, value) in [
            ("IsClosed", Value::Bool(closed)),
            ("IsHighPriority", Value::Bool(high)),
            (
                "CompletedDateTime",
                if closed {
                    Value::DateTime(now)
                } else {
                    Value::Null
                },
            ),
        ] {
            if let Some(at) = object.index_of(name) {
                values[at] = value;
            }
        }
    }
}

fn commit(org: &mut Org, writer: &Writer<'_>, object: &ObjectType, row: Row) {
    if writer.commit_delay > 0 {
        let visible_at = Stamp(writer.now.0 + writer.commit_delay);
        let pending = Pending {
            object: object.name.clone(),
            row,
            begun: writer.now,
        };
        org.commit_later(visible_at, pending);
    } else {
        org.commit(&object.name, row);
    }
}

/// The rows, not deleted, that have a value in a field which can be the key of an upsert.
pub(super) fn with_external_id(
    org: &Org,
    user: &User,
    object: &str,
    field: &str,
    key: &str,
) -> Result<Vec<RecordId>, Refusal> {
    let table = org.table(object).ok_or_else(texts::not_found)?;
    let at = table
        .object()
        .index_of(field)
        .ok_or_else(|| texts::no_external_id(field))?;
    let description = &table.object().fields[at];
    let usable = description.is(Flag::ExternalId)
        && user.permissions.field(table.object(), description).read;
    let numbers = table.with_key(at, key).filter(|_| usable);
    let numbers = numbers.ok_or_else(|| Refusal {
        status: StatusCode::NOT_FOUND,
        ..texts::no_external_id(field)
    })?;
    let live = numbers
        .iter()
        .filter_map(|number| table.row(*number))
        .filter(|row| !row.deleted);
    Ok(live.map(Row::id).collect())
}

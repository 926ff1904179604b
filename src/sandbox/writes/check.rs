//! What a row may not be: types, lengths, picklists, references, required and unique fields.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use serde_json::{Map, Value as Json};

use super::super::describe::{Field, FieldType, Flag, ObjectType};
use super::super::ids::RecordId;
use super::super::org::Org;
use super::super::table::{Row, Table};
use super::super::texts::{self, Refusal};
use super::super::user::User;
use super::super::value::{Decimal, Stamp, Value};

/// One field of a row and what it becomes.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) field: usize,
    pub(super) value: Value,
}

/// Reads a JSON object as changes of a row. `right` is the attribute that a field must have to be written.
pub(super) fn changes(
    org: &Org,
    user: &User,
    object: &ObjectType,
    body: &Map<String, Json>,
    right: Flag,
) -> Result<Vec<Change>, Refusal> {
    let (mut changes, mut read_only) = (Vec::with_capacity(body.len()), Vec::new());
    for (name, json) in body {
        if name == "attributes" {
            continue;
        }
        if let Some(field) = json.is_object().then(|| object.parent(name)).flatten() {
            changes.push(by_parent_key(org, user, object, field, json)?);
            continue;
        }
        let visible = |at: &usize| user.permissions.field(object, &object.fields[*at]).read;
        let at = object
            .index_of(name)
            .filter(visible)
            .ok_or_else(|| texts::no_such_column(name, &object.name))?;
        let field = &object.fields[at];
        if !field.is(right) || !user.permissions.field(object, field).edit {
            read_only.push(field.name.as_str());
            continue;
        }
        let value = convert(field, json)?;
        fits(org, user, field, &value)?;
        changes.push(Change { field: at, value });
    }
    if read_only.is_empty() {
        Ok(changes)
    } else {
        Err(texts::read_only(&read_only))
    }
}

/// Refuses a JSON object in which a value has a type that its field cannot be read from: that spoils a whole request,
/// whoever may set the field.
pub(in crate::sandbox) fn types(
    object: &ObjectType,
    body: &Map<String, Json>,
) -> Result<(), Refusal> {
    for (name, json) in body {
        if name == "attributes" {
            continue;
        }
        if json.is_object() && object.parent(name).is_some() {
            parent_key(json)?;
        } else if let Some(at) = object.index_of(name) {
            match convert(&object.fields[at], json) {
                Err(refusal) if refusal.spoils_request() => return Err(refusal),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Reads a JSON object as a row that is put in as it is: types are checked, nothing else.
pub(super) fn placed(
    object: &ObjectType,
    body: &Map<String, Json>,
) -> Result<Vec<Change>, Refusal> {
    let change = |(name, json): (&String, &Json)| {
        let field = object
            .index_of(name)
            .ok_or_else(|| texts::no_such_column(name, &object.name))?;
        let value = convert(&object.fields[field], json)?;
        Ok(Change { field, value })
    };
    body.iter()
        .filter(|(name, _)| *name != "attributes")
        .map(change)
        .collect()
}

/// Refuses a row that lacks what every row must have.
pub(super) fn required(object: &ObjectType, values: &[Value]) -> Result<(), Refusal> {
    let missing = |(field, value): &(&Field, &Value)| {
        let given = field.is(Flag::Createable) && !field.is(Flag::Nillable);
        // The platform fills these in itself.
        let filled = field.name == "OwnerId" || field.kind == FieldType::Boolean;
        given && !filled && value.is_null()
    };
    let missing: Vec<&str> = object
        .fields
        .iter()
        .zip(values)
        .filter(missing)
        .map(|(field, _)| field.name.as_str())
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(texts::required_missing(&missing))
    }
}

/// Refuses a row whose unique field another row, not deleted, has already.
pub(super) fn unique(table: &Table, row: &Row) -> Result<(), Refusal> {
    for (at, field) in table.object().fields.iter().enumerate() {
        let Some(key) = row.get(at).as_text().filter(|_| field.is(Flag::Unique)) else {
            continue;
        };
        let others = table.with_key(at, key).unwrap_or_default();
        let clash = others
            .iter()
            .filter_map(|number| table.row(*number))
            .find(|other| !other.deleted && other.id() != row.id());
        if let Some(other) = clash {
            return Err(texts::duplicate_value(&field.name, &other.id().to_string()));
        }
    }
    Ok(())
}

/// Refuses a row that a transaction under way holds, itself or one of its unique values.
pub(super) fn unlocked(org: &Org, object: &ObjectType, row: &Row) -> Result<(), Refusal> {
    let holds = |held: &Row| {
        let shares = |(at, field): (usize, &Field)| {
            let (one, other) = (held.get(at).as_text(), row.get(at).as_text());
            field.is(Flag::Unique)
                && one.is_some()
                && one.map(str::to_lowercase) == other.map(str::to_lowercase)
        };
        held.id() == row.id() || object.fields.iter().enumerate().any(shares)
    };
    let mut pending = org
        .pending()
        .filter(|pending| pending.object == object.name);
    match pending.find(|pending| holds(&pending.row)) {
        Some(pending) => Err(texts::rows::row_locked(&pending.row.id().to_string())),
        None => Ok(()),
    }
}

/// A reference given as the parent's external id: `{"Lead__r": {"Bridged_Id__c": "x"}}`.
fn by_parent_key(
    org: &Org,
    user: &User,
    object: &ObjectType,
    field: usize,
    json: &Json,
) -> Result<Change, Refusal> {
    let reference = &object.fields[field];
    let (key_field, key) = parent_key(json)?;
    for parent in &reference.reference_to {
        let Some(table) = org.table(parent) else {
            continue;
        };
        let Some(at) = table.object().index_of(key_field) else {
            continue;
        };
        let numbers = table.with_key(at, key).unwrap_or_default();
        let mut rows = numbers.iter().filter_map(|number| table.row(*number));
        return match rows.find(|row| !row.deleted) {
            Some(row) => refers(user, table, row).map(|()| Change {
                field,
                value: Value::Id(row.id()),
            }),
            None => Err(texts::foreign_key_not_found(key_field, key, parent)),
        };
    }
    Err(texts::no_such_column(
        key_field,
        &reference.reference_to.join(", "),
    ))
}

/// The one field, and its value, by which a parent is named.
fn parent_key(json: &Json) -> Result<(&str, &str), Refusal> {
    let mut keys = json
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "attributes");
    match (keys.next(), keys.next()) {
        (Some((field, Json::String(key))), None) => Ok((field, key)),
        _ => Err(texts::wrong_type(
            "reference by external id field",
            "START_OBJECT",
        )),
    }
}

/// A JSON value as a value of the field's type. A value of another type spoils the whole request.
fn convert(field: &Field, json: &Json) -> Result<Value, Refusal> {
    let kind = field.kind;
    let refuse = || refusal(kind, json);
    let text = match json {
        Json::Null if kind == FieldType::Boolean => return Ok(Value::Bool(false)),
        Json::Null => return Ok(Value::Null),
        Json::Bool(value) if kind == FieldType::Boolean => return Ok(Value::Bool(*value)),
        Json::Number(number) if kind.is_number() => number.to_string(),
        Json::String(text) => text.clone(),
        _ => return Err(refuse()),
    };
    if kind.is_text() {
        return Ok(Value::text(text.trim()));
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    let value = match kind {
        FieldType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        FieldType::Int => Decimal::parse(&text)
            .filter(|number| number.normal().scale() == 0)
            .map(Value::Number),
        FieldType::Double | FieldType::Currency | FieldType::Percent => {
            Decimal::parse(&text).map(|number| Value::Number(number.rescale(field.scale).normal()))
        }
        FieldType::Id | FieldType::Reference => {
            let bad = || texts::bad_reference(&field.label, &field.name, &text);
            return RecordId::parse(&text).map(Value::Id).ok_or_else(bad);
        }
        FieldType::Date => date(&text).map(Value::Date),
        FieldType::DateTime => instant(&text).map(Value::DateTime),
        FieldType::Time => time(&text).map(Value::Time),
        _ => None,
    };
    value.ok_or_else(refuse)
}

fn refusal(kind: FieldType, json: &Json) -> Refusal {
    let word = if kind.is_text() {
        "string"
    } else {
        kind.as_str()
    };
    wrong(word, json)
}

/// What is said of a value that cannot be read as an instance of `word`.
pub(in crate::sandbox) fn wrong(word: &str, json: &Json) -> Refusal {
    let (token, value) = match json {
        Json::Bool(true) => ("VALUE_TRUE", None),
        Json::Bool(false) => ("VALUE_FALSE", None),
        Json::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", Some(number.to_string())),
        Json::Number(number) => ("VALUE_NUMBER_INT", Some(number.to_string())),
        Json::String(text) => ("VALUE_STRING", Some(text.clone())),
        Json::Array(_) => ("START_ARRAY", None),
        Json::Object(_) | Json::Null => ("START_OBJECT", None),
    };
    match value {
        Some(value) => texts::wrong_value(word, token, &value),
        None => texts::wrong_type(word, token),
    }
}

fn date(text: &str) -> Option<Date> {
    let day = text.get(..10)?;
    if text.len() > 10 {
        instant(text)?;
    }
    day.parse().ok()
}

/// ISO 8601 with `Z`, an offset or neither (then UTC); a day alone is its first instant.
fn instant(text: &str) -> Option<Stamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Stamp::of(instant));
    }
    let local: DateTime = match text.parse::<Date>() {
        Ok(day) if text.len() == 10 => day.to_datetime(Time::midnight()),
        _ => text.parse().ok()?,
    };
    let zoned = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Stamp::of(zoned.timestamp()))
}

/// Milliseconds since midnight.
fn time(text: &str) -> Option<u32> {
    let time: Time = text.trim_end_matches('Z').parse().ok()?;
    let seconds =
        i32::from(time.hour()) * 3_600 + i32::from(time.minute()) * 60 + i32::from(time.second());
    u32::try_from(seconds * 1_000 + i32::from(time.millisecond())).ok()
}

/// Refuses a value that has the right type and still does not fit its field.
fn fits(org: &Org, user: &User, field: &Field, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Text(text) => text_fits(field, text.as_str()),
        Value::Number(number) => {
            let max = match field.kind {
                FieldType::Int => i128::from(i32::MAX),
                _ => 10_i128.pow(u32::from(field.precision - field.scale)) - 1,
            };
            let whole = i128::from(number.units()) / 10_i128.pow(u32::from(number.scale()));
            if whole.abs() > max {
                return Err(texts::out_of_range(
                    &field.label,
                    &field.name,
                    &number.to_string(),
                ));
            }
            Ok(())
        }
        Value::Id(id) => reference_fits(org, user, field, *id),
        _ => Ok(()),
    }
}

fn text_fits(field: &Field, text: &str) -> Result<(), Refusal> {
    if text.chars().count() > field.length as usize {
        return Err(texts::too_long(
            &field.label,
            &field.name,
            text,
            field.length,
        ));
    }
    if field.kind == FieldType::Email && !is_email(text) {
        return Err(texts::bad_email(&field.label, &field.name, text));
    }
    let listed = |value: &str| {
        field
            .picklist
            .iter()
            .any(|listed| listed.value.eq_ignore_ascii_case(value))
    };
    if field.is(Flag::RestrictedPicklist) {
        let several = field.kind == FieldType::MultiPicklist;
        let all_listed = if several {
            text.split(';').all(listed)
        } else {
            listed(text)
        };
        if !all_listed {
            return Err(texts::bad_picklist(&field.label, &field.name, text));
        }
    }
    Ok(())
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let clean = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || "@,;:<>()[]\"".contains(c))
    };
    clean(local)
        && clean(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

fn reference_fits(org: &Org, user: &User, field: &Field, id: RecordId) -> Result<(), Refusal> {
    let allowed = org
        .table_of(id)
        .is_some_and(|table| field.reference_to.contains(&table.object().name));
    if !allowed {
        return Err(texts::bad_reference(
            &field.label,
            &field.name,
            &id.to_string(),
        ));
    }
    match org.row(id) {
        Some((table, row)) if !row.deleted => refers(user, table, row),
        _ => Err(texts::invalid_cross_reference(&field.name)),
    }
}

/// Refuses a reference to a row that the user may not see.
fn refers(user: &User, table: &Table, row: &Row) -> Result<(), Refusal> {
    let object = table.object();
    if user.permissions.object(object).read && user.record(object, row).read {
        return Ok(());
    }
    Err(texts::cross_reference_refused(&row.id().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_days_are_read_as_the_service_reads_them() {
        for text in [
            "2026-01-01T00:00:00.000+0000",
            "2026-01-01T00:00:00Z",
            "2026-01-01T01:00:00+01:00",
            "2026-01-01T00:00:00",
            "2026-01-01",
        ] {
            assert_eq!(instant(text), Some(Stamp(1_767_225_600)), "{text}");
        }
        for text in ["yesterday", "2026-13-01", "2026-1-1", ""] {
            assert_eq!(instant(text), None, "{text}");
        }
        assert_eq!(date("2026-02-30"), None);
        assert_eq!(time("01:02:03.004Z"), Some(3_723_004));
    }

    #[test]
    fn email_addresses_need_a_name_and_a_domain() {
        for (text, good) in [
            ("a@b.co", true),
            ("o'neil+x@mail.example.com", true),
            ("a@b", false),
            ("a b@c.de", false),
            ("@c.de", false),
            ("a@.de", false),
            ("a@@c.de", false),
        ] {
            assert_eq!(is_email(text), good, "{text}");
        }
    }
}

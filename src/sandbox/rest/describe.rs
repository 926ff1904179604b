//! What objects there are and what they look like.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Context, Outcome, visible};
use crate::sandbox::call::{Answer, JSON};
use crate::sandbox::describe::{Abilities, Field, FieldType, Flag, ObjectType};
use crate::sandbox::json::write_value;
use crate::sandbox::table::Table;
use crate::sandbox::user::User;
use crate::sandbox::value::Stamp;

/// Every object the user may see.
pub(super) fn global(cx: &Context<'_>) -> Answer {
    if let Some(answer) = not_modified(cx) {
        return answer;
    }
    let org = cx.state.org();
    let objects: Vec<Value> = org
        .tables()
        .iter()
        .filter(|table| cx.user.permissions.object(table.object()).read)
        .map(|table| attributes(cx, table.object()))
        .collect();
    let body = json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects });
    dated(cx, Answer::ok(body))
}

/// One object in short, with the rows the user saw last.
pub(super) fn summary(cx: &Context<'_>, object: &str) -> Outcome {
    let org = cx.state.org();
    let table = visible(cx, &org, object)?;
    let body = json!({ "objectDescribe": attributes(cx, table.object()), "recentItems": [] });
    Ok(Answer::ok(body))
}

/// One object with its fields and relationships.
pub(super) fn object(cx: &Context<'_>, object: &str) -> Outcome {
    let org = cx.state.org();
    let table = visible(cx, &org, object)?;
    if let Some(answer) = not_modified(cx) {
        return Ok(answer);
    }
    Ok(dated(
        cx,
        Answer::new(StatusCode::OK, JSON, describe(cx, table)),
    ))
}

/// The answer for a client that has seen the objects since they last changed.
fn not_modified(cx: &Context<'_>) -> Option<Answer> {
    let since = httpdate::parse_http_date(cx.call.header("if-modified-since")).ok()?;
    let since = since.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let changed = cx.state.objects_changed().0;
    let unchanged = i64::try_from(since).is_ok_and(|since| since >= changed);
    unchanged.then(|| dated(cx, Answer::empty(StatusCode::NOT_MODIFIED)))
}

fn dated(cx: &Context<'_>, answer: Answer) -> Answer {
    answer.header("last-modified", &http_date(cx.state.objects_changed()))
}

pub(super) fn http_date(stamp: Stamp) -> String {
    httpdate::fmt_http_date(stamp.timestamp().into())
}

/// The attributes that both lists show.
fn attributes(cx: &Context<'_>, object: &ObjectType) -> Value {
    let access = cx.user.permissions.object(object);
    let is_data = object.abilities == Abilities::Data;
    let base = format!("/services/data/{}/sobjects/{}", cx.version, object.name);
    let prefix = object
        .key_prefix
        .map(|prefix| String::from_utf8_lossy(&prefix).into_owned());
    json!({
        "activateable": false,
        "createable": access.create,
        "custom": object.is_custom(),
        "customSetting": false,
        "deepCloneable": false,
        "deletable": access.delete,
        "deprecatedAndHidden": false,
        "feedEnabled": is_data,
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": prefix,
        "label": object.label,
        "labelPlural": object.label_plural,
        "layoutable": is_data,
        "mergeable": object.field("MasterRecordId").is_some(),
        "mruEnabled": is_data,
        "name": object.name,
        "queryable": true,
        "replicateable": is_data,
        "retrieveable": true,
        "searchable": is_data,
        "triggerable": is_data,
        "undeletable": access.delete,
        "updateable": access.edit,
        "urls": {
            "sobject": base,
            "describe": format!("{base}/describe"),
            "rowTemplate": format!("{base}/{{ID}}"),
        },
    })
}

fn describe(cx: &Context<'_>, table: &Table) -> Vec<u8> {
    let object = table.object();
    let mut body = attributes(cx, object);
    let readable = |field: &&Field| cx.user.permissions.field(object, field).read;
    let fields: Vec<Value> = object
        .fields
        .iter()
        .filter(readable)
        .map(|field| show(&cx.user, object, field))
        .collect();
    let children: Vec<Value> = object
        .children
        .iter()
        .map(|child| {
            json!({
                "cascadeDelete": false,
                "childSObject": child.child_object,
                "deprecatedAndHidden": false,
                "field": child.field,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": child.relationship_name,
                "restrictedDelete": false,
            })
        })
        .collect();
    if let Value::Object(body) = &mut body {
        body.insert("fields".to_owned(), fields.into());
        body.insert("childRelationships".to_owned(), children.into());
        body.insert(
            "recordTypeInfos".to_owned(),
            json!([{
                "active": true,
                "available": true,
                "defaultRecordTypeMapping": true,
                "developerName": "Master",
                "master": true,
                "name": "Master",
                "recordTypeId": "012000000000000AAA",
            }]),
        );
        body.insert("supportedScopes".to_owned(), json!([
            { "label": format!("All {}", object.label_plural.to_lowercase()), "name": "everything" },
        ]));
    }
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Attributes that are flags of a field.
const FLAGS: [(&str, Flag); 16] = [
    ("aggregatable", Flag::Filterable),
    ("autoNumber", Flag::AutoNumber),
    ("calculated", Flag::Calculated),
    ("caseSensitive", Flag::CaseSensitive),
    ("custom", Flag::Custom),
    ("defaultedOnCreate", Flag::DefaultedOnCreate),
    ("externalId", Flag::ExternalId),
    ("filterable", Flag::Filterable),
    ("groupable", Flag::Groupable),
    ("idLookup", Flag::IdLookup),
    ("nameField", Flag::NameField),
    ("nillable", Flag::Nillable),
    ("permissionable", Flag::Permissionable),
    ("restrictedPicklist", Flag::RestrictedPicklist),
    ("sortable", Flag::Sortable),
    ("unique", Flag::Unique),
];

/// Attributes that no field of the sandbox has.
const ALWAYS_FALSE: [&str; 13] = [
    "aiPredictionField",
    "cascadeDelete",
    "dependentPicklist",
    "deprecatedAndHidden",
    "displayLocationInDecimal",
    "encrypted",
    "formulaTreatNullNumberAsZero",
    "highScaleNumber",
    "htmlFormatted",
    "queryByDistance",
    "restrictedDelete",
    "searchPrefilterable",
    "writeRequiresMasterRead",
];
const ALWAYS_NULL: [&str; 9] = [
    "calculatedFormula",
    "controllerName",
    "defaultValueFormula",
    "filteredLookupInfo",
    "inlineHelpText",
    "mask",
    "maskType",
    "referenceTargetField",
    "relationshipOrder",
];

/// One field with every attribute.
fn show(user: &User, object: &ObjectType, field: &Field) -> Value {
    let access = user.permissions.field(object, field);
    let picklist: Vec<Value> = field
        .picklist
        .iter()
        .map(|value| {
            json!({
                "active": true,
                "defaultValue": value.default,
                "label": value.value,
                "validFor": null,
                "value": value.value,
            })
        })
        .collect();
    let byte_length = field.length * if field.kind == FieldType::Id { 1 } else { 3 };
    let polymorphic = field.reference_to.len() > 1;
    let mut shown = json!({
        "createable": field.is(Flag::Createable) && access.edit,
        "namePointing": polymorphic,
        "polymorphicForeignKey": polymorphic,
        "updateable": field.is(Flag::Updateable) && access.edit,
        "byteLength": byte_length,
        "compoundFieldName": field.compound,
        "defaultValue": default_value(field),
        "digits": field.digits,
        "extraTypeInfo": extra_type(field),
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "picklistValues": picklist,
        "precision": field.precision,
        "referenceTo": field.reference_to,
        "relationshipName": field.relationship_name,
        "scale": field.scale,
        "soapType": field.kind.soap(),
        "type": field.kind.as_str(),
    });
    if let Value::Object(shown) = &mut shown {
        shown.extend(
            FLAGS
                .iter()
                .map(|(name, flag)| ((*name).to_owned(), field.is(*flag).into())),
        );
        shown.extend(
            ALWAYS_FALSE
                .iter()
                .map(|name| ((*name).to_owned(), Value::Bool(false))),
        );
        shown.extend(
            ALWAYS_NULL
                .iter()
                .map(|name| ((*name).to_owned(), Value::Null)),
        );
        shown.sort_keys();
    }
    shown
}

fn default_value(field: &Field) -> Value {
    let mut text = Vec::new();
    write_value(&mut text, field.kind, &field.default);
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Finer types of texts.
fn extra_type(field: &Field) -> Option<&'static str> {
    let is_name = field.compound.as_deref() == Some("Name");
    match field.kind {
        FieldType::TextArea if field.length > 255 => Some("plaintextarea"),
        FieldType::String if is_name => Some("personname"),
        _ => None,
    }
}

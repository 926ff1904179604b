//! What a refusal for want of a right is about: the object, the field, the row or the parent, by its name.
//!
//! Salesforce says of a row that something may not be done. What was to be done, only its sender knows.

use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::record::RecordError;
use crate::plan::step::target::Target;
use crate::plan::writable;
use crate::salesforce::describe::ObjectDescribe;

use super::payload::Payload;

/// Adds the names to the reason why a row was refused, where it was for want of a right.
pub fn name(reason: &mut RecordError, target: &Target, object: &ObjectDescribe, payload: &Payload) {
    let more = match reason.code {
        Code::ObjectNotWritable => format!(
            "{} of `{}` needs {}",
            target.operation.as_str(),
            object.name,
            writable::boxes(target.operation)
        ),
        Code::FieldNotWritable => match &reason.field {
            Some(field) => format!("the field is `{field}` of `{}`", object.name),
            None => format!("the object is `{}`", object.name),
        },
        Code::RecordAccessDenied => match &payload.key {
            Some(key) if is_by_id(target) => format!("the record is `{key}` of `{}`", object.name),
            _ => format!("the record is a row of `{}`", object.name),
        },
        Code::ParentAccessDenied => {
            let links = links(object, payload);
            if let ([only], None) = (links.as_slice(), &reason.field) {
                reason.field = Some(only.clone());
            }
            match (&reason.field, links.as_slice()) {
                (Some(field), _) => format!(
                    "the parent is the one that `{field}` of `{}` points at",
                    object.name
                ),
                (None, []) => format!("the row is one of `{}`, and sets no lookup", object.name),
                (None, several) => {
                    let several: Vec<String> =
                        several.iter().map(|field| format!("`{field}`")).collect();
                    format!(
                        "the parent is one that {} of `{}` point at",
                        several.join(" or "),
                        object.name
                    )
                }
            }
        }
        _ => return,
    };
    reason.message = format!("{}; {more}", reason.message);
}

/// Whether rows are found by their Salesforce Id. Other keys may be a person's data.
fn is_by_id(target: &Target) -> bool {
    target
        .key
        .as_ref()
        .is_some_and(|(field, _)| field.eq_ignore_ascii_case("Id"))
}

/// The lookup fields that the row sets to a parent, in its order.
fn links(object: &ObjectDescribe, payload: &Payload) -> Vec<String> {
    let set = payload
        .fields
        .iter()
        .filter(|(_, value)| **value != Value::Null);
    let link = |path: &String| match path.split_once('.') {
        Some((parent, _)) => object.parent(parent).map(|field| field.name.clone()),
        None => object
            .field(path)
            .filter(|field| !field.reference_to.is_empty())
            .map(|field| field.name.clone()),
    };
    set.filter_map(|(path, _)| link(path)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use crate::salesforce::describe::FieldDescribe;

    use super::*;

    fn payload(fields: Value) -> Payload {
        Payload {
            key: None,
            fields: match fields {
                Value::Object(fields) => fields,
                _ => Map::new(),
            },
        }
    }

    #[test]
    fn the_lookups_of_a_row_are_those_it_sets() {
        let field = |name: &str, relation: Option<&str>| FieldDescribe {
            name: name.into(),
            relationship_name: relation.map(str::to_owned),
            reference_to: relation.iter().map(|_| "Account".to_owned()).collect(),
            ..FieldDescribe::default()
        };
        let object = ObjectDescribe {
            name: "Contact".into(),
            fields: vec![
                field("LastName", None),
                field("AccountId", Some("Account")),
                field("OwnerId", Some("Owner")),
            ],
            ..ObjectDescribe::default()
        };
        let found = |fields| links(&object, &payload(fields));
        assert_eq!(
            found(json!({ "LastName": "x", "AccountId": "001" })),
            ["AccountId"]
        );
        assert_eq!(
            found(json!({ "Account.Key__c": "k", "OwnerId": "005" })),
            ["AccountId", "OwnerId"]
        );
        assert_eq!(
            found(json!({ "AccountId": null, "LastName": "x" })),
            [""; 0]
        );
    }
}

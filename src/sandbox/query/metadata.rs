//! The columns of an answer, as the Salesforce CLI asks for them with `columns=true`.

use serde_json::{Value, json};

use super::columns::{Column, Content, Projection};
use super::run::Answer;
use crate::sandbox::describe::{Field, FieldType, Flag};

/// The answer's columns: one JSON object with `columnMetadata`, `entityName`, `groupBy`, `idSelected`, `keyPrefix`.
pub fn of(answer: &Answer) -> Value {
    let (columns, entity, group_by, id_selected, prefix) = match answer {
        Answer::Rows(rows) => {
            let object = &rows.projection.object;
            let columns = projection(&rows.projection);
            let with_id = rows
                .projection
                .columns
                .iter()
                .any(|column| column.name == "Id");
            let prefix = object
                .key_prefix
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            (columns, object.name.as_str(), false, with_id, prefix)
        }
        Answer::Groups(groups) => {
            let columns = groups.columns.iter();
            let columns = columns.map(|(name, kind)| column(name, *kind, None, true, &[]));
            (columns.collect(), "AggregateResult", true, false, None)
        }
        Answer::Count(_) => (Vec::new(), "AggregateResult", false, false, None),
    };
    json!({
        "columnMetadata": columns,
        "entityName": entity,
        "groupBy": group_by,
        "idSelected": id_selected,
        "keyPrefix": prefix,
    })
}

fn projection(projection: &Projection) -> Vec<Value> {
    let of = |one: &Column| match &one.content {
        Content::Field(index) => {
            let field = &projection.object.fields[*index];
            column(&one.name, field.kind, Some(field), false, &[])
        }
        Content::Function { kind, .. } => column(&one.name, *kind, None, false, &[]),
        Content::Null | Content::ObjectName => {
            column(&one.name, FieldType::String, None, false, &[])
        }
        Content::Parent(parent) => {
            let inner = parent
                .targets
                .first()
                .map(self::projection)
                .unwrap_or_default();
            column(&one.name, FieldType::Reference, None, false, &inner)
        }
        Content::Children(plan) => {
            let inner = self::projection(&plan.projection);
            column(&one.name, FieldType::Reference, None, true, &inner)
        }
    };
    projection.columns.iter().map(of).collect()
}

fn column(
    name: &str,
    kind: FieldType,
    field: Option<&Field>,
    aggregate: bool,
    joined: &[Value],
) -> Value {
    let is = |flag| field.is_some_and(|field| field.is(flag));
    json!({
        "aggregate": aggregate,
        "apexType": apex(kind),
        "booleanType": kind == FieldType::Boolean,
        "columnName": name,
        "custom": is(Flag::Custom),
        "displayName": name,
        "foreignKeyName": null,
        "insertable": is(Flag::Createable),
        "joinColumns": joined,
        "numberType": kind.is_number(),
        "textType": kind.is_text(),
        "updatable": is(Flag::Updateable),
    })
}

const fn apex(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Id | FieldType::Reference => "Id",
        FieldType::Boolean => "Boolean",
        FieldType::Int => "Integer",
        FieldType::Double | FieldType::Currency | FieldType::Percent => "Double",
        FieldType::Date => "Date",
        FieldType::DateTime => "Datetime",
        FieldType::Time => "Time",
        FieldType::Address => "Address",
        _ => "String",
    }
}

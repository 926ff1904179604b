//! Where the fields of an object stand, looked up once instead of for every row.

use super::super::describe::ObjectType;
use super::super::ids::RecordId;
use super::super::table::Row;
use super::super::value::{Stamp, Value};

/// Names a struct of column numbers and how to look them up.
macro_rules! columns {
    ($name:ident { $($column:ident: $field:literal,)* }) => {
        pub(super) struct $name { $(pub(super) $column: usize,)* }

        impl $name {
            pub(super) fn of(object: &crate::sandbox::describe::ObjectType) -> Self {
                Self { $($column: object.index_of($field).unwrap_or(usize::MAX),)* }
            }
        }
    };
}
pub(super) use columns;

columns!(Audit {
    created: "CreatedDate",
    created_by: "CreatedById",
    modified: "LastModifiedDate",
    modified_by: "LastModifiedById",
    stamp: "SystemModstamp",
    deleted: "IsDeleted",
    owner: "OwnerId",
});

/// A row in the making.
pub(super) struct Draft {
    values: Vec<Value>,
}

impl Draft {
    /// A row with an id and the defaults of its object.
    pub(super) fn new(object: &ObjectType, id: RecordId) -> Self {
        let mut values: Vec<Value> = object
            .fields
            .iter()
            .map(|field| field.default.clone())
            .collect();
        values[0] = Value::Id(id);
        Self { values }
    }

    /// Sets a column; one that the object does not have is left out.
    pub(super) fn set(&mut self, column: usize, value: Value) {
        if let Some(slot) = self.values.get_mut(column) {
            *slot = value;
        }
    }

    /// Sets a text.
    pub(super) fn text(&mut self, column: usize, text: &str) {
        self.set(column, Value::text(text));
    }

    /// What a column holds.
    pub(super) fn get(&self, column: usize) -> &Value {
        self.values.get(column).unwrap_or(&Value::Null)
    }

    /// Signs the row: who made and last changed it, and when.
    pub(super) fn sign(&mut self, audit: &Audit, user: RecordId, created: Stamp, changed: Stamp) {
        self.set(audit.created, Value::DateTime(created));
        self.set(audit.created_by, Value::Id(user));
        self.set(audit.modified, Value::DateTime(changed));
        self.set(audit.modified_by, Value::Id(user));
        self.set(audit.stamp, Value::DateTime(changed));
        self.set(audit.owner, Value::Id(user));
    }

    /// The row, in the recycle bin or not.
    pub(super) fn row(mut self, audit: &Audit, deleted: bool) -> Row {
        self.set(audit.deleted, Value::Bool(deleted));
        Row::new(self.values, deleted)
    }
}

//! Who asks, and what they may see and change.

use std::collections::HashMap;

use serde::Deserialize;

use super::describe::{Abilities, Field, Flag, ObjectType};
use super::ids::RecordId;
use super::table::Row;

/// A user of the org who can sign in.
#[derive(Debug, Clone)]
pub struct User {
    /// The id of the `User` row.
    pub id: RecordId,
    /// The name to sign in with.
    pub username: String,
    /// The IANA name of the time zone in which date literals are evaluated.
    pub timezone: String,
    /// What is taken away from an administrator's rights.
    pub permissions: Permissions,
}

/// An administrator's rights minus what is listed here. Names are kept in lower case.
#[derive(Debug, Clone, Default)]
pub struct Permissions {
    objects: HashMap<String, ObjectAccess>,
    fields: HashMap<(String, String), FieldAccess>,
    sees: HashMap<String, Sees>,
    records: HashMap<RecordId, RecordAccess>,
}

/// Which rows of an object sharing shows to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sees {
    /// None: the object is empty for them.
    None,
    /// Those that they own; those that they made, where rows have no owner.
    Own,
    /// Every row.
    All,
}

/// What a user may do with one row, whatever sharing says of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordAccess {
    /// Find and read it.
    pub read: bool,
    /// Change and delete it.
    pub edit: bool,
}

/// What a user may do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the four rights of a permission set, by name"
)]
pub struct ObjectAccess {
    /// See the object at all.
    pub read: bool,
    /// Create rows.
    pub create: bool,
    /// Change rows.
    pub edit: bool,
    /// Delete rows.
    pub delete: bool,
}

/// What a user may do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldAccess {
    /// See the field in describe, SELECT and answers.
    pub read: bool,
    /// Set it.
    pub edit: bool,
}

impl User {
    /// Whether sharing hides no row of an object from them.
    pub fn sees_all(&self, object: &ObjectType) -> bool {
        let permissions = &self.permissions;
        let named = |id: &RecordId| Some(id.prefix()) == object.key_prefix;
        permissions.sees_of(object) == Sees::All && !permissions.records.keys().any(named)
    }

    /// What sharing lets them do with a row.
    pub fn record(&self, object: &ObjectType, row: &Row) -> RecordAccess {
        let permissions = &self.permissions;
        let named = || permissions.records.get(&row.id()).copied();
        let named = if permissions.records.is_empty() {
            None
        } else {
            named()
        };
        named.unwrap_or_else(|| {
            let shared = match permissions.sees_of(object) {
                Sees::All => true,
                Sees::None => false,
                Sees::Own => owner(object, row) == Some(self.id),
            };
            RecordAccess {
                read: shared,
                edit: shared,
            }
        })
    }
}

fn owner(object: &ObjectType, row: &Row) -> Option<RecordId> {
    let at = object
        .index_of("OwnerId")
        .or_else(|| object.index_of("CreatedById"))?;
    row.get(at).as_id()
}

impl ObjectAccess {
    /// Everything.
    pub const FULL: Self = Self {
        read: true,
        create: true,
        edit: true,
        delete: true,
    };
}

impl Permissions {
    /// Sets what the user may do with an object.
    pub fn set_object(&mut self, object: &str, access: ObjectAccess) {
        self.objects.insert(object.to_ascii_lowercase(), access);
    }

    /// Sets what the user may do with a field.
    pub fn set_field(&mut self, object: &str, field: &str, access: FieldAccess) {
        let key = (object.to_ascii_lowercase(), field.to_ascii_lowercase());
        self.fields.insert(key, access);
    }

    /// Sets which rows of an object the user sees.
    pub fn set_sees(&mut self, object: &str, sees: Sees) {
        self.sees.insert(object.to_ascii_lowercase(), sees);
    }

    /// Sets what the user may do with one row.
    pub fn set_record(&mut self, id: RecordId, access: RecordAccess) {
        self.records.insert(id, access);
    }

    fn sees_of(&self, object: &ObjectType) -> Sees {
        if self.sees.is_empty() {
            return Sees::All;
        }
        let sees = self.sees.get(&object.name.to_ascii_lowercase());
        sees.copied().unwrap_or(Sees::All)
    }

    /// What the user may do with an object, the object's own abilities considered.
    pub fn object(&self, object: &ObjectType) -> ObjectAccess {
        let granted = self
            .objects
            .get(&object.name.to_ascii_lowercase())
            .copied()
            .unwrap_or(ObjectAccess::FULL);
        match object.abilities {
            Abilities::Data => granted,
            Abilities::ReadOnly => ObjectAccess {
                read: granted.read,
                create: false,
                edit: false,
                delete: false,
            },
        }
    }

    /// What the user may do with a field of an object they may read.
    ///
    /// A field that field-level security cannot hide (`Id`, required and audit fields) is always readable.
    pub fn field(&self, object: &ObjectType, field: &Field) -> FieldAccess {
        let full = FieldAccess {
            read: true,
            edit: true,
        };
        if self.fields.is_empty() || !field.is(Flag::Permissionable) {
            return full;
        }
        let key = (
            object.name.to_ascii_lowercase(),
            field.name.to_ascii_lowercase(),
        );
        self.fields.get(&key).copied().unwrap_or(full)
    }
}

//! Who asks, and what they may see and change.

use std::collections::HashMap;

use super::describe::{Abilities, Field, Flag, ObjectType};
use super::ids::RecordId;

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

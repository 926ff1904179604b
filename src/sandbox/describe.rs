//! What an object is: its fields with every attribute that a describe answer shows, and its relationships.

use std::collections::HashMap;

use super::value::Value;

/// A standard or custom object, fixed once the org is built.
#[derive(Debug, Clone)]
pub struct ObjectType {
    /// The API name, as describe spells it.
    pub name: String,
    /// The label in the singular.
    pub label: String,
    /// The label in the plural.
    pub label_plural: String,
    /// The first three characters of its ids; `None` for objects whose rows have none of their own.
    pub key_prefix: Option<[u8; 3]>,
    /// What may be done with the object at all.
    pub abilities: Abilities,
    /// The fields in describe order; `Id` is always the first.
    pub fields: Vec<Field>,
    /// Child objects whose rows point here; filled in by `Org::new`.
    pub children: Vec<ChildRelationship>,
    by_name: HashMap<String, usize>,
}

/// What an object allows, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abilities {
    /// Rows can be created, changed, deleted and asked for in `getUpdated` and `getDeleted`.
    Data,
    /// Rows can be read only.
    ReadOnly,
}

/// A child object of an object, as its describe lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRelationship {
    /// The child object's name.
    pub child_object: String,
    /// The child's reference field.
    pub field: String,
    /// The name a subquery uses; `None` where the relationship cannot be queried.
    pub relationship_name: Option<String>,
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// The API name, as describe spells it.
    pub name: String,
    /// The label.
    pub label: String,
    /// The type.
    pub kind: FieldType,
    /// Characters a text may have; 18 for ids; 0 for everything else.
    pub length: u32,
    /// Digits of a decimal number; 0 otherwise.
    pub precision: u8,
    /// Digits behind the point; 0 otherwise.
    pub scale: u8,
    /// Digits of an `int`; 0 otherwise.
    pub digits: u8,
    flags: u32,
    /// The compound field this one is a part of (`Name`, `Address`).
    pub compound: Option<String>,
    /// The objects a reference may point to; more than one makes it polymorphic.
    pub reference_to: Vec<String>,
    /// The name of the parent in a path (`Owner` for `OwnerId`).
    pub relationship_name: Option<String>,
    /// The name of this field's rows in a subquery of the parent (`Tasks`).
    pub child_relationship: Option<String>,
    /// The values of a picklist, in their order.
    pub picklist: Vec<PicklistValue>,
    /// What a row gets that is created without a value.
    pub default: Value,
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PicklistValue {
    /// The value; the label is the same.
    pub value: String,
    /// Whether a row without a value gets this one.
    pub default: bool,
}

/// A yes-or-no attribute of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// May be null.
    Nillable,
    /// May be set when a row is created.
    Createable,
    /// May be changed later.
    Updateable,
    /// No two rows may have the same value.
    Unique,
    /// Usable as the key of an upsert.
    ExternalId,
    /// Usable to look a row up in an upsert's parent reference.
    IdLookup,
    /// Compared with regard to case.
    CaseSensitive,
    /// A formula or roll-up.
    Calculated,
    /// Numbered by the platform.
    AutoNumber,
    /// The field that names the row.
    NameField,
    /// Set by the platform where a new row leaves it out.
    DefaultedOnCreate,
    /// Usable in WHERE.
    Filterable,
    /// Usable in ORDER BY.
    Sortable,
    /// Usable in GROUP BY.
    Groupable,
    /// Made by the org's people, not by Salesforce.
    Custom,
    /// Refuses picklist values that are not listed.
    RestrictedPicklist,
    /// Can be hidden by field-level security.
    Permissionable,
}

/// A field's type, as describe names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each variant is the describe word of the same spelling"
)]
pub enum FieldType {
    Id,
    String,
    TextArea,
    Email,
    Phone,
    Url,
    Picklist,
    MultiPicklist,
    Combobox,
    Reference,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Time,
    Address,
}

impl FieldType {
    /// The word in `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            FieldType::Id => "id",
            FieldType::String => "string",
            FieldType::TextArea => "textarea",
            FieldType::Email => "email",
            FieldType::Phone => "phone",
            FieldType::Url => "url",
            FieldType::Picklist => "picklist",
            FieldType::MultiPicklist => "multipicklist",
            FieldType::Combobox => "combobox",
            FieldType::Reference => "reference",
            FieldType::Boolean => "boolean",
            FieldType::Int => "int",
            FieldType::Double => "double",
            FieldType::Currency => "currency",
            FieldType::Percent => "percent",
            FieldType::Date => "date",
            FieldType::DateTime => "datetime",
            FieldType::Time => "time",
            FieldType::Address => "address",
        }
    }

    /// The word in `soapType`.
    pub const fn soap(self) -> &'static str {
        match self {
            FieldType::Id | FieldType::Reference => "tns:ID",
            FieldType::Boolean => "xsd:boolean",
            FieldType::Int => "xsd:int",
            FieldType::Double | FieldType::Currency | FieldType::Percent => "xsd:double",
            FieldType::Date => "xsd:date",
            FieldType::DateTime => "xsd:dateTime",
            FieldType::Time => "xsd:time",
            FieldType::Address => "urn:address",
            _ => "xsd:string",
        }
    }

    /// Whether values are texts (picklists among them), so that `LIKE` applies.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            FieldType::String
                | FieldType::TextArea
                | FieldType::Email
                | FieldType::Phone
                | FieldType::Url
                | FieldType::Picklist
                | FieldType::MultiPicklist
                | FieldType::Combobox
        )
    }

    /// Whether values are numbers.
    pub const fn is_number(self) -> bool {
        matches!(
            self,
            FieldType::Int | FieldType::Double | FieldType::Currency | FieldType::Percent
        )
    }
}

impl ObjectType {
    /// An object with its fields; `children` stays empty until an org is built of it.
    pub fn new(
        name: &str,
        label: &str,
        plural: &str,
        prefix: &[u8; 3],
        fields: Vec<Field>,
    ) -> Self {
        let by_name = fields
            .iter()
            .enumerate()
            .map(|(at, field)| (field.name.to_ascii_lowercase(), at))
            .collect();
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            label_plural: plural.to_owned(),
            key_prefix: Some(*prefix),
            abilities: Abilities::Data,
            fields,
            children: Vec::new(),
            by_name,
        }
    }

    /// The same object, readable only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.abilities = Abilities::ReadOnly;
        self
    }

    /// The same object, whose rows have ids without a prefix of their own.
    #[must_use]
    pub fn without_prefix(mut self) -> Self {
        self.key_prefix = None;
        self
    }

    /// Whether the org's people made the object.
    pub fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// Where a field stands in [`ObjectType::fields`] and in a row's values; case does not matter.
    pub fn index_of(&self, field: &str) -> Option<usize> {
        self.by_name
            .get(field)
            .copied()
            .or_else(|| self.by_name.get(&field.to_ascii_lowercase()).copied())
    }

    /// A field by name; case does not matter.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.index_of(name).map(|at| &self.fields[at])
    }

    /// The reference field behind the first word of a path (`Owner` gives `OwnerId`); case does not matter.
    pub fn parent(&self, relationship: &str) -> Option<usize> {
        self.fields.iter().position(|field| {
            field
                .relationship_name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
    }

    /// The child relationship behind the FROM of a subquery; case does not matter.
    pub fn child(&self, relationship: &str) -> Option<&ChildRelationship> {
        self.children.iter().find(|child| {
            child
                .relationship_name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
    }

    /// The field that names a row (`Name`, `Subject`).
    pub fn name_field(&self) -> Option<usize> {
        self.fields
            .iter()
            .position(|field| field.is(Flag::NameField))
    }
}

impl Field {
    /// A field of a type with the attributes that most fields of it have: nillable, createable, updateable,
    /// filterable, sortable, groupable.
    pub fn new(name: &str, label: &str, kind: FieldType) -> Self {
        let (length, precision, scale, digits) = match kind {
            FieldType::Id | FieldType::Reference => (18, 0, 0, 0),
            FieldType::Int => (0, 0, 0, 9),
            FieldType::Double | FieldType::Currency => (0, 18, 2, 0),
            FieldType::Percent => (0, 5, 2, 0),
            FieldType::Email => (80, 0, 0, 0),
            FieldType::Phone => (40, 0, 0, 0),
            FieldType::Url | FieldType::Picklist => (255, 0, 0, 0),
            _ => (0, 0, 0, 0),
        };
        let mut flags = 0;
        for flag in [
            Flag::Nillable,
            Flag::Createable,
            Flag::Updateable,
            Flag::Filterable,
            Flag::Sortable,
            Flag::Groupable,
            Flag::Permissionable,
        ] {
            flags |= 1 << flag as u32;
        }
        let mut field = Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            length,
            precision,
            scale,
            digits,
            flags,
            compound: None,
            reference_to: Vec::new(),
            relationship_name: None,
            child_relationship: None,
            picklist: Vec::new(),
            default: Value::Null,
        };
        match kind {
            FieldType::Boolean => {
                field.default = Value::Bool(false);
                field = field.without(Flag::Nillable).with(Flag::DefaultedOnCreate);
            }
            FieldType::Double | FieldType::Currency | FieldType::Percent | FieldType::DateTime => {
                field = field.without(Flag::Groupable);
            }
            FieldType::Address => {
                for flag in [
                    Flag::Createable,
                    Flag::Updateable,
                    Flag::Filterable,
                    Flag::Sortable,
                    Flag::Groupable,
                ] {
                    field = field.without(flag);
                }
            }
            FieldType::MultiPicklist => {
                field = field.without(Flag::Sortable).without(Flag::Groupable);
            }
            _ => {}
        }
        if name.ends_with("__c") {
            field.with(Flag::Custom)
        } else {
            field
        }
    }

    /// Whether an attribute holds.
    pub const fn is(&self, flag: Flag) -> bool {
        self.flags & (1 << flag as u32) != 0
    }

    /// The same field with an attribute.
    #[must_use]
    pub const fn with(mut self, flag: Flag) -> Self {
        self.flags |= 1 << flag as u32;
        self
    }

    /// The same field without an attribute.
    #[must_use]
    pub const fn without(mut self, flag: Flag) -> Self {
        self.flags &= !(1 << flag as u32);
        self
    }

    /// The same field, set by the platform alone.
    #[must_use]
    pub const fn system(self) -> Self {
        self.without(Flag::Createable)
            .without(Flag::Updateable)
            .without(Flag::Nillable)
            .without(Flag::Permissionable)
            .with(Flag::DefaultedOnCreate)
    }

    /// The same field, readable only and possibly null.
    #[must_use]
    pub const fn derived(self) -> Self {
        self.without(Flag::Createable).without(Flag::Updateable)
    }

    /// The same field, which every row must have.
    #[must_use]
    pub const fn required(self) -> Self {
        self.without(Flag::Nillable).without(Flag::Permissionable)
    }

    /// The same field, at most `length` characters long.
    #[must_use]
    pub const fn length(mut self, length: u32) -> Self {
        self.length = length;
        self
    }

    /// The same field with `precision` digits, `scale` of them behind the point.
    #[must_use]
    pub const fn digits(mut self, precision: u8, scale: u8) -> Self {
        self.precision = precision;
        self.scale = scale;
        self
    }

    /// The same field as a part of a compound field.
    #[must_use]
    pub fn part_of(mut self, compound: &str) -> Self {
        self.compound = Some(compound.to_owned());
        self
    }

    /// The same field with a default for new rows.
    #[must_use]
    pub fn default_value(mut self, value: Value) -> Self {
        self.default = value;
        self.with(Flag::DefaultedOnCreate)
    }

    /// The same field with picklist values; one that starts with `*` is the default.
    #[must_use]
    pub fn values(mut self, values: &[&str]) -> Self {
        for value in values {
            let plain = value.trim_start_matches('*');
            let default = plain.len() < value.len();
            if default {
                self = self.default_value(Value::text(plain));
            }
            self.picklist.push(PicklistValue {
                value: plain.to_owned(),
                default,
            });
        }
        self
    }

    /// The same reference field: what it points to, and its name in paths and in the parents' subqueries.
    #[must_use]
    pub fn points_to(mut self, objects: &[&str], parent: &str, children: Option<&str>) -> Self {
        self.reference_to = objects.iter().map(|&name| name.to_owned()).collect();
        self.relationship_name = Some(parent.to_owned());
        self.child_relationship = children.map(str::to_owned);
        self
    }
}

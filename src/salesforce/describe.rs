//! What an org says about its objects and fields, in Salesforce's own JSON spelling.
//!
//! A committed snapshot is the same JSON with the members bridged does not use left out. Names and meaning of the
//! members: REST API Developer Guide, "sObject Describe" and "Describe Global".

use serde::{Deserialize, Serialize};

/// One object with its fields and relationships.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the answer's own members, each a yes or no of its own"
)]
pub struct ObjectDescribe {
    /// API name: `Lead`, `Conversation__c`.
    pub name: String,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// Whether the org made it.
    #[serde(default)]
    pub custom: bool,
    /// The first three characters of its ids, where it has any.
    #[serde(default)]
    pub key_prefix: Option<String>,
    /// Whether the signed-in user may query it.
    #[serde(default)]
    pub queryable: bool,
    /// Whether the signed-in user may create rows.
    #[serde(default)]
    pub createable: bool,
    /// Whether the signed-in user may change rows.
    #[serde(default)]
    pub updateable: bool,
    /// Whether changed and deleted rows can be listed for a span of time.
    #[serde(default)]
    pub replicateable: bool,
    /// The fields the signed-in user can see; field-level security hides the others.
    #[serde(default)]
    pub fields: Vec<FieldDescribe>,
    /// The objects that point at this one.
    #[serde(default)]
    pub child_relationships: Vec<ChildRelationship>,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the answer's own members, each a yes or no of its own"
)]
pub struct FieldDescribe {
    /// API name.
    pub name: String,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// The most characters a text holds; 0 for other types.
    #[serde(default)]
    pub length: u32,
    /// All digits of a decimal number; 0 for other types.
    #[serde(default)]
    pub precision: u32,
    /// The digits behind the decimal point.
    #[serde(default)]
    pub scale: u32,
    /// Whether it may be empty when written; says nothing reliable about what is read.
    #[serde(default)]
    pub nillable: bool,
    /// Whether the signed-in user may set it on a new row.
    #[serde(default)]
    pub createable: bool,
    /// Whether the signed-in user may change it.
    #[serde(default)]
    pub updateable: bool,
    /// Whether a row created without it gets a value, so that it may be left out although it is not nillable.
    #[serde(default)]
    pub defaulted_on_create: bool,
    /// Whether no two rows may share a value.
    #[serde(default)]
    pub unique: bool,
    /// Whether it is marked as an external id.
    #[serde(default)]
    pub external_id: bool,
    /// Whether an upsert may match on it.
    #[serde(default)]
    pub id_lookup: bool,
    /// Whether it is a formula or a summary.
    #[serde(default)]
    pub calculated: bool,
    /// Whether a WHERE clause may name it.
    #[serde(default)]
    pub filterable: bool,
    /// Whether an ORDER BY clause may name it.
    #[serde(default)]
    pub sortable: bool,
    /// The objects a reference may point at; more than one for a polymorphic reference.
    #[serde(default)]
    pub reference_to: Vec<String>,
    /// The name under which a query reaches the parent: `Owner`, `Parent__r`.
    #[serde(default)]
    pub relationship_name: Option<String>,
    /// The values of a picklist.
    #[serde(default)]
    pub picklist_values: Vec<PicklistValue>,
    /// Whether a picklist refuses values that are not in its list.
    #[serde(default)]
    pub restricted_picklist: bool,
    /// The compound field (`MailingAddress`, `Name`) this field is a part of.
    #[serde(default)]
    pub compound_field_name: Option<String>,
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PicklistValue {
    /// What is stored and sent.
    pub value: String,
    /// What people see.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether it can still be chosen.
    #[serde(default)]
    pub active: bool,
    /// Whether a new row starts with it.
    #[serde(default)]
    pub default_value: bool,
}

/// A relationship from another object to this one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChildRelationship {
    /// The name a child subquery uses (`Tasks`, `Kids__r`); `None` where it cannot be queried.
    #[serde(default)]
    pub relationship_name: Option<String>,
    /// The object that points here.
    #[serde(rename = "childSObject")]
    pub child_object: String,
    /// Its reference field.
    pub field: String,
}

/// What the list of all objects says about one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the answer's own members, each a yes or no of its own"
)]
pub struct ObjectSummary {
    /// API name.
    pub name: String,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// Whether the org made it.
    #[serde(default)]
    pub custom: bool,
    /// The first three characters of its ids, where it has any.
    #[serde(default)]
    pub key_prefix: Option<String>,
    /// Whether the signed-in user may query it.
    #[serde(default)]
    pub queryable: bool,
    /// Whether the signed-in user may create rows.
    #[serde(default)]
    pub createable: bool,
    /// Whether the signed-in user may change rows.
    #[serde(default)]
    pub updateable: bool,
    /// Whether changed and deleted rows can be listed for a span of time.
    #[serde(default)]
    pub replicateable: bool,
}

impl ObjectDescribe {
    /// A field by API name, without regard to case.
    pub fn field(&self, name: &str) -> Option<&FieldDescribe> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The reference field behind a parent relationship (`Owner`, `Parent__r`), without regard to case.
    pub fn parent(&self, relationship: &str) -> Option<&FieldDescribe> {
        self.fields.iter().find(|field| {
            field
                .relationship_name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
    }

    /// The child relationship of a name (`Tasks`, `Kids__r`), without regard to case.
    pub fn child(&self, relationship: &str) -> Option<&ChildRelationship> {
        self.child_relationships.iter().find(|child| {
            child
                .relationship_name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
    }
}

macro_rules! field_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The type of a field, as describe names it.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum FieldType {
            $($(#[$doc])* $variant,)*
            /// A type this list does not know, as it was spelled.
            Other(String),
        }

        impl FieldType {
            /// The name in a describe answer.
            pub fn as_str(&self) -> &str {
                match self {
                    $(FieldType::$variant => $name,)*
                    FieldType::Other(name) => name,
                }
            }
        }

        impl From<String> for FieldType {
            fn from(name: String) -> Self {
                match name.as_str() {
                    $($name => FieldType::$variant,)*
                    _ => FieldType::Other(name),
                }
            }
        }
    };
}

field_types! {
    /// A record's own id.
    Id = "id",
    /// One line of text.
    #[default]
    String = "string",
    /// Several lines of text.
    Textarea = "textarea",
    /// An e-mail address.
    Email = "email",
    /// A telephone number, as typed.
    Phone = "phone",
    /// A web address.
    Url = "url",
    /// One value of a list.
    Picklist = "picklist",
    /// Several values of a list, joined by semicolons.
    Multipicklist = "multipicklist",
    /// A value of a list, or free text.
    Combobox = "combobox",
    /// The id of another record.
    Reference = "reference",
    /// True or false, never empty.
    Boolean = "boolean",
    /// A whole number of 32 bits.
    Int = "int",
    /// A whole number of 64 bits.
    Long = "long",
    /// A number.
    Double = "double",
    /// An amount of money.
    Currency = "currency",
    /// A percentage: 12.5 means 12.5 %.
    Percent = "percent",
    /// A calendar date.
    Date = "date",
    /// An instant, to the second.
    Datetime = "datetime",
    /// A time of day.
    Time = "time",
    /// Bytes in base64; a query answers with a path to them.
    Base64 = "base64",
    /// A compound of street, city and so on; read only.
    Address = "address",
    /// A compound of latitude and longitude; read only.
    Location = "location",
    /// Text that is stored encrypted.
    EncryptedString = "encryptedstring",
    /// A value of any simple type.
    AnyType = "anyType",
    /// A nested value.
    ComplexValue = "complexvalue",
    /// A reference to a group of data categories.
    DataCategoryGroupReference = "datacategorygroupreference",
    /// A JSON document.
    Json = "json",
}

impl From<FieldType> for String {
    fn from(kind: FieldType) -> Self {
        match kind {
            FieldType::Other(name) => name,
            known => known.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snapshot_is_a_subset_of_the_answer() {
        let answer = json!({
            "name": "Lead", "label": "Lead", "custom": false, "keyPrefix": "00Q", "queryable": true,
            "createable": true, "updateable": true, "replicateable": true, "urls": {"sobject": "/x"},
            "fields": [{
                "name": "OwnerId", "label": "Owner", "type": "reference", "length": 18, "precision": 0, "scale": 0,
                "nillable": false, "createable": true, "updateable": true, "defaultedOnCreate": true,
                "unique": false, "externalId": false, "idLookup": false, "calculated": false, "filterable": true,
                "sortable": true, "referenceTo": ["Group", "User"], "relationshipName": "Owner",
                "picklistValues": [], "restrictedPicklist": false, "compoundFieldName": null, "soapType": "tns:ID"
            }, {
                "name": "Rating", "type": "picklist", "picklistValues": [
                    {"active": true, "defaultValue": false, "label": "Hot", "validFor": null, "value": "Hot"}
                ]
            }, {"name": "Odd__c", "type": "hologram"}],
            "childRelationships": [
                {"cascadeDelete": true, "childSObject": "Task", "field": "WhoId", "relationshipName": "Tasks"},
                {"childSObject": "LeadHistory", "field": "LeadId", "relationshipName": null}
            ]
        });
        let lead: ObjectDescribe = serde_json::from_value(answer.clone()).unwrap();
        assert_eq!(lead.field("ownerid").unwrap().kind, FieldType::Reference);
        assert_eq!(lead.parent("OWNER").unwrap().name, "OwnerId");
        assert_eq!(lead.child("tasks").unwrap().child_object, "Task");
        assert!(lead.child("LeadHistory").is_none());
        assert_eq!(
            lead.field("Odd__c").unwrap().kind.as_str(),
            "hologram",
            "an unknown type keeps its name"
        );

        let snapshot = serde_json::to_value(&lead).unwrap();
        for (name, value) in snapshot["fields"][0].as_object().unwrap() {
            assert_eq!(Some(value), answer["fields"][0].get(name), "{name}");
        }
        assert_eq!(
            serde_json::from_value::<ObjectDescribe>(snapshot).unwrap(),
            lead
        );
    }
}

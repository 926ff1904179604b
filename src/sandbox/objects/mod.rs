//! The objects of the sandbox's org, field by field, as a describe answer lists them.
//!
//! Source: "Object Reference for the Salesforce Platform" (types, lengths, relationship names) for the standard
//! objects; the custom fields and `Conversation__c` are what the guide has an administrator add.

mod account;
mod campaign;
mod contact;
mod conversation;
mod lead;
mod setup;
mod task;

use super::describe::{Field, FieldType, Flag, ObjectType};

/// Every object of the org.
pub(super) fn all() -> Vec<ObjectType> {
    vec![
        account::account(),
        campaign::campaign(),
        campaign::campaign_member(),
        contact::contact(),
        conversation::conversation(),
        setup::entity_definition(),
        lead::lead(),
        setup::lead_status(),
        setup::organization(),
        setup::profile(),
        task::task(),
        setup::user(),
    ]
}

/// The values of `LeadSource`, on Lead and on Contact.
const LEAD_SOURCES: [&str; 5] = [
    "Web",
    "Phone Inquiry",
    "Partner Referral",
    "Purchased List",
    "Other",
];

/// The values of `Industry`, on Lead and on Account.
const INDUSTRIES: [&str; 32] = [
    "Agriculture",
    "Apparel",
    "Banking",
    "Biotechnology",
    "Chemicals",
    "Communications",
    "Construction",
    "Consulting",
    "Education",
    "Electronics",
    "Energy",
    "Engineering",
    "Entertainment",
    "Environmental",
    "Finance",
    "Food & Beverage",
    "Government",
    "Healthcare",
    "Hospitality",
    "Insurance",
    "Machinery",
    "Manufacturing",
    "Media",
    "Not For Profit",
    "Recreation",
    "Retail",
    "Shipping",
    "Technology",
    "Telecommunications",
    "Transportation",
    "Utilities",
    "Other",
];

/// The values of `Rating`, on Lead and on Account.
const RATINGS: [&str; 3] = ["Hot", "Warm", "Cold"];

/// The values of `Salutation` of people.
const SALUTATIONS: [&str; 6] = ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."];

/// A text of one line.
fn text(name: &str, label: &str, length: u32) -> Field {
    Field::new(name, label, FieldType::String).length(length)
}

/// A text of several lines; a long one can neither be filtered nor sorted.
fn textarea(name: &str, label: &str, length: u32) -> Field {
    let field = Field::new(name, label, FieldType::TextArea).length(length);
    if length <= 255 {
        return field;
    }
    field
        .without(Flag::Filterable)
        .without(Flag::Sortable)
        .without(Flag::Groupable)
}

fn picklist(name: &str, label: &str, values: &[&str]) -> Field {
    Field::new(name, label, FieldType::Picklist).values(values)
}

fn of(kind: FieldType, name: &str, label: &str) -> Field {
    Field::new(name, label, kind)
}

/// The id of another row: what it may point to, and the parent's name in paths.
fn reference(name: &str, label: &str, objects: &[&str], parent: &str) -> Field {
    Field::new(name, label, FieldType::Reference).points_to(objects, parent, None)
}

/// The same, with a name in subqueries of the parent.
fn child_of(name: &str, label: &str, parent: (&str, &str), children: &str) -> Field {
    let (object, path) = parent;
    Field::new(name, label, FieldType::Reference).points_to(&[object], path, Some(children))
}

/// The owner, a user: a new row belongs to the one who makes it.
fn owner() -> Field {
    reference("OwnerId", "Owner ID", &["User"], "Owner")
        .without(Flag::Nillable)
        .without(Flag::Permissionable)
        .with(Flag::DefaultedOnCreate)
}

fn id(label: &str) -> Field {
    of(FieldType::Id, "Id", label).system().with(Flag::IdLookup)
}

fn is_deleted() -> Field {
    of(FieldType::Boolean, "IsDeleted", "Deleted").system()
}

/// The name of a person, made of its parts.
fn person_name(last_name: u32) -> Vec<Field> {
    vec![
        text("LastName", "Last Name", last_name)
            .required()
            .part_of("Name"),
        text("FirstName", "First Name", 40).part_of("Name"),
        picklist("Salutation", "Salutation", &SALUTATIONS).part_of("Name"),
        text("Name", "Full Name", 121)
            .derived()
            .without(Flag::Nillable)
            .with(Flag::NameField),
    ]
}

/// The five parts of an address and the compound field that joins them.
fn address(prefix: &str, label: &str) -> Vec<Field> {
    let compound = format!("{prefix}Address");
    let name = |part: &str| format!("{prefix}{part}");
    let label = |part: &str| format!("{label}{part}");
    vec![
        Field::new(&name("Street"), &label("Street"), FieldType::TextArea)
            .length(255)
            .part_of(&compound),
        text(&name("City"), &label("City"), 40).part_of(&compound),
        text(&name("State"), &label("State/Province"), 80).part_of(&compound),
        text(&name("PostalCode"), &label("Zip/Postal Code"), 20).part_of(&compound),
        text(&name("Country"), &label("Country"), 80).part_of(&compound),
        Field::new(&compound, &label("Address"), FieldType::Address).derived(),
    ]
}

/// Who made the row and who changed it, and when.
fn audit() -> Vec<Field> {
    vec![
        of(FieldType::DateTime, "CreatedDate", "Created Date").system(),
        reference("CreatedById", "Created By ID", &["User"], "CreatedBy").system(),
        of(
            FieldType::DateTime,
            "LastModifiedDate",
            "Last Modified Date",
        )
        .system(),
        reference(
            "LastModifiedById",
            "Last Modified By ID",
            &["User"],
            "LastModifiedBy",
        )
        .system(),
        of(FieldType::DateTime, "SystemModstamp", "System Modstamp").system(),
    ]
}

/// The key under which bridged writes a row: an external id, unique without regard to case.
fn bridged_id() -> Field {
    text("Bridged_Id__c", "Bridged Id", 64)
        .with(Flag::ExternalId)
        .with(Flag::Unique)
        .with(Flag::IdLookup)
}

//! The object Contact.

use super::{
    LEAD_SOURCES, address, audit, child_of, id, is_deleted, of, owner, person_name, picklist,
    reference, text, textarea,
};
use crate::sandbox::describe::{FieldType, Flag, ObjectType};

pub(super) fn contact() -> ObjectType {
    let mut fields = vec![
        id("Contact ID"),
        is_deleted(),
        reference(
            "MasterRecordId",
            "Master Record ID",
            &["Contact"],
            "MasterRecord",
        )
        .derived(),
        child_of(
            "AccountId",
            "Account ID",
            ("Account", "Account"),
            "Contacts",
        ),
    ];
    fields.extend(person_name(80));
    fields.extend(address("Mailing", "Mailing "));
    fields.extend([
        of(FieldType::Phone, "Phone", "Business Phone"),
        of(FieldType::Phone, "MobilePhone", "Mobile Phone"),
        of(FieldType::Email, "Email", "Email").with(Flag::IdLookup),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        picklist("LeadSource", "Lead Source", &LEAD_SOURCES),
        of(FieldType::Date, "Birthdate", "Birthdate"),
        textarea("Description", "Description", 32_000),
        owner(),
        of(FieldType::Boolean, "HasOptedOutOfEmail", "Email Opt Out"),
        of(FieldType::Boolean, "DoNotCall", "Do Not Call"),
    ]);
    fields.extend(audit());
    fields.extend([
        of(FieldType::Date, "LastActivityDate", "Last Activity").derived(),
        of(FieldType::Boolean, "WhatsApp_Opt_In__c", "WhatsApp Opt In"),
    ]);
    ObjectType::new("Contact", "Contact", "Contacts", b"003", fields)
}

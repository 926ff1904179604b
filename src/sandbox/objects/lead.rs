//! The object Lead, with the fields that bridged adds to it.

use super::{
    INDUSTRIES, LEAD_SOURCES, RATINGS, address, audit, bridged_id, id, is_deleted, of, owner,
    person_name, picklist, reference, text, textarea,
};
use crate::sandbox::describe::{FieldType, Flag, ObjectType};

/// The values of `Status`; the last one is that of converted leads.
pub(super) const STATUSES: [&str; 5] = [
    "*Open - Not Contacted",
    "Working - Contacted",
    "Qualified",
    "Closed - Not Converted",
    "Closed - Converted",
];

pub(super) fn lead() -> ObjectType {
    let mut fields = vec![
        id("Lead ID"),
        is_deleted(),
        reference(
            "MasterRecordId",
            "Master Record ID",
            &["Lead"],
            "MasterRecord",
        )
        .derived(),
    ];
    fields.extend(person_name(80));
    fields.extend([
        text("Title", "Title", 128),
        text("Company", "Company", 255).required(),
    ]);
    fields.extend(address("", ""));
    fields.extend([
        of(FieldType::Phone, "Phone", "Phone"),
        of(FieldType::Phone, "MobilePhone", "Mobile Phone"),
        of(FieldType::Phone, "Fax", "Fax"),
        of(FieldType::Email, "Email", "Email").with(Flag::IdLookup),
        of(FieldType::Url, "Website", "Website"),
        textarea("Description", "Description", 32_000),
        picklist("LeadSource", "Lead Source", &LEAD_SOURCES),
        picklist("Status", "Status", &STATUSES).required(),
        picklist("Industry", "Industry", &INDUSTRIES),
        picklist("Rating", "Rating", &RATINGS),
        of(FieldType::Currency, "AnnualRevenue", "Annual Revenue").digits(18, 0),
        of(FieldType::Int, "NumberOfEmployees", "Employees"),
        owner(),
        of(FieldType::Boolean, "HasOptedOutOfEmail", "Email Opt Out"),
        of(FieldType::Boolean, "DoNotCall", "Do Not Call"),
    ]);
    fields.extend(conversion());
    fields.extend(audit());
    fields.extend([
        of(FieldType::Date, "LastActivityDate", "Last Activity").derived(),
        text("EmailBouncedReason", "Email Bounced Reason", 255).derived(),
        of(
            FieldType::DateTime,
            "EmailBouncedDate",
            "Email Bounced Date",
        )
        .derived(),
        bridged_id(),
        of(FieldType::Double, "Lead_Score__c", "Lead Score").digits(3, 0),
        textarea("Score_Reasons__c", "Score Reasons", 32_768),
        of(FieldType::Boolean, "WhatsApp_Opt_In__c", "WhatsApp Opt In"),
    ]);
    ObjectType::new("Lead", "Lead", "Leads", b"00Q", fields)
}

/// What conversion leaves behind; no API call but `convertLead` sets these.
fn conversion() -> Vec<crate::sandbox::describe::Field> {
    vec![
        of(FieldType::Boolean, "IsConverted", "Converted").system(),
        of(FieldType::Date, "ConvertedDate", "Converted Date").derived(),
        reference(
            "ConvertedAccountId",
            "Converted Account ID",
            &["Account"],
            "ConvertedAccount",
        )
        .derived(),
        reference(
            "ConvertedContactId",
            "Converted Contact ID",
            &["Contact"],
            "ConvertedContact",
        )
        .derived(),
        of(FieldType::Boolean, "IsUnreadByOwner", "Unread By Owner")
            .default_value(crate::sandbox::value::Value::Bool(true)),
    ]
}

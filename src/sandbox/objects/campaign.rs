//! The objects Campaign and `CampaignMember`.

use super::{audit, child_of, id, is_deleted, of, owner, picklist, text, textarea};
use crate::sandbox::describe::{FieldType, Flag, ObjectType};

pub(super) fn campaign() -> ObjectType {
    let mut fields = vec![
        id("Campaign ID"),
        is_deleted(),
        text("Name", "Name", 80).required().with(Flag::NameField),
        picklist(
            "Type",
            "Type",
            &["Conference", "Webinar", "Email", "Telemarketing", "Other"],
        ),
        picklist(
            "Status",
            "Status",
            &["*Planned", "In Progress", "Completed", "Aborted"],
        ),
        of(FieldType::Date, "StartDate", "Start Date"),
        of(FieldType::Date, "EndDate", "End Date"),
        of(FieldType::Currency, "BudgetedCost", "Budgeted Cost").digits(18, 0),
        of(
            FieldType::Percent,
            "ExpectedResponse",
            "Expected Response (%)",
        )
        .digits(10, 2),
        of(FieldType::Boolean, "IsActive", "Active"),
        textarea("Description", "Description", 32_000),
        owner(),
    ];
    fields.extend(audit());
    ObjectType::new("Campaign", "Campaign", "Campaigns", b"701", fields)
}

pub(super) fn campaign_member() -> ObjectType {
    let mut fields = vec![
        id("Campaign Member ID"),
        is_deleted(),
        child_of(
            "CampaignId",
            "Campaign ID",
            ("Campaign", "Campaign"),
            "CampaignMembers",
        )
        .required()
        .without(Flag::Updateable),
        child_of("LeadId", "Lead ID", ("Lead", "Lead"), "CampaignMembers"),
        child_of(
            "ContactId",
            "Contact ID",
            ("Contact", "Contact"),
            "CampaignMembers",
        ),
        picklist("Status", "Status", &["*Sent", "Responded"]),
        of(FieldType::Boolean, "HasResponded", "Responded").system(),
        of(
            FieldType::Date,
            "FirstRespondedDate",
            "First Responded Date",
        )
        .derived(),
    ];
    fields.extend(audit());
    ObjectType::new(
        "CampaignMember",
        "Campaign Member",
        "Campaign Members",
        b"00v",
        fields,
    )
}

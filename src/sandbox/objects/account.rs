//! The object Account.

use super::{
    INDUSTRIES, RATINGS, address, audit, child_of, id, is_deleted, of, owner, picklist, reference,
    text, textarea,
};
use crate::sandbox::describe::{FieldType, Flag, ObjectType};

pub(super) fn account() -> ObjectType {
    let mut fields = vec![
        id("Account ID"),
        is_deleted(),
        reference(
            "MasterRecordId",
            "Master Record ID",
            &["Account"],
            "MasterRecord",
        )
        .derived(),
        text("Name", "Account Name", 255)
            .required()
            .with(Flag::NameField),
        picklist(
            "Type",
            "Account Type",
            &[
                "Prospect",
                "Customer - Direct",
                "Customer - Channel",
                "Channel Partner / Reseller",
                "Other",
            ],
        ),
        child_of(
            "ParentId",
            "Parent Account ID",
            ("Account", "Parent"),
            "ChildAccounts",
        ),
    ];
    fields.extend(address("Billing", "Billing "));
    fields.extend([
        of(FieldType::Phone, "Phone", "Account Phone"),
        text("AccountNumber", "Account Number", 40),
        of(FieldType::Url, "Website", "Website"),
        picklist("Industry", "Industry", &INDUSTRIES),
        of(FieldType::Currency, "AnnualRevenue", "Annual Revenue").digits(18, 0),
        of(FieldType::Int, "NumberOfEmployees", "Employees"),
        textarea("Description", "Account Description", 32_000),
        picklist("Rating", "Account Rating", &RATINGS),
        owner(),
    ]);
    fields.extend(audit());
    fields.push(of(FieldType::Date, "LastActivityDate", "Last Activity").derived());
    ObjectType::new("Account", "Account", "Accounts", b"001", fields)
}

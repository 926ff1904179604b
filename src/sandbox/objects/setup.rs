//! The objects that clients ask for before they do anything: users, the org itself, definitions.

use super::{audit, id, of, reference, text};
use crate::sandbox::describe::{FieldType, Flag, ObjectType};

pub(super) fn user() -> ObjectType {
    let mut fields = vec![
        id("User ID"),
        text("Username", "Username", 80)
            .required()
            .with(Flag::IdLookup),
        text("LastName", "Last Name", 80).required().part_of("Name"),
        text("FirstName", "First Name", 40).part_of("Name"),
        text("Name", "Full Name", 121)
            .derived()
            .without(Flag::Nillable)
            .with(Flag::NameField),
        text("CompanyName", "Company Name", 80),
        text("Title", "Title", 80),
        of(FieldType::Email, "Email", "Email")
            .length(128)
            .required(),
        text("Alias", "Alias", 8).required(),
        text("CommunityNickname", "Nickname", 40).required(),
        of(FieldType::Boolean, "IsActive", "Active"),
        text("TimeZoneSidKey", "Time Zone", 40).required(),
        text("LocaleSidKey", "Locale", 40).required(),
        text("LanguageLocaleKey", "Language", 40).required(),
        text("EmailEncodingKey", "Email Encoding", 40).required(),
        text("UserType", "User Type", 40).derived(),
        reference("ProfileId", "Profile ID", &["Profile"], "Profile").required(),
    ];
    fields.extend(audit());
    ObjectType::new("User", "User", "Users", b"005", fields).read_only()
}

pub(super) fn profile() -> ObjectType {
    let mut fields = vec![
        id("Profile ID"),
        text("Name", "Name", 255).required().with(Flag::NameField),
        text("UserType", "User Type", 40).derived(),
        of(FieldType::Boolean, "PermissionsApiEnabled", "API Enabled"),
        of(
            FieldType::Boolean,
            "PermissionsApiUserOnly",
            "API Only User",
        ),
    ];
    fields.extend(audit());
    ObjectType::new("Profile", "Profile", "Profiles", b"00e", fields).read_only()
}

pub(super) fn organization() -> ObjectType {
    let mut fields = vec![
        id("Organization ID"),
        text("Name", "Name", 80).required().with(Flag::NameField),
        text("Country", "Country", 80),
        of(FieldType::Phone, "Phone", "Phone"),
        text("PrimaryContact", "Primary Contact", 80),
        text("DefaultLocaleSidKey", "Default Locale", 40),
        text("TimeZoneSidKey", "Time Zone", 40),
        text("LanguageLocaleKey", "Language", 40),
        of(
            FieldType::Int,
            "FiscalYearStartMonth",
            "Fiscal Year Starts In",
        ),
        text("OrganizationType", "Edition", 40),
        text("NamespacePrefix", "Namespace Prefix", 15),
        text("InstanceName", "Instance Name", 5),
        of(FieldType::Boolean, "IsSandbox", "Is Sandbox"),
        of(
            FieldType::DateTime,
            "TrialExpirationDate",
            "Trial Expiration Date",
        ),
    ];
    fields.extend(audit());
    ObjectType::new(
        "Organization",
        "Organization",
        "Organizations",
        b"00D",
        fields,
    )
    .read_only()
}

pub(super) fn lead_status() -> ObjectType {
    let mut fields = vec![
        id("Lead Status Value ID"),
        text("MasterLabel", "Master Label", 255).with(Flag::NameField),
        text("ApiName", "API Name", 255),
        of(FieldType::Int, "SortOrder", "Sort Order"),
        of(FieldType::Boolean, "IsDefault", "Is Default"),
        of(FieldType::Boolean, "IsConverted", "Is Converted"),
    ];
    fields.extend(audit());
    ObjectType::new(
        "LeadStatus",
        "Lead Status Value",
        "Lead Status Value",
        b"01J",
        fields,
    )
    .read_only()
}

pub(super) fn entity_definition() -> ObjectType {
    let fields = vec![
        id("Entity Definition ID"),
        text("DurableId", "Durable ID", 255),
        text("QualifiedApiName", "Qualified API Name", 255).with(Flag::NameField),
        text("DeveloperName", "Developer Name", 255),
        text("MasterLabel", "Master Label", 255),
        text("Label", "Label", 255),
        text("PluralLabel", "Plural Label", 255),
        text("KeyPrefix", "Key Prefix", 3),
        text("NamespacePrefix", "Namespace Prefix", 15),
        of(FieldType::Boolean, "IsCustomSetting", "Is Custom Setting"),
        of(FieldType::Boolean, "IsCustomizable", "Is Customizable"),
        of(FieldType::Boolean, "IsQueryable", "Is Queryable"),
    ];
    ObjectType::new(
        "EntityDefinition",
        "Entity Definition",
        "Entity Definitions",
        b"4ie",
        fields,
    )
    .read_only()
    .without_prefix()
}

//! Users, the organization, lead statuses and the definitions of the objects.

use super::super::describe::Abilities;
use super::super::ids::RecordId;
use super::super::org::Org;
use super::super::table::Row;
use super::super::value::Value;
use super::Recipe;
use super::columns::{Audit, Draft};

/// The user as whom the API key acts.
pub(in crate::sandbox) const INTEGRATION_USERNAME: &str = "integration@bridged.example";
/// A user with the same rights until a test takes some away.
pub(in crate::sandbox) const LIMITED_USERNAME: &str = "limited@bridged.example";

/// The profile that every user has at first.
pub(in crate::sandbox) const ADMINISTRATOR_PROFILE: &str = "System Administrator";

/// First name, last name, user name, time zone. The first two never own a row.
const USERS: [(&str, &str, &str, &str); 6] = [
    ("Integration", "User", INTEGRATION_USERNAME, "GMT"),
    ("Limited", "User", LIMITED_USERNAME, "GMT"),
    (
        "Ada",
        "Park",
        "ada.park@bridged.example",
        "America/Los_Angeles",
    ),
    (
        "Tomás",
        "Rivera",
        "tomas.rivera@bridged.example",
        "America/New_York",
    ),
    (
        "Ingrid",
        "Solheim",
        "ingrid.solheim@bridged.example",
        "Europe/London",
    ),
    (
        "Kenji",
        "Watanabe",
        "kenji.watanabe@bridged.example",
        "Asia/Tokyo",
    ),
];

/// How many of the users are for machines.
const MACHINES: usize = 2;

/// Makes the rows that everything else refers to; returns the ids of the people who own rows.
pub(super) fn fill(org: &mut Org, recipe: Recipe) -> Vec<RecordId> {
    let ids: Vec<RecordId> = USERS.iter().map(|_| org.next_id(*b"005")).collect();
    let profile = org.next_id(*b"00e");
    put(
        org,
        recipe,
        ids[0],
        "Profile",
        profile,
        &[
            ("Name", Value::text(ADMINISTRATOR_PROFILE)),
            ("UserType", Value::text("Standard")),
            ("PermissionsApiEnabled", Value::Bool(true)),
        ],
    );
    for (id, (first, last, username, timezone)) in ids.iter().zip(USERS) {
        let name = format!("{first} {last}");
        let alias: String = username
            .chars()
            .filter(char::is_ascii_lowercase)
            .take(8)
            .collect();
        put(
            org,
            recipe,
            ids[0],
            "User",
            *id,
            &[
                ("Username", Value::text(username)),
                ("LastName", Value::text(last)),
                ("FirstName", Value::text(first)),
                ("Name", Value::text(&name)),
                ("CompanyName", Value::text("Bridged Sandbox")),
                ("Email", Value::text(username)),
                ("Alias", Value::text(&alias)),
                ("CommunityNickname", Value::text(&alias)),
                ("IsActive", Value::Bool(true)),
                ("TimeZoneSidKey", Value::text(timezone)),
                ("LocaleSidKey", Value::text("en_US")),
                ("LanguageLocaleKey", Value::text("en_US")),
                ("EmailEncodingKey", Value::text("UTF-8")),
                ("UserType", Value::text("Standard")),
                ("ProfileId", Value::Id(profile)),
            ],
        );
    }
    let organization = org.id;
    put(
        org,
        recipe,
        ids[0],
        "Organization",
        organization,
        &[
            ("Name", Value::text("Bridged Sandbox")),
            ("Country", Value::text("US")),
            ("DefaultLocaleSidKey", Value::text("en_US")),
            ("TimeZoneSidKey", Value::text("America/Los_Angeles")),
            ("LanguageLocaleKey", Value::text("en_US")),
            ("FiscalYearStartMonth", Value::int(1)),
            ("OrganizationType", Value::text("Developer Edition")),
            ("InstanceName", Value::text("BG0")),
            ("IsSandbox", Value::Bool(false)),
        ],
    );
    lead_statuses(org, recipe, ids[0]);
    ids[MACHINES..].to_vec()
}

fn lead_statuses(org: &mut Org, recipe: Recipe, user: RecordId) {
    let values = org
        .table("Lead")
        .and_then(|table| table.object().field("Status"))
        .map(|status| status.picklist.clone())
        .unwrap_or_default();
    for (value, order) in values.iter().zip(1..) {
        let id = org.next_id(*b"01J");
        put(
            org,
            recipe,
            user,
            "LeadStatus",
            id,
            &[
                ("MasterLabel", Value::text(&value.value)),
                ("ApiName", Value::text(&value.value)),
                ("SortOrder", Value::int(order)),
                ("IsDefault", Value::Bool(value.default)),
                (
                    "IsConverted",
                    Value::Bool(value.value == "Closed - Converted"),
                ),
            ],
        );
    }
}

/// One row of `EntityDefinition` for every object.
pub(super) fn define_entities(org: &mut Org) {
    let objects: Vec<_> = org
        .tables()
        .iter()
        .map(|table| table.object().clone())
        .collect();
    let Some(table) = org.table_mut("EntityDefinition") else {
        return;
    };
    let entity = table.object().clone();
    for (object, serial) in objects.iter().zip(1..) {
        // Definitions have no ids of their own; real ones answer with zeros, which could not be told apart here.
        let id = RecordId::from_serial(*b"000", *b"00", serial);
        let prefix = object.key_prefix.unwrap_or_default();
        let mut values = vec![Value::Null; entity.fields.len()];
        values[0] = Value::Id(id);
        let developer_name = object.name.trim_end_matches("__c");
        let is_data = object.abilities == Abilities::Data;
        for (name, value) in [
            ("DurableId", Value::text(&object.name)),
            ("QualifiedApiName", Value::text(&object.name)),
            ("DeveloperName", Value::text(developer_name)),
            ("MasterLabel", Value::text(&object.label)),
            ("Label", Value::text(&object.label)),
            ("PluralLabel", Value::text(&object.label_plural)),
            (
                "KeyPrefix",
                Value::text(
                    std::str::from_utf8(&prefix)
                        .unwrap_or_default()
                        .trim_matches('\0'),
                ),
            ),
            ("IsCustomSetting", Value::Bool(false)),
            ("IsCustomizable", Value::Bool(is_data)),
            ("IsQueryable", Value::Bool(true)),
        ] {
            if let Some(at) = entity.index_of(name) {
                values[at] = value;
            }
        }
        table.insert(Row::new(values, false));
    }
}

/// Adds one row of a setup object, two years old.
fn put(
    org: &mut Org,
    recipe: Recipe,
    user: RecordId,
    object: &str,
    id: RecordId,
    values: &[(&str, Value)],
) {
    if let Some(table) = org.table_mut(object) {
        let object = table.object().clone();
        let audit = Audit::of(&object);
        let mut draft = Draft::new(&object, id);
        draft.sign(&audit, user, recipe.ago(730, 0), recipe.ago(730, 0));
        for (name, value) in values {
            draft.set(object.index_of(name).unwrap_or(usize::MAX), value.clone());
        }
        table.insert(draft.row(&audit, false));
    }
}

//! The custom object `Conversation__c`: one conversation of bridged with a lead.

use super::{audit, bridged_id, child_of, id, is_deleted, of, owner, picklist, text, textarea};
use crate::sandbox::describe::{FieldType, Flag, ObjectType};

/// The values of `Outcome__c`, a restricted picklist.
pub(super) const OUTCOMES: [&str; 5] = [
    "qualified",
    "not_interested",
    "converted",
    "no_reply",
    "opted_out",
];

pub(super) fn conversation() -> ObjectType {
    let mut fields = vec![
        id("Record ID"),
        owner(),
        is_deleted(),
        text("Name", "Conversation Name", 80)
            .with(Flag::NameField)
            .with(Flag::IdLookup)
            .with(Flag::DefaultedOnCreate),
    ];
    fields.extend(audit());
    fields.extend([
        bridged_id(),
        child_of("Lead__c", "Lead", ("Lead", "Lead__r"), "Conversations__r"),
        picklist("Outcome__c", "Outcome", &OUTCOMES).with(Flag::RestrictedPicklist),
        textarea("Summary__c", "Summary", 32_768),
        of(FieldType::DateTime, "Occurred_At__c", "Occurred At"),
    ]);
    ObjectType::new(
        "Conversation__c",
        "Conversation",
        "Conversations",
        b"a00",
        fields,
    )
}

//! The object Task: calls, e-mails and other engagement with a lead or a contact.

use super::{audit, id, is_deleted, of, owner, picklist, text, textarea};
use crate::sandbox::describe::{Field, FieldType, Flag, ObjectType};

/// The values of `Status`.
pub(super) const STATUSES: [&str; 5] = [
    "*Not Started",
    "In Progress",
    "Completed",
    "Waiting on someone else",
    "Deferred",
];

pub(super) fn task() -> ObjectType {
    let mut fields = vec![
        id("Activity ID"),
        related("WhoId", "Name ID", &["Contact", "Lead"], "Who"),
        related("WhatId", "Related To ID", &["Account", "Campaign"], "What"),
        Field::new("Subject", "Subject", FieldType::Combobox)
            .length(255)
            .with(Flag::NameField),
        of(FieldType::Date, "ActivityDate", "Due Date Only"),
        picklist("Status", "Status", &STATUSES).required(),
        picklist("Priority", "Priority", &["High", "*Normal", "Low"]).required(),
        of(FieldType::Boolean, "IsHighPriority", "High Priority").system(),
        owner(),
        textarea("Description", "Description", 32_000),
        is_deleted(),
        of(FieldType::Boolean, "IsClosed", "Closed").system(),
    ];
    fields.extend(audit());
    fields.extend([
        of(FieldType::Boolean, "IsArchived", "Archived").system(),
        picklist(
            "TaskSubtype",
            "Task Subtype",
            &["*Task", "Email", "Call", "List Email", "Cadence"],
        )
        .without(Flag::Updateable)
        .with(Flag::RestrictedPicklist),
        of(FieldType::Int, "CallDurationInSeconds", "Call Duration"),
        picklist(
            "CallType",
            "Call Type",
            &["Internal", "Inbound", "Outbound"],
        ),
        text("CallDisposition", "Call Result", 255),
        of(FieldType::DateTime, "CompletedDateTime", "Completed Date").derived(),
    ]);
    ObjectType::new("Task", "Task", "Tasks", b"00T", fields)
}

/// A polymorphic reference whose rows are the `Tasks` of their parents.
fn related(name: &str, label: &str, objects: &[&str], parent: &str) -> Field {
    Field::new(name, label, FieldType::Reference).points_to(objects, parent, Some("Tasks"))
}

//! Tasks and campaign members: what happened with the leads.

use super::super::ids::RecordId;
use super::super::org::Org;
use super::super::value::{Stamp, Value};
use super::columns::{Audit, Draft, columns};
use super::{Recipe, pick};

columns!(TaskColumns {
    who: "WhoId",
    subject: "Subject",
    day: "ActivityDate",
    status: "Status",
    closed: "IsClosed",
    priority: "Priority",
    high: "IsHighPriority",
    subtype: "TaskSubtype",
    seconds: "CallDurationInSeconds",
    call: "CallType",
    result: "CallDisposition",
    completed: "CompletedDateTime",
});

columns!(CampaignColumns {
    name: "Name",
    kind: "Type",
    status: "Status",
    start: "StartDate",
    cost: "BudgetedCost",
    active: "IsActive",
});

columns!(MemberColumns {
    campaign: "CampaignId",
    lead: "LeadId",
    status: "Status",
    responded: "HasResponded",
});

/// Only so many leads have engagement: the rest of a big org is cold.
const ENGAGED_MAX: usize = 20_000;

/// Makes the campaigns, their members, and the tasks of leads and contacts.
pub(super) fn fill(
    org: &mut Org,
    recipe: Recipe,
    users: &[RecordId],
    leads: &[RecordId],
    contacts: &[RecordId],
) {
    let leads = &leads[..leads.len().min(ENGAGED_MAX)];
    let campaigns = campaigns(org, recipe, users);
    members(org, recipe, users, leads, &campaigns);
    let last_days = tasks(org, recipe, users, leads, contacts);
    for (person, day) in last_days {
        touch(org, person, day);
    }
}

/// Makes the tasks, none to six a person; returns the last day of each person who has any.
fn tasks(
    org: &mut Org,
    recipe: Recipe,
    users: &[RecordId],
    leads: &[RecordId],
    contacts: &[RecordId],
) -> Vec<(RecordId, jiff::civil::Date)> {
    let mut last_days = Vec::new();
    let mut plan = Vec::new();
    for (number, person) in leads.iter().chain(contacts).enumerate() {
        let mut rng = recipe.rng("tasks", number);
        let count = [0, 0, 1, 1, 2, 3, 6][rng.usize(..7)];
        for _ in 0..count {
            let days = if rng.bool() {
                rng.i64(1..30)
            } else {
                rng.i64(1..365)
            };
            plan.push((*person, recipe.ago(days, rng.i64(0..86_400)), rng.fork()));
        }
    }
    let ids: Vec<RecordId> = plan.iter().map(|_| org.next_id(*b"00T")).collect();
    let Some(table) = org.table_mut("Task") else {
        return last_days;
    };
    let object = table.object().clone();
    let (audit, columns) = (Audit::of(&object), TaskColumns::of(&object));
    let mut rows = Vec::with_capacity(plan.len());
    for ((person, at, mut rng), id) in plan.into_iter().zip(ids) {
        let mut draft = Draft::new(&object, id);
        draft.sign(&audit, users[rng.usize(..users.len())], at, at);
        let day = day_of(at);
        draft.set(columns.who, Value::Id(person));
        draft.set(columns.day, Value::Date(day));
        draft.text(columns.priority, pick(&mut rng, &["High", "Normal", "Low"]));
        let high = draft.get(columns.priority).as_text() == Some("High");
        draft.set(columns.high, Value::Bool(high));
        let status = pick(
            &mut rng,
            &["Completed", "Completed", "Not Started", "In Progress"],
        );
        draft.text(columns.status, status);
        draft.set(columns.closed, Value::Bool(status == "Completed"));
        if status == "Completed" {
            draft.set(columns.completed, Value::DateTime(at));
        }
        if rng.bool() {
            draft.text(columns.subject, "Call");
            draft.text(columns.subtype, "Call");
            draft.text(columns.call, pick(&mut rng, &["Inbound", "Outbound"]));
            draft.text(
                columns.result,
                pick(&mut rng, &["Interested", "No answer", "Left voicemail"]),
            );
            draft.set(columns.seconds, Value::int(rng.i64(0..1_800)));
        } else {
            draft.text(
                columns.subject,
                pick(
                    &mut rng,
                    &["Email: Spring offer", "Send Letter", "Send Quote", "Other"],
                ),
            );
            draft.text(columns.subtype, pick(&mut rng, &["Email", "Task"]));
        }
        last_days.push((person, day));
        rows.push(draft.row(&audit, false));
    }
    table.extend(rows);
    last_days.sort_unstable();
    last_days.dedup_by(|later, earlier| {
        later.0 == earlier.0 && {
            earlier.1 = later.1;
            true
        }
    });
    last_days
}

fn campaigns(org: &mut Org, recipe: Recipe, users: &[RecordId]) -> Vec<RecordId> {
    const CAMPAIGNS: [(&str, &str, i64); 4] = [
        ("Spring Offer", "Email", 60),
        ("Customer Conference", "Conference", 200),
        ("Webinar: Getting Started", "Webinar", 30),
        ("Winback", "Telemarketing", 10),
    ];
    let ids: Vec<RecordId> = CAMPAIGNS.iter().map(|_| org.next_id(*b"701")).collect();
    if let Some(table) = org.table_mut("Campaign") {
        let object = table.object().clone();
        let (audit, columns) = (Audit::of(&object), CampaignColumns::of(&object));
        for (id, (name, kind, days)) in ids.iter().zip(CAMPAIGNS) {
            let at = recipe.ago(days, 0);
            let mut draft = Draft::new(&object, *id);
            draft.sign(&audit, users[0], at, at);
            draft.text(columns.name, name);
            draft.text(columns.kind, kind);
            draft.text(columns.status, "In Progress");
            draft.set(columns.start, Value::Date(day_of(at)));
            draft.set(columns.cost, Value::int(days * 1_000));
            draft.set(columns.active, Value::Bool(true));
            table.insert(draft.row(&audit, false));
        }
    }
    ids
}

/// One lead in five is in a campaign.
fn members(
    org: &mut Org,
    recipe: Recipe,
    users: &[RecordId],
    leads: &[RecordId],
    campaigns: &[RecordId],
) {
    let chosen: Vec<(RecordId, RecordId)> = leads
        .iter()
        .step_by(5)
        .map(|lead| (*lead, org.next_id(*b"00v")))
        .collect();
    let Some(table) = org.table_mut("CampaignMember") else {
        return;
    };
    let object = table.object().clone();
    let (audit, columns) = (Audit::of(&object), MemberColumns::of(&object));
    let rows = chosen.iter().enumerate().map(|(number, (lead, id))| {
        let mut rng = recipe.rng("member", number);
        let at = recipe.ago(rng.i64(1..60), rng.i64(0..86_400));
        let mut draft = Draft::new(&object, *id);
        draft.sign(&audit, users[0], at, at);
        draft.set(
            columns.campaign,
            Value::Id(campaigns[rng.usize(..campaigns.len())]),
        );
        draft.set(columns.lead, Value::Id(*lead));
        let responded = rng.u8(..4) == 0;
        draft.text(columns.status, if responded { "Responded" } else { "Sent" });
        draft.set(columns.responded, Value::Bool(responded));
        draft.row(&audit, false)
    });
    table.extend(rows.collect());
}

/// Writes the day of the last task into the person's row, which does not move its stamp.
fn touch(org: &mut Org, person: RecordId, day: jiff::civil::Date) {
    let Some((table, number)) = org.locate(person) else {
        return;
    };
    let object = table.object().clone();
    let (Some(row), Some(column)) = (table.row(number), object.index_of("LastActivityDate")) else {
        return;
    };
    let mut values = row.to_values(object.fields.len());
    values[column] = Value::Date(day);
    let row = super::super::table::Row::new(values, row.deleted);
    org.commit(&object.name, row);
}

fn day_of(stamp: Stamp) -> jiff::civil::Date {
    stamp.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date()
}

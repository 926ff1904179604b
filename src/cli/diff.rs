//! A preview as text and as JSON: what would be written, against what is there.

use clap::builder::styling::Style;
use serde_json::{Map, Value, json};

use super::ledger;
use super::text::{
    BAD, BOLD, CAUTION, DIM, GOOD, clean, clean_json, count, line, paint, thousands,
};
use crate::engine::foresee::{FieldChange, RowChange, What, stand_in};
use crate::engine::preview::{Change, MessageTally, Preview, Tally};
use crate::foundation::record::RecordError;
use crate::plan::Plan;

/// The preview as JSON. `created`, `updated` and `unchanged` count profiles; `targets` counts rows of Salesforce.
pub fn json(plan: &Plan, found: &Preview) -> Value {
    let changes: Vec<Value> = found.changes.iter().map(change_json).collect();
    let targets: Map<String, Value> = found
        .targets
        .iter()
        .map(|(name, tally)| (name.clone(), tally_json(tally)))
        .collect();
    json!({
        "pipeline": plan.pipeline.as_str(),
        "read": found.read,
        "created": found.profiles.created,
        "updated": found.profiles.updated,
        "unchanged": found.profiles.unchanged,
        "filtered": found.filtered,
        "erased": found.erased,
        "rejected": found.rejected,
        "targets": targets,
        "messages": plan.broadcast().map(|_| messages_json(&found.messages)),
        "changes": changes,
        "api_calls": found.spent.api_calls,
        "forecast": {
            "api_calls": found.run_calls,
            "daily_limit": found.daily_limit,
            "daily_percent": daily_percent(found),
        },
        "warnings": found.warnings,
    })
}

fn messages_json(messages: &MessageTally) -> Value {
    json!({
        "now": messages.now,
        "held": messages.held,
        "unchanged": messages.unchanged,
        "suppressed": messages.suppressed,
    })
}

/// The share of the org's calls a day that a run would take.
fn daily_percent(found: &Preview) -> Option<f64> {
    let limit = found.daily_limit?.max(1);
    Some(found.run_calls as f64 * 100.0 / limit as f64)
}

fn tally_json(tally: &Tally) -> Value {
    json!({
        "created": tally.created,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "blocked": tally.blocked,
    })
}

fn change_json(change: &Change) -> Value {
    match change {
        Change::CreateProfile { key, attributes } => {
            json!({ "change": "create", "key": key, "attributes": attributes })
        }
        Change::UpdateProfile { key, fields } => {
            json!({ "change": "update", "key": key, "fields": fields_json(fields) })
        }
        Change::Row(row) => row_json(row),
        Change::Reject { key, reason } => {
            let mut change = json!({ "change": "reject", "key": key });
            add_reason(&mut change, reason);
            change
        }
    }
}

fn row_json(row: &RowChange) -> Value {
    let word = match &row.what {
        What::Create => "create",
        What::Update => "update",
        What::Unchanged => "unchanged",
        What::Blocked(_) => "blocked",
    };
    let mut change = json!({
        "change": word,
        "target": row.target,
        "object": row.object,
        "key": row.key,
        "id": row.id,
        "records": row.records,
        "fields": fields_json(&row.fields),
    });
    if let What::Blocked(reason) = &row.what {
        add_reason(&mut change, reason);
    }
    change
}

fn add_reason(change: &mut Value, reason: &RecordError) {
    change["code"] = reason.code.as_str().into();
    change["field"] = reason.field.clone().into();
    change["message"] = reason.message.clone().into();
}

fn fields_json(fields: &[FieldChange]) -> Value {
    fields
        .iter()
        .map(|field| json!({ "name": field.name, "old": field.old, "new": field.new }))
        .collect()
}

/// The preview for people.
pub fn text(plan: &Plan, found: &Preview) -> String {
    let mut out = String::new();
    for change in &found.changes {
        show(&mut out, change);
    }
    let rows = found.targets.iter().map(|(_, tally)| *tally);
    let rows: u64 = rows
        .map(|tally| tally.created + tally.updated + tally.blocked)
        .sum();
    let profiles = found.profiles.created + found.profiles.updated;
    let all = (profiles + rows).max(found.changes.len() as u64);
    let hidden = all.saturating_sub(found.changes.len() as u64);
    if hidden > 0 {
        let more = format!(
            "… and {}; `--show N` shows more",
            count(hidden, "further change")
        );
        line(&mut out, format_args!("{}", paint(DIM, more)));
    }
    if all > 0 {
        out.push('\n');
    }
    let name = paint(BOLD, &plan.pipeline);
    let nothing = paint(DIM, "nothing was written");
    let read = count(found.read, "record");
    line(
        &mut out,
        format_args!("{name} would read {read}; {nothing}"),
    );
    if plan.read().is_some() {
        let heading = (!found.targets.is_empty()).then_some("profiles");
        tally(&mut out, heading, &found.profiles);
    }
    for (name, found) in &found.targets {
        tally(&mut out, Some(name), found);
    }
    if plan.broadcast().is_some() {
        messages(&mut out, &found.messages);
    }
    let places = [
        (DIM, "filter", found.filtered),
        (BAD, "reject", found.rejected),
    ];
    for (style, what, number) in places {
        place(&mut out, style, what, number);
    }
    if found.erased > 0 {
        place(&mut out, CAUTION, "leave out: erased", found.erased);
    }
    let share = daily_percent(found).map_or_else(String::new, |percent| {
        let limit = thousands(found.daily_limit.unwrap_or_default());
        format!(", {percent:.2} % of the org's {limit} a day")
    });
    let run = count(found.run_calls, "API call");
    let forecast = format!("a run would cost {run}{share}");
    line(&mut out, format_args!("{}", paint(DIM, forecast)));
    let cost = format!(
        "this preview cost {}, plan {}",
        count(found.spent.api_calls, "API call"),
        plan.fingerprint.short()
    );
    line(&mut out, format_args!("{}", paint(DIM, cost)));
    for warning in &found.warnings {
        ledger::warned(&mut out, plan.pipeline.as_str(), warning);
    }
    out
}

/// What the broadcast would do; nothing of it was done.
fn messages(out: &mut String, messages: &MessageTally) {
    place(out, GOOD, "send", messages.now);
    for (why, count) in &messages.held {
        place(out, CAUTION, &format!("hold for later: {why}"), *count);
    }
    place(
        out,
        DIM,
        "leave alone: they have theirs",
        messages.unchanged,
    );
    for (why, count) in &messages.suppressed {
        place(out, CAUTION, &format!("suppress: {}", clean(why)), *count);
    }
}

fn tally(out: &mut String, heading: Option<&str>, tally: &Tally) {
    let of = heading.map_or_else(String::new, |name| format!(" {name}"));
    place(out, GOOD, &format!("create{of}"), tally.created);
    place(out, CAUTION, &format!("update{of}"), tally.updated);
    place(out, DIM, &format!("leave unchanged{of}"), tally.unchanged);
    if tally.blocked > 0 {
        place(out, BAD, &format!("blocked{of}"), tally.blocked);
    }
}

fn place(out: &mut String, style: Style, what: &str, number: u64) {
    let style = if number == 0 { DIM } else { style };
    let number = paint(style, format_args!("{:>9}", thousands(number)));
    line(out, format_args!("{number}  {what}"));
}

fn show(out: &mut String, change: &Change) {
    match change {
        Change::CreateProfile { key, attributes } => {
            head(out, GOOD, "+", key, "");
            for (name, value) in attributes {
                let value = value_text(value);
                line(out, format_args!("    {}: {value}", clean(name)));
            }
        }
        Change::UpdateProfile { key, fields } => {
            head(out, CAUTION, "~", key, "");
            for field in fields {
                show_field(out, field);
            }
        }
        Change::Row(row) => show_row(out, row),
        Change::Reject { key, reason } => show_reason(out, key, "", reason),
    }
}

fn show_row(out: &mut String, row: &RowChange) {
    let key = row
        .key
        .as_deref()
        .or(row.records.first().map(String::as_str));
    let key = key.unwrap_or_default();
    let what = format!("  {} ({})", clean(&row.target), clean(&row.object));
    match &row.what {
        What::Create => head(out, GOOD, "+", key, &what),
        What::Update => head(out, CAUTION, "~", key, &what),
        What::Unchanged => head(out, DIM, "=", key, &what),
        What::Blocked(reason) => return show_reason(out, key, &what, reason),
    }
    for field in &row.fields {
        if let Some(text) = linked(row, field) {
            line(out, format_args!("    {}: {text}", clean(&field.name)));
        } else if row.what == What::Create {
            let new = value_text(&field.new);
            line(out, format_args!("    {}: {new}", clean(&field.name)));
        } else {
            show_field(out, field);
        }
    }
}

/// The text of a field that holds the Id of a row which is created above; `None` for any other field.
fn linked(row: &RowChange, field: &FieldChange) -> Option<String> {
    let links = row.links.iter().filter(|(name, _)| *name == field.name);
    let ids: Vec<String> = links.map(|(_, number)| stand_in(*number)).collect();
    let text = field.new.as_str().filter(|_| !ids.is_empty())?;
    if ids.iter().any(|id| id == text) {
        return Some(paint(DIM, "the id of the row that is created above"));
    }
    let readable = |text: String, id: &String| text.replace(id, "(the id of the row above)");
    let text = ids.iter().fold(text.to_owned(), readable);
    Some(value_text(&Value::from(text)))
}

fn head(out: &mut String, style: Style, sign: &str, key: &str, what: &str) {
    let key = paint(BOLD, clean(key));
    let what = paint(DIM, what);
    line(out, format_args!("{} {key}{what}", paint(style, sign)));
}

fn show_reason(out: &mut String, key: &str, what: &str, reason: &RecordError) {
    let code = paint(BAD, format_args!("rejected[{}]", reason.code));
    let key = paint(BOLD, clean(key));
    let what = paint(DIM, what);
    let message = clean(&reason.message);
    line(
        out,
        format_args!("{} {key}{what}  {code}: {message}", paint(BAD, "!")),
    );
}

fn show_field(out: &mut String, field: &FieldChange) {
    let old = field
        .old
        .as_ref()
        .map_or_else(|| paint(DIM, "nothing"), value_text);
    let new = value_text(&field.new);
    line(
        out,
        format_args!("    {}: {old} → {new}", clean(&field.name)),
    );
}

/// The value as JSON, safe to print.
fn value_text(value: &Value) -> String {
    clean_json(&value.to_string()).into_owned()
}

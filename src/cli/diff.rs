//! A preview as text and as JSON: what would be written, against what is stored.

use serde_json::{Value, json};

use super::text::{
    BAD, BOLD, CAUTION, DIM, GOOD, clean, clean_json, count, line, paint, thousands,
};
use crate::engine::preview::{Change, FieldChange, Preview};
use crate::plan::Plan;

/// The preview as JSON.
pub fn json(plan: &Plan, found: &Preview) -> Value {
    let changes: Vec<Value> = found.changes.iter().map(change_json).collect();
    json!({
        "pipeline": plan.pipeline.as_str(),
        "read": found.read,
        "created": found.created,
        "updated": found.updated,
        "unchanged": found.unchanged,
        "filtered": found.filtered,
        "rejected": found.rejected,
        "changes": changes,
        "api_calls": found.spent.api_calls,
        "warnings": found.warnings,
    })
}

fn change_json(change: &Change) -> Value {
    match change {
        Change::Create { key, attributes } => {
            json!({ "change": "create", "key": key, "attributes": attributes })
        }
        Change::Update { key, fields } => {
            let fields: Vec<Value> = fields
                .iter()
                .map(|field| json!({ "name": field.name, "old": field.old, "new": field.new }))
                .collect();
            json!({ "change": "update", "key": key, "fields": fields })
        }
        Change::Reject { key, reason } => json!({
            "change": "reject",
            "key": key,
            "code": reason.code.as_str(),
            "field": reason.field,
            "message": reason.message,
        }),
    }
}

/// The preview for people.
pub fn text(plan: &Plan, found: &Preview) -> String {
    let mut out = String::new();
    for change in &found.changes {
        show(&mut out, change);
    }
    let all = found.created + found.updated + found.rejected;
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
    line(
        &mut out,
        format_args!(
            "{name} would read {}; {nothing}",
            count(found.read, "record")
        ),
    );
    let places = [
        (GOOD, "create", found.created),
        (CAUTION, "update", found.updated),
        (DIM, "leave unchanged", found.unchanged),
        (DIM, "filter", found.filtered),
        (BAD, "reject", found.rejected),
    ];
    for (style, what, number) in places {
        let style = if number == 0 { DIM } else { style };
        let number = paint(style, format_args!("{:>9}", thousands(number)));
        line(&mut out, format_args!("{number}  {what}"));
    }
    let cost = format!(
        "this preview cost {}, plan {}",
        count(found.spent.api_calls, "API call"),
        plan.fingerprint.short()
    );
    line(&mut out, format_args!("{}", paint(DIM, cost)));
    for warning in &found.warnings {
        line(
            &mut out,
            format_args!("\n{}: {}", paint(CAUTION, "warning"), clean(warning)),
        );
    }
    out
}

fn show(out: &mut String, change: &Change) {
    match change {
        Change::Create { key, attributes } => {
            line(
                out,
                format_args!("{} {}", paint(GOOD, "+"), paint(BOLD, clean(key))),
            );
            for (name, value) in attributes {
                let value = value_text(value);
                line(out, format_args!("    {}: {value}", clean(name)));
            }
        }
        Change::Update { key, fields } => {
            line(
                out,
                format_args!("{} {}", paint(CAUTION, "~"), paint(BOLD, clean(key))),
            );
            for field in fields {
                show_field(out, field);
            }
        }
        Change::Reject { key, reason } => {
            let head = paint(BAD, "!");
            let code = paint(BAD, format_args!("rejected[{}]", reason.code));
            line(
                out,
                format_args!(
                    "{head} {}  {code}: {}",
                    paint(BOLD, clean(key)),
                    clean(&reason.message)
                ),
            );
        }
    }
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

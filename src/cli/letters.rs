//! Rejected records as text and as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ledger::moment;
use super::table::{self, Cell};
use super::text::{BOLD, CAUTION, DIM, HINT, clean, clean_json, count, line, paint};
use crate::engine::preview::MASK;
use crate::foundation::fixed_by::FixedBy;
use crate::store::model::DeadLetterRow;

/// One as JSON, with the record as it was read where `payload` says so.
pub fn json(row: &DeadLetterRow, payload: bool) -> Value {
    let letter = &row.letter;
    let mut value = json!({
        "id": row.id,
        "run_id": letter.run_id.to_string(),
        "pipeline": letter.pipeline,
        "fingerprint": letter.fingerprint.to_string(),
        "step": letter.step,
        "key": letter.key,
        "code": letter.reason.code.as_str(),
        "field": letter.reason.field,
        "message": letter.reason.message,
        "remote_code": letter.reason.remote_code,
        "fixed_by": letter.reason.code.fixed_by().map(FixedBy::as_str),
        "attempts": letter.attempts,
        "at": letter.at.to_string(),
        "closed": row.closed.as_ref().map(|(how, at)| json!({ "how": how.as_str(), "at": at.to_string() })),
    });
    if payload {
        value["payload"] = letter.payload.clone();
    }
    value
}

/// Masks the values of sensitive fields, however deep they stand.
pub fn mask(payload: &mut Value, sensitive: &BTreeSet<String>) {
    match payload {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_sensitive = sensitive.iter().any(|one| one.eq_ignore_ascii_case(name));
                if is_sensitive && !value.is_null() {
                    *value = Value::from(MASK);
                } else {
                    mask(value, sensitive);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, sensitive)),
        _ => {}
    }
}

/// A list of them.
pub fn text(letters: &[DeadLetterRow]) -> String {
    let rows: Vec<Vec<Cell>> = letters
        .iter()
        .map(|row| {
            let reason = &row.letter.reason;
            vec![
                Cell::number(row.id.unsigned_abs()),
                Cell::text(&row.letter.pipeline).style(BOLD),
                Cell::text(&row.letter.key),
                Cell::text(reason.field.as_deref().unwrap_or("-")),
                Cell::text(reason.code.as_str()).style(CAUTION),
                Cell::text(&reason.message).style(DIM),
            ]
        })
        .collect();
    let mut out = table::render(&["id", "pipeline", "key", "field", "code", "reason"], &rows);
    let shown = count(letters.len() as u64, "record");
    let command = paint(HINT, "bridged rejected show ID");
    line(
        &mut out,
        format_args!("\n{shown}; {command} shows one in full"),
    );
    out
}

/// One in full.
pub fn one(row: &DeadLetterRow) -> String {
    let letter = &row.letter;
    let reason = &letter.reason;
    let head = paint(CAUTION, format_args!("rejected[{}]", reason.code));
    let mut out = format!(
        "{head}{}\n\n",
        paint(BOLD, format_args!(": {}", clean(&reason.message)))
    );
    let facts = [
        ("pipeline", Some(letter.pipeline.clone())),
        ("key", Some(letter.key.clone())),
        ("field", reason.field.clone()),
        ("Salesforce", reason.remote_code.clone()),
        (
            "who",
            reason.code.fixed_by().map(|who| who.in_words().to_owned()),
        ),
        ("step", Some(letter.step.clone())),
        ("attempts", Some(letter.attempts.to_string())),
        ("at", Some(moment(letter.at))),
        (
            "closed",
            row.closed
                .map(|(how, at)| format!("{}, {}", how.as_str(), moment(at))),
        ),
        ("run", Some(letter.run_id.to_string())),
        ("plan", Some(letter.fingerprint.to_string())),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            let name = paint(DIM, format_args!("{name:<10}"));
            line(&mut out, format_args!("{name}  {}", clean(&value)));
        }
    }
    let payload = format!("{:#}", letter.payload);
    line(&mut out, format_args!("\n{}", clean_json(&payload)));
    let command = paint(HINT, format_args!("bridged explain {}", reason.code));
    line(&mut out, format_args!("\n{command} tells cause and remedy"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_values_are_masked_wherever_they_stand() {
        let mut payload = json!({
            "Phone": "+1", "phone": null, "rows": [{ "PHONE": 5, "name": "Ada" }], "name": "phone",
        });
        mask(&mut payload, &BTreeSet::from(["phone".to_owned()]));
        assert_eq!(
            payload,
            json!({ "Phone": MASK, "phone": null, "rows": [{ "PHONE": MASK, "name": "Ada" }], "name": "phone" })
        );
    }
}

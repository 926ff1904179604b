//! Rejected records as text and as JSON.

use serde_json::{Value, json};

use super::ledger::moment;
use super::table::{self, Cell};
use super::text::{BOLD, CAUTION, DIM, HINT, clean, clean_json, count, line, paint};
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
        "attempts": letter.attempts,
        "at": letter.at.to_string(),
    });
    if payload {
        value["payload"] = letter.payload.clone();
    }
    value
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
        ("step", Some(letter.step.clone())),
        ("attempts", Some(letter.attempts.to_string())),
        ("at", Some(moment(letter.at))),
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

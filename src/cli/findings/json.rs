//! Findings and errors as the objects of a JSON report.

use serde_json::{Map, Value, json};

use crate::foundation::diagnostic::{Diagnostic, Place};
use crate::foundation::error::Error;

/// `{code, severity, message, file, line, column, end_line, end_column, help}`, and `fixed_by`, `label` and `related` where
/// there are any.
///
/// `fixed_by` is `author`, `operator`, `salesforce_admin` or `meta_admin`.
///
/// Lines and columns start at 1, columns count characters; all are null for a finding about no file.
pub fn finding(finding: &Diagnostic) -> Value {
    let mut object = Map::new();
    object.insert("code".into(), finding.code.as_str().into());
    object.insert("severity".into(), finding.severity.as_str().into());
    object.insert("message".into(), finding.message.clone().into());
    match &finding.place {
        Some(place) => region(&mut object, place),
        None => {
            for key in ["file", "line", "column", "end_line", "end_column"] {
                object.insert(key.into(), Value::Null);
            }
        }
    }
    object.insert("help".into(), finding.help.clone().into());
    if let Some(who) = finding.fixed_by() {
        object.insert("fixed_by".into(), who.as_str().into());
    }
    if let Some(label) = &finding.label {
        object.insert("label".into(), label.clone().into());
    }
    if let Some((place, message)) = &finding.related {
        let mut related = Map::new();
        region(&mut related, place);
        related.insert("message".into(), message.clone().into());
        object.insert("related".into(), Value::Object(related));
    }
    Value::Object(object)
}

fn region(object: &mut Map<String, Value>, place: &Place) {
    let (start, end) = (place.start(), place.end());
    object.insert("file".into(), place.file.path.clone().into());
    object.insert("line".into(), start.line.into());
    object.insert("column".into(), start.column.into());
    object.insert("end_line".into(), end.line.into());
    object.insert("end_column".into(), end.column.into());
}

/// An error in the same shape, with its `causes`, outermost first, and the parts of its `context` that are known.
pub fn error(error: &Error) -> Value {
    let mut object = finding(&Diagnostic {
        help: error.help_text().map(str::to_owned),
        turn: error.turn(),
        ..Diagnostic::error(error.code(), error.message())
    });
    object["causes"] = super::causes(error).into();
    let context = error.context();
    let known = json!({
        "step": context.step,
        "attempt": context.attempt,
        "http_status": context.http_status,
        "remote_code": context.remote_code,
        "request_id": context.request_id,
    });
    if let Value::Object(mut known) = known {
        known.retain(|_, value| !value.is_null());
        if !known.is_empty() {
            object["context"] = Value::Object(known);
        }
    }
    object
}

//! Writes answers as JSON straight into a byte buffer: envelopes, records, parents, children.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::columns::{Column, Content, Parent, Projection};
use super::group::GroupSet;
use super::run::{Answer, RowSet};
use crate::sandbox::describe::ObjectType;
use crate::sandbox::json;
use crate::sandbox::org::Org;
use crate::sandbox::table::Row;
use crate::sandbox::value::Value;

/// What writing a page needs to know.
pub struct Page<'a> {
    /// The org.
    pub org: &'a Org,
    /// The API version of the query's first request, such as `67.0`.
    pub version: &'a str,
    /// How many rows a page has at most; at least one.
    pub batch: usize,
    /// Keeps rows for later pages and returns their locator's id, without the offset.
    pub keep: &'a mut dyn FnMut(Arc<RowSet>) -> String,
}

/// Writes the first page of an answer.
pub fn write_answer(out: &mut Vec<u8>, page: &mut Page<'_>, answer: &Answer) {
    match answer {
        Answer::Count(count) => {
            out.extend_from_slice(
                format!("{{\"totalSize\":{count},\"done\":true,\"records\":[]}}").as_bytes(),
            );
        }
        Answer::Groups(groups) => write_groups(out, groups),
        Answer::Rows(rows) => write_rows(out, page, rows, 0, None),
    }
}

/// Writes the page that begins at the row `from` of rows that are kept behind the locator `locator`.
pub fn write_page(
    out: &mut Vec<u8>,
    page: &mut Page<'_>,
    rows: &Arc<RowSet>,
    from: usize,
    locator: &str,
) {
    write_rows(out, page, rows, from, Some(locator));
}

fn write_rows(
    out: &mut Vec<u8>,
    page: &mut Page<'_>,
    set: &Arc<RowSet>,
    from: usize,
    locator: Option<&str>,
) {
    let total = set.rows.len();
    let from = from.min(total);
    let to = total.min(from + page.batch.max(1));
    let done = to == total;
    out.extend_from_slice(format!("{{\"totalSize\":{total},\"done\":{done}").as_bytes());
    if !done {
        let kept;
        let id = if let Some(id) = locator {
            id
        } else {
            kept = (page.keep)(set.clone());
            &kept
        };
        let next = format!(
            ",\"nextRecordsUrl\":\"/services/data/v{}/query/{id}-{to}\"",
            page.version
        );
        out.extend_from_slice(next.as_bytes());
    }
    out.extend_from_slice(b",\"records\":[");
    if let Some(table) = page.org.table(&set.projection.object.name) {
        let rows = set.rows[from..to].iter();
        for (at, row) in rows.filter_map(|&number| table.row(number)).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_record(out, page, &set.projection, row);
        }
    }
    out.extend_from_slice(b"]}");
}

/// Writes one record with its `attributes`.
pub fn write_record(out: &mut Vec<u8>, page: &mut Page<'_>, projection: &Projection, row: &Row) {
    write_as(out, page, projection, row, &projection.object.name);
}

fn write_as(
    out: &mut Vec<u8>,
    page: &mut Page<'_>,
    projection: &Projection,
    row: &Row,
    shown_type: &str,
) {
    let object = &projection.object;
    for part in [
        b"{\"attributes\":{\"type\":\"".as_slice(),
        shown_type.as_bytes(),
        b"\",\"url\":\"/services/data/v",
        page.version.as_bytes(),
        b"/sobjects/",
        object.name.as_bytes(),
        b"/",
        &row.id().bytes(),
        b"\"}",
    ] {
        out.extend_from_slice(part);
    }
    for column in &projection.columns {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(column.name.as_bytes());
        out.extend_from_slice(b"\":");
        write_content(out, page, object, column, row);
    }
    out.push(b'}');
}

fn write_content(
    out: &mut Vec<u8>,
    page: &mut Page<'_>,
    object: &ObjectType,
    column: &Column,
    row: &Row,
) {
    match &column.content {
        Content::Field(index) => json::write_field(out, object, *index, row),
        Content::Null => out.extend_from_slice(b"null"),
        Content::ObjectName => json::write_text(out, &object.name),
        Content::Function { node, kind, format } => {
            let value = node.get(page.org, row);
            match display(value).filter(|_| *format) {
                Some(text) => json::write_text(out, &text),
                None => json::write_value(out, *kind, value),
            }
        }
        Content::Parent(parent) => write_parent(out, page, parent, row),
        Content::Children(plan) => {
            let rows = plan.rows(page.org, row.id());
            if rows.is_empty() {
                out.extend_from_slice(b"null");
                return;
            }
            let set = Arc::new(RowSet {
                projection: plan.projection.clone(),
                rows,
            });
            write_rows(out, page, &set, 0, None);
        }
    }
}

fn write_parent(out: &mut Vec<u8>, page: &mut Page<'_>, parent: &Parent, row: &Row) {
    let found = row
        .get(parent.reference)
        .as_id()
        .and_then(|id| page.org.row(id));
    let target = found.and_then(|(table, row)| {
        let same = |target: &&Projection| Arc::ptr_eq(&target.object, table.object());
        Some((parent.targets.iter().find(same)?, row))
    });
    match target {
        Some((target, row)) => {
            let shown = if parent.as_name {
                "Name"
            } else {
                &target.object.name
            };
            write_as(out, page, target, row, shown);
        }
        None => out.extend_from_slice(b"null"),
    }
}

fn write_groups(out: &mut Vec<u8>, groups: &GroupSet) {
    let total = groups.rows.len();
    out.extend_from_slice(
        format!("{{\"totalSize\":{total},\"done\":true,\"records\":[").as_bytes(),
    );
    for (at, row) in groups.rows.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"attributes\":{\"type\":\"AggregateResult\"}");
        for ((name, kind), value) in groups.columns.iter().zip(row) {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            json::write_value(out, *kind, value);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

/// A value as `FORMAT()` shows it to a user in the United States; `None` where it stays as it is.
fn display(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
            let mut grouped = String::from(sign);
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            if !fraction.is_empty() {
                grouped.push('.');
                grouped.push_str(fraction);
            }
            Some(grouped)
        }
        Value::Date(day) => Some(format!("{}/{}/{}", day.month(), day.day(), day.year())),
        Value::DateTime(stamp) => {
            let at = stamp.timestamp().to_zoned(TimeZone::UTC);
            let (half, hour) = if at.hour() < 12 {
                ("AM", at.hour())
            } else {
                ("PM", at.hour() - 12)
            };
            let hour = if hour == 0 { 12 } else { hour };
            Some(format!(
                "{}/{}/{}, {hour}:{:02} {half}",
                at.month(),
                at.day(),
                at.year(),
                at.minute()
            ))
        }
        _ => None,
    }
}

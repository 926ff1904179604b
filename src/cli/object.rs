//! A described object as a table of its fields.

use super::table::{self, Cell};
use super::text::{BOLD, DIM, HINT, clean, line, paint};
use crate::salesforce::describe::ObjectDescribe;

/// The object's fields, with what matters of each, and its child rows.
pub fn text(object: &ObjectDescribe) -> String {
    let rows: Vec<Vec<Cell>> = object
        .fields
        .iter()
        .map(|field| {
            let mut marks = Vec::new();
            let known = [
                (field.external_id, "external id"),
                (field.unique, "unique"),
                (field.calculated, "formula"),
                (!field.createable && !field.updateable, "read only"),
                (
                    !field.nillable && field.createable && !field.defaulted_on_create,
                    "required",
                ),
            ];
            marks.extend(known.iter().filter(|(is, _)| *is).map(|(_, word)| *word));
            let of = field.reference_to.join(", ");
            let kind = if of.is_empty() {
                field.kind.as_str().to_owned()
            } else {
                format!("{} to {of}", field.kind.as_str())
            };
            vec![
                Cell::text(&field.name).style(BOLD),
                Cell::text(&kind),
                Cell::text(&marks.join(", ")).style(DIM),
            ]
        })
        .collect();
    let mut out = format!(
        "{}  {}\n\n",
        paint(BOLD, clean(&object.name)),
        paint(DIM, clean(&object.label))
    );
    out.push_str(&table::render(&["field", "type", "is"], &rows));
    let children: Vec<&str> = object
        .child_relationships
        .iter()
        .filter_map(|child| child.relationship_name.as_deref())
        .collect();
    if !children.is_empty() {
        let head = paint(DIM, "child rows:");
        line(
            &mut out,
            format_args!("\n{head} {}", paint(HINT, clean(&children.join(", ")))),
        );
    }
    out
}

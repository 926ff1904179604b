//! Holds what a read selects against what the org describes: objects, fields, parents and child rows.

use std::collections::BTreeMap;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, is_slip, nearest};
use crate::salesforce::describe::{FieldDescribe, ObjectDescribe};

use super::infer::{ChildUse, Finding, Selection, Used};
use super::query::StampField;

/// Described objects by their lower-case name.
#[derive(Debug, Clone, Default)]
pub struct Snapshots(BTreeMap<String, ObjectDescribe>);

impl Snapshots {
    /// Adds or replaces an object.
    pub fn insert(&mut self, object: ObjectDescribe) {
        self.0.insert(object.name.to_ascii_lowercase(), object);
    }

    /// An object by its name, without regard to case.
    pub fn get(&self, name: &str) -> Option<&ObjectDescribe> {
        self.0.get(&name.to_ascii_lowercase())
    }
}

impl FromIterator<ObjectDescribe> for Snapshots {
    fn from_iter<I: IntoIterator<Item = ObjectDescribe>>(objects: I) -> Self {
        let mut snapshots = Self::default();
        objects
            .into_iter()
            .for_each(|object| snapshots.insert(object));
        snapshots
    }
}

/// The best field that stamps the object's rows, among those the signed-in user can see.
pub fn stamp_field(object: &ObjectDescribe) -> Option<StampField> {
    StampField::ALL
        .into_iter()
        .find(|stamp| object.field(stamp.as_str()).is_some())
}

/// Everything that a selection asks of an object and the description does not have.
///
/// Parents and child rows are checked as far as their objects are described too.
pub fn check(selection: &Selection, object: &ObjectDescribe, others: &Snapshots) -> Vec<Finding> {
    let mut findings: Vec<Finding> = selection
        .fields
        .iter()
        .filter_map(|used| check_path(used, &used.path, object, others))
        .collect();
    for child in &selection.children {
        let Some(found) = object.child(&child.relationship) else {
            findings.push(undeclarable(child, object));
            continue;
        };
        if let Some(rows) = others.get(&found.child_object) {
            let fields = child.fields.iter();
            findings.extend(fields.filter_map(|used| check_path(used, &used.path, rows, others)));
        }
    }
    findings
}

fn check_path(
    used: &Used,
    path: &[String],
    object: &ObjectDescribe,
    others: &Snapshots,
) -> Option<Finding> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return match object.field(first) {
            Some(_) => None,
            None => Some(finding(used, no_field(first, object))),
        };
    }
    let Some(reference) = object.parent(first) else {
        return Some(finding(used, no_parent(first, object)));
    };
    // A polymorphic parent can be of several objects: a field is there when any of them has it.
    let described: Vec<&ObjectDescribe> = reference
        .reference_to
        .iter()
        .filter_map(|name| others.get(name))
        .collect();
    if described.is_empty() || described.len() < reference.reference_to.len() {
        return None;
    }
    let mut misses = described
        .iter()
        .map(|parent| check_path(used, rest, parent, others));
    if misses.any(|miss| miss.is_none()) {
        return None;
    }
    described
        .first()
        .and_then(|parent| check_path(used, rest, parent, others))
}

fn finding(used: &Used, diagnostic: Diagnostic) -> Finding {
    Finding {
        pointer: used.pointer.clone(),
        span: used.span.clone(),
        diagnostic,
    }
}

fn no_field(name: &str, object: &ObjectDescribe) -> Diagnostic {
    let message = format!(
        "`{}` has no field `{name}` that the signed-in user can read",
        object.name
    );
    let help = if object.parent(name).is_some() {
        format!("`{name}` is a parent record: name the field meant, as in `{name}.Name`")
    } else if object.child(name).is_some() {
        format!("`{name}` are child rows: declare them under `source.related`")
    } else {
        return unseen(name, object, message);
    };
    Diagnostic::error(Code::UnknownField, message).help(help)
}

/// A field that the description does not have. Field-level security hides fields as if they did not exist, so only a name
/// that is a slip of the keyboard away from another one is taken for misspelt.
pub(super) fn unseen(name: &str, object: &ObjectDescribe, message: String) -> Diagnostic {
    let known = object.fields.iter().map(|field| field.name.as_str());
    let near = nearest(name, known);
    if let Some(near) = near.filter(|near| is_slip(name, near)) {
        return Diagnostic::error(Code::UnknownField, message)
            .help(format!("did you mean `{near}`?"));
    }
    let meant = near.map_or_else(String::new, |near| format!("; or did you mean `{near}`?"));
    Diagnostic::error(Code::FieldUnavailable, message).help(format!(
        "make it visible, or create it: Setup → Object Manager → {} → Fields & Relationships → {name} → Set Field-Level \
         Security{meant}",
        object.name
    ))
}

fn no_parent(name: &str, object: &ObjectDescribe) -> Diagnostic {
    let parents = object
        .fields
        .iter()
        .filter_map(|field| field.relationship_name.as_deref());
    let help = match nearest(name, parents) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match object.field(name).filter(|field| is_reference(field)) {
            Some(field) => {
                let parent = field.relationship_name.as_deref().unwrap_or(name);
                format!("`{name}` is the parent's Id; its fields are under `{parent}`")
            }
            None => "name a lookup field's relationship, as in `Owner.Name` or `Parent__r.Name`"
                .to_owned(),
        },
    };
    Diagnostic::error(
        Code::UnknownField,
        format!("`{}` has no parent `{name}`", object.name),
    )
    .help(help)
}

fn is_reference(field: &FieldDescribe) -> bool {
    !field.reference_to.is_empty()
}

/// The finding for child rows that the object does not have, at the template that uses a field of theirs, or at their
/// declaration where none does.
fn undeclarable(child: &ChildUse, object: &ObjectDescribe) -> Finding {
    let diagnostic = no_child(&child.relationship, object);
    match child.fields.first() {
        Some(used) => finding(used, diagnostic),
        None => Finding {
            pointer: format!("/source/related/{}", child.relationship),
            span: 0..0,
            diagnostic,
        },
    }
}

fn no_child(name: &str, object: &ObjectDescribe) -> Diagnostic {
    let children = object
        .child_relationships
        .iter()
        .filter_map(|child| child.relationship_name.as_deref());
    let help = match nearest(name, children) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name the child relationship, which is usually the plural of the child object"
            .to_owned(),
    };
    Diagnostic::error(
        Code::UnknownRelationship,
        format!("`{}` has no child rows `{name}`", object.name),
    )
    .help(help)
}

//! Which fields a read must select: inferred from the names that templates use, so that no column is listed twice.

use std::ops::Range;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::template::{Name, Template};

/// Names every template over a Salesforce record may use beside its fields.
pub const RECORD_NAMES: [&str; 3] = ["salesforce_id", "object", "deleted"];

/// Salesforce follows at most so many parents in one path.
///
/// Source: SOQL and SOSL Reference, "Understanding Relationship Query Limitations".
const PARENTS_MAX: usize = 5;

/// The fields that templates use, in the order they were first met; no path is there twice in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Paths of the row's own and its parents' fields, with the use that asked for each.
    pub fields: Vec<Used>,
    /// Child relationships, in the order the author declared them.
    pub children: Vec<ChildUse>,
}

/// A field path and the first template that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The parts between the dots.
    pub path: Vec<String>,
    /// JSON pointer of the template.
    pub pointer: String,
    /// Bytes of the template's text.
    pub span: Range<usize>,
}

/// A child relationship and the fields used of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildUse {
    /// The relationship, as the author spelled it.
    pub relationship: String,
    /// Field paths of the rows, with the uses.
    pub fields: Vec<Used>,
    /// Whether any template uses the relationship.
    pub is_used: bool,
}

/// A finding and where in which template it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// JSON pointer of the template.
    pub pointer: String,
    /// Bytes of the template's text.
    pub span: Range<usize>,
    /// The finding, at no place yet.
    pub diagnostic: Diagnostic,
}

impl Selection {
    /// A selection with the declared relationships and no fields.
    pub fn new(related: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            fields: Vec::new(),
            children: related
                .into_iter()
                .map(|relationship| ChildUse {
                    relationship: relationship.into(),
                    fields: Vec::new(),
                    is_used: false,
                })
                .collect(),
        }
    }

    /// Takes in the names of one template.
    pub fn add(&mut self, pointer: &str, template: &Template) -> Vec<Finding> {
        template
            .names()
            .iter()
            .filter_map(|name| self.add_name(pointer, name))
            .collect()
    }

    /// The paths as SOQL names them.
    pub fn columns(&self) -> Vec<String> {
        self.fields.iter().map(|used| used.path.join(".")).collect()
    }

    fn add_name(&mut self, pointer: &str, name: &Name) -> Option<Finding> {
        let first = name.path.first()?;
        if RECORD_NAMES.contains(&first.as_str()) {
            return None;
        }
        let finding = |diagnostic: Diagnostic| {
            Some(Finding {
                pointer: pointer.to_owned(),
                span: name.span.clone(),
                diagnostic,
            })
        };
        if let Some(child) = self
            .children
            .iter_mut()
            .find(|child| child.relationship.eq_ignore_ascii_case(first))
        {
            child.is_used = true;
            if name.path.len() > 1 {
                return finding(child_as_parent(&name.path));
            }
            for item in &name.items {
                push(&mut child.fields, item, pointer, &name.span);
            }
            return None;
        }
        if name.is_list {
            return finding(self.not_related(first));
        }
        if name.path.len() > PARENTS_MAX + 1 {
            return finding(
                Diagnostic::error(
                    Code::PathTooLong,
                    format!(
                        "`{}` follows {} parents",
                        name.path.join("."),
                        name.path.len() - 1
                    ),
                )
                .help(format!("Salesforce follows at most {PARENTS_MAX}")),
            );
        }
        push(&mut self.fields, &name.path, pointer, &name.span);
        None
    }

    fn not_related(&self, name: &str) -> Diagnostic {
        let known = self
            .children
            .iter()
            .map(|child| child.relationship.as_str());
        let help = match nearest(name, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare the child rows under `source.related: {{ {name}: {{}} }}`"),
        };
        Diagnostic::error(
            Code::RelatedMissing,
            format!("`{name}` is used as a list, but no related rows of that name are read"),
        )
        .help(help)
    }
}

fn child_as_parent(path: &[String]) -> Diagnostic {
    Diagnostic::error(
        Code::RelatedMissing,
        format!("`{}` takes a field of a list of child rows", path.join(".")),
    )
    .help(format!(
        "name the rows meant, as in `{{{{ {} | map(attribute='{}') | first }}}}`",
        path[0],
        path[1..].join(".")
    ))
}

fn push(fields: &mut Vec<Used>, path: &[String], pointer: &str, span: &Range<usize>) {
    let same = |used: &Used| {
        used.path.len() == path.len()
            && used
                .path
                .iter()
                .zip(path)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    if !fields.iter().any(same) {
        fields.push(Used {
            path: path.to_vec(),
            pointer: pointer.to_owned(),
            span: span.clone(),
        });
    }
}

/// Checks the names of a template that sees the mapped profile: attributes and the names the sections give.
pub fn check_mapped(pointer: &str, template: &Template, known: &[&str]) -> Vec<Finding> {
    template
        .names()
        .iter()
        .filter_map(|name| {
            let first = name.path.first()?;
            if known.contains(&first.as_str()) {
                return None;
            }
            let help = match nearest(first, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "map it in `field_map` first: templates behind the map see attributes, not fields"
                    .to_owned(),
            };
            Some(Finding {
                pointer: pointer.to_owned(),
                span: name.span.clone(),
                diagnostic: Diagnostic::error(
                    Code::UnknownName,
                    format!("`{first}` is neither an attribute nor a name that is there"),
                )
                .help(help),
            })
        })
        .collect()
}

//! The environment variables that a part of the project file asks for, and those of them that are not set.

use crate::foundation::diagnostic::Place;

use super::document::Document;
use super::project::Project;
use super::text::{EnvPart, EnvText};
use super::tree::{self, Kind, Node};

/// A variable that is not set, or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// Its name.
    pub name: String,
    /// The `${NAME}` that asks for it.
    pub place: Place,
}

/// Every variable under `pointer` for which `lookup` gives nothing or an empty text, in the order of the file.
///
/// `/connections/salesforce` is one connection, `/store` the store, and the empty pointer the whole file.
pub fn unset(
    project: &Document<Project>,
    pointer: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Vec<Unset> {
    let mut found = Vec::new();
    if let Some(node) = project.tree.at(pointer) {
        walk(node, pointer, &mut |pointer, text| {
            for part in EnvText::new(text).parts().into_iter().flatten() {
                let EnvPart::Variable(name, span) = part else {
                    continue;
                };
                if lookup(name).is_none_or(|value| value.is_empty()) {
                    found.push(Unset {
                        name: name.to_owned(),
                        place: project.text_place(pointer, span),
                    });
                }
            }
        });
    }
    found
}

fn walk(node: &Node, pointer: &str, visit: &mut impl FnMut(&str, &str)) {
    match &node.kind {
        Kind::Text(text) => visit(pointer, &text.value),
        Kind::Map(entries) => {
            for entry in entries {
                walk(&entry.value, &tree::join(pointer, &entry.key), visit);
            }
        }
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{index}"), visit);
            }
        }
        _ => {}
    }
}

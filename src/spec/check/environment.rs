//! `${NAME}`: well-formed in the project file, nowhere in a pipeline.

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;

use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;
use crate::spec::project::Project;
use crate::spec::text::{EnvError, EnvText};
use crate::spec::tree::{self, Kind, Node};

/// Refuses `${` in every text of a pipeline.
pub(super) fn refuse(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    if !document.file.text.contains("${") {
        return;
    }
    each_text(&document.tree, "", &mut |pointer, text| {
        let Some(start) = text.find("${") else { return };
        let end = text[start..]
            .find('}')
            .map_or(text.len(), |brace| start + brace + 1);
        let finding = Diagnostic::error(
            Code::VariableInPipeline,
            "`${…}` stands for an environment variable in `bridged.yaml` only",
        )
        .at(document.text_place(pointer, start..end))
        .help("move the value into `bridged.yaml`, or write it out: a pipeline says the same everywhere");
        found.push(finding);
    });
}

/// Finds malformed references in every text of a project file.
pub(super) fn check(document: &Document<Project>, found: &mut Vec<Diagnostic>) {
    each_text(&document.tree, "", &mut |pointer, text| {
        if let Err(EnvError::Malformed(span)) = EnvText::new(text).parts() {
            let finding = Diagnostic::error(
                Code::VariableMalformed,
                format!("`{}` does not name a variable", &text[span.clone()]),
            )
            .at(document.text_place(pointer, span))
            .help("write `${NAME}` with letters, digits and `_`, or `$${` for a plain `${`");
            found.push(finding);
        }
    });
}

fn each_text(node: &Node, pointer: &str, visit: &mut impl FnMut(&str, &str)) {
    match &node.kind {
        Kind::Text(text) => visit(pointer, &text.value),
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(item, &format!("{pointer}/{index}"), visit);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                each_text(&entry.value, &tree::join(pointer, &entry.key), visit);
            }
        }
        _ => {}
    }
}

//! `${NAME}`: well-formed in the project file, nowhere in a pipeline.

use std::sync::Arc;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, SourceFile};

use crate::spec::document;
use crate::spec::forms;
use crate::spec::text::{EnvError, EnvText};
use crate::spec::tree::{Kind, Node};

/// Refuses `${` in every text of a pipeline.
pub(in crate::spec) fn refuse(file: &Arc<SourceFile>, root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if !file.text.contains("${") {
        return found;
    }
    each_text(root, &mut |node, text| {
        let Some(start) = text.find("${") else { return };
        let end = text[start..]
            .find('}')
            .map_or(text.len(), |brace| start + brace + 1);
        let message = "`${…}` stands for an environment variable in `bridged.yaml` only";
        let finding = Diagnostic::error(Code::VariableInPipeline, message)
            .at(document::stretch_of(file, node, start..end))
            .help("move the value into `bridged.yaml`, or write it out: a pipeline says the same everywhere");
        found.push(finding);
    });
    found
}

/// Finds malformed references in every text of a project file.
pub(in crate::spec) fn malformed(file: &Arc<SourceFile>, root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    each_text(root, &mut |node, text| {
        if let Err(EnvError::Malformed(span)) = EnvText::new(text).parts() {
            let message = format!(
                "`{}` does not name a variable",
                forms::shown(&text[span.clone()])
            );
            let finding = Diagnostic::error(Code::VariableMalformed, message)
                .at(document::stretch_of(file, node, span))
                .help("write `${NAME}` with letters, digits and `_`, or `$${` for a plain `${`");
            found.push(finding);
        }
    });
    found
}

fn each_text(node: &Node, visit: &mut impl FnMut(&Node, &str)) {
    match &node.kind {
        Kind::Text(text) => visit(node, &text.value),
        Kind::List(items) => items.iter().for_each(|item| each_text(item, visit)),
        Kind::Map(entries) => entries
            .iter()
            .for_each(|entry| each_text(&entry.value, visit)),
        _ => {}
    }
}

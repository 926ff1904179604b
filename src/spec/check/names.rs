//! Names: attributes that would hide what is always there, lists that name nothing, pipelines that share a name.

use std::collections::HashMap;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, Place, nearest};

use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;
use crate::spec::tree;

/// What templates see whatever the field map says.
const ALWAYS_THERE: [&str; 13] = [
    "salesforce_id",
    "object",
    "deleted",
    "profile",
    "outcome",
    "engagement",
    "consent",
    "opted_out",
    "score",
    "grade",
    "qualified",
    "score_reasons",
    "targets",
];

/// Words that a template reads as part of its language.
const WORDS: [&str; 15] = [
    "true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else",
    "for", "loop",
];

pub(super) fn check(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    let pipeline = &document.spec;
    for name in pipeline.field_map.keys() {
        let reason = if ALWAYS_THERE.contains(&name.as_str()) {
            "is always there for templates"
        } else if WORDS.contains(&name.as_str()) {
            "is a word of the template language"
        } else {
            continue;
        };
        let pointer = tree::join("/field_map", name.as_str());
        let finding = Diagnostic::error(Code::ReservedName, format!("the name `{name}` {reason}"))
            .at(document.key_place(&pointer))
            .help(format!(
                "choose another name for the attribute, such as `lead_{}`",
                name.as_str().to_lowercase()
            ));
        found.push(finding);
    }
    sensitive(document, found);
}

fn sensitive(document: &Document<Pipeline>, found: &mut Vec<Diagnostic>) {
    let pipeline = &document.spec;
    let known: Vec<&str> = pipeline
        .field_map
        .keys()
        .map(crate::spec::name::AttributeName::as_str)
        .chain(pipeline.targets.values().flat_map(|target| {
            target
                .field_map
                .keys()
                .map(crate::spec::name::FieldPath::as_str)
        }))
        .collect();
    for (index, name) in pipeline.sensitive.iter().enumerate() {
        if known.contains(&name.as_str()) {
            continue;
        }
        let finding = Diagnostic::error(
            Code::UnknownSensitiveName,
            format!("`{name}` is neither an attribute nor a field of a target"),
        )
        .at(document.place(&format!("/sensitive/{index}")));
        found.push(match nearest(name.as_str(), known.iter().copied()) {
            Some(meant) => finding.help(format!("did you mean `{meant}`?")),
            None => finding.help("remove it, or map it"),
        });
    }
}

/// Pipelines that have the name of an earlier one.
pub(super) fn unique(pipelines: &[Document<Pipeline>]) -> Vec<Diagnostic> {
    let mut first: HashMap<&str, Place> = HashMap::new();
    let mut found = Vec::new();
    for document in pipelines {
        let name = document.spec.name.as_str();
        let place = document.place("/name");
        match first.get(name) {
            Some(earlier) => found.push(
                Diagnostic::error(
                    Code::DuplicatePipeline,
                    format!(
                        "`{}` already has a pipeline called `{name}`",
                        earlier.file.path
                    ),
                )
                .at(place)
                .related(earlier.clone(), "the other one")
                .help("rename one of the two"),
            ),
            None => {
                first.insert(name, place);
            }
        }
    }
    found
}

//! What can be said about a file from the file alone, and about files beside each other: one idea a file.

mod connections;
pub(super) mod environment;
mod names;
mod playbook;
mod project;
mod schedule;
mod score;
mod target;

use crate::foundation::diagnostic::Diagnostic;

use super::document::Document;
use super::pipeline::Pipeline;
use super::project::Project;

/// Everything wrong with one pipeline by itself.
pub fn pipeline(document: &Document<Pipeline>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    names::check(document, &mut found);
    playbook::check(document, &mut found);
    schedule::check(document, &mut found);
    score::check(document, &mut found);
    target::check(document, &mut found);
    found
}

/// Everything wrong with a project file by itself.
pub fn project(document: &Document<Project>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    project::check(document, &mut found);
    found
}

/// Everything wrong with files beside each other: connections that are not there, objects past the allow-list,
/// names given twice.
pub fn together(
    project: Option<&Document<Project>>,
    pipelines: &[Document<Pipeline>],
) -> Vec<Diagnostic> {
    let mut found = names::unique(pipelines);
    if let Some(project) = project {
        for pipeline in pipelines {
            connections::check(project, pipeline, &mut found);
        }
    }
    found
}

//! Whether a pipeline can read what it asks for: the object, each field, each kind of child rows.

use crate::foundation::error::Error;
use crate::plan::Plan;
use crate::plan::infer::Used;
use crate::plan::snapshot::{self, Snapshots};

use super::described;
use super::step::Step;

/// The word behind what can be read.
const READABLE: &str = "readable";

pub(super) fn check(plan: &Plan, snapshots: &Snapshots, missing: &[Error]) -> Vec<Step> {
    let Some(read) = plan.read() else {
        return Vec::new();
    };
    let object = &read.query.object;
    let described = match described::readable(object, snapshots, missing) {
        Ok(described) => described,
        Err(finding) => return vec![Step::failed(object, *finding)],
    };
    let mut steps = vec![Step::found(object, READABLE)];
    let wrong = snapshot::check(&read.selection, described, snapshots);
    for used in &read.selection.fields {
        let name = used.path.join(".");
        let found = wrong
            .iter()
            .find(|finding| finding.pointer == used.pointer && finding.span == used.span);
        let found = found.map(|finding| finding.diagnostic.clone());
        steps.push(Step::of(name, found, READABLE));
    }
    for child in &read.selection.children {
        let declared = format!("/source/related/{}", child.relationship);
        let found = wrong.iter().find(|finding| {
            let is_of = |used: &Used| used.pointer == finding.pointer && used.span == finding.span;
            finding.pointer == declared || child.fields.iter().any(is_of)
        });
        let found = found.map(|finding| finding.diagnostic.clone());
        steps.push(Step::of(&child.relationship, found, READABLE));
    }
    steps
}

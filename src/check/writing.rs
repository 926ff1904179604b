//! Whether a pipeline can write what it writes: each target's object, key and fields, by what its operation needs.

use crate::foundation::error::Error;
use crate::plan::Plan;
use crate::plan::snapshot::Snapshots;
use crate::plan::writable;
use crate::spec::target::Operation;

use super::described;
use super::step::Step;

pub(super) fn check(plan: &Plan, snapshots: &Snapshots, missing: &[Error]) -> Vec<Step> {
    let mut steps = Vec::new();
    for target in plan.targets() {
        let object = &target.object;
        let name = format!("{} of {object}", target.operation.as_str());
        let described = match described::seen(object, snapshots, missing) {
            Ok(described) => described,
            Err(finding) => {
                steps.push(Step::failed(name, *finding));
                continue;
            }
        };
        let wrong = writable::check(target, described, snapshots);
        let at = |part: &str| {
            let pointer = format!("/targets/{}/{part}", target.name);
            let found = wrong.iter().find(|finding| finding.pointer == pointer);
            found.map(|finding| finding.diagnostic.clone())
        };
        let may = rights(target.operation);
        steps.push(Step::of(name, at("object"), may));
        if let Some((key, _)) = &target.key {
            let is_id = key.eq_ignore_ascii_case("Id");
            let detail = if is_id {
                "the row's own Id"
            } else {
                "external id, unique, indexed"
            };
            steps.push(Step::of(key, at(&format!("match/{key}")), detail));
        }
        for (field, _) in &target.fields {
            steps.push(Step::of(field, at(&format!("field_map/{field}")), may));
        }
        // Fields that a new row needs and the map does not set.
        steps.extend(at("field_map").map(|finding| Step::failed("required fields", finding)));
    }
    steps
}

/// What an operation needs, as a description says it of an object or a field.
const fn rights(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "createable",
        Operation::Update => "updateable",
        Operation::Upsert => "createable and updateable",
    }
}

//! Pipelines held against what the org says of their objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::org::Org;
use super::outcome::Stop;
use super::runtime;
use super::workspace::{Checked, Workspace};
use crate::check::described;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::Error;
use crate::plan::Plan;
use crate::plan::snapshot::Snapshots;
use crate::plan::step::StepKind;
use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;

/// Compiles the project's pipelines against what the org says, and tells everything that was found.
///
/// # Errors
/// What keeps the org from answering.
pub fn check(workspace: &Workspace) -> Result<Checked, Stop> {
    let offline = workspace.check();
    let mut connections: BTreeMap<String, Vec<Arc<Plan>>> = BTreeMap::new();
    for plan in &offline.plans {
        connections
            .entry(plan.connection.clone())
            .or_default()
            .push(Arc::clone(plan));
    }
    let (described, missing) = runtime::block_on(async {
        let org = Org::open(workspace).await?;
        let mut described: BTreeMap<String, Snapshots> = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, plans) in connections {
            let client = org.client(&name, None)?;
            let (snapshots, unseen) = described::describe(&client, &plans).await?;
            missing.extend(
                plans
                    .iter()
                    .flat_map(|plan| unseen_objects(workspace, plan, &unseen)),
            );
            for plan in &plans {
                described.insert(plan.pipeline.to_string(), snapshots.clone());
            }
        }
        Ok::<_, Error>((described, missing))
    })??;
    let nothing = Snapshots::default();
    let of = |document: &Document<Pipeline>| {
        described
            .get(document.spec.name.as_str())
            .unwrap_or(&nothing)
    };
    let mut checked = workspace.check_against(of);
    checked.plans.retain(|plan| {
        let file = workspace
            .document(&plan.pipeline)
            .map(|document| &document.file);
        !missing
            .iter()
            .any(|finding: &Diagnostic| finding.place.as_ref().map(|place| &place.file) == file)
    });
    checked.findings.extend(missing);
    super::findings::sort(&mut checked.findings);
    Ok(checked)
}

/// A finding for each object of a plan that the org does not show, at the place that names it.
fn unseen_objects(workspace: &Workspace, plan: &Plan, unseen: &[Error]) -> Vec<Diagnostic> {
    let Some(document) = workspace.document(&plan.pipeline) else {
        return Vec::new();
    };
    let places = plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Read(read) => Some(("/source/object".to_owned(), &read.query.object)),
        StepKind::Target(target) => {
            Some((format!("/targets/{}/object", target.name), &target.object))
        }
        _ => None,
    });
    let mut found = Vec::new();
    for (pointer, object) in places {
        let quoted = format!("`{object}`");
        if let Some(error) = unseen
            .iter()
            .find(|error| error.message().contains(&quoted))
        {
            found.push(super::findings::of_error(error).at(document.place(&pointer)));
        }
    }
    found
}

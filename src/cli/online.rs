//! What the org says of the objects that plans use: fetched, and held against the pipelines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::connect::Org;
use super::outcome::Stop;
use super::runtime;
use super::workspace::{Checked, Workspace};
use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;
use crate::plan::snapshot::Snapshots;
use crate::plan::step::StepKind;
use crate::salesforce::client::Client;
use crate::salesforce::describe::ObjectDescribe;
use crate::spec::document::Document;
use crate::spec::pipeline::Pipeline;

/// The objects that plans read and write, sorted.
pub fn objects(plans: &[Arc<Plan>]) -> Vec<String> {
    let all: BTreeSet<String> = plans.iter().flat_map(|plan| of_plan(plan)).collect();
    all.into_iter().collect()
}

fn of_plan(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter_map(|step| match &step.kind {
            StepKind::Read(read) => Some(read.query.object.clone()),
            StepKind::Target(target) => Some(target.object.clone()),
            _ => None,
        })
        .collect()
}

/// Describes the objects of the plans, and the parents and child objects that their templates go through.
///
/// An object that the org does not show is left out: the compiler then says nothing about it, and the caller must.
pub async fn describe(client: &Client, plans: &[Arc<Plan>]) -> Result<(Snapshots, Vec<Error>)> {
    let mut snapshots = Snapshots::default();
    let mut missing = Vec::new();
    let mut wanted: Vec<String> = objects(plans);
    let mut asked = BTreeSet::new();
    let used = used_relationships(plans);
    while let Some(name) = wanted.pop() {
        if !asked.insert(name.to_lowercase()) {
            continue;
        }
        match client.describe(&name, None).await {
            Ok(answer) => {
                wanted.extend(neighbours(&answer.object, &used));
                snapshots.insert(answer.object.as_ref().clone());
            }
            Err(error) if error.code() == Code::ObjectUnavailable => missing.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok((snapshots, missing))
}

/// The relationships that any template goes through, in lower case.
fn used_relationships(plans: &[Arc<Plan>]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for read in plans.iter().filter_map(|plan| plan.read()) {
        for field in &read.selection.fields {
            let parents = field.path.iter().rev().skip(1);
            used.extend(parents.map(|name| name.to_lowercase()));
        }
        for child in &read.selection.children {
            used.insert(child.relationship.to_lowercase());
        }
    }
    for target in plans.iter().flat_map(|plan| plan.targets()) {
        let parents = target.fields.iter();
        let parents = parents.filter_map(|(path, _)| path.split_once('.'));
        used.extend(parents.map(|(parent, _)| parent.to_lowercase()));
    }
    used
}

/// The objects at the other ends of an object's used relationships.
fn neighbours(object: &ObjectDescribe, used: &BTreeSet<String>) -> Vec<String> {
    let is_used = |name: &Option<String>| {
        name.as_ref()
            .is_some_and(|name| used.contains(&name.to_lowercase()))
    };
    let parents = object
        .fields
        .iter()
        .filter(|field| is_used(&field.relationship_name))
        .flat_map(|field| field.reference_to.clone());
    let children = object
        .child_relationships
        .iter()
        .filter(|child| is_used(&child.relationship_name))
        .map(|child| child.child_object.clone());
    parents.chain(children).collect()
}

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
            let (snapshots, unseen) = describe(&client, &plans).await?;
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

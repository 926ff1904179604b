//! What the org says of the objects that plans use.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::Diagnostic;
use crate::foundation::error::{Error, Result};
use crate::plan::Plan;
use crate::plan::snapshot::Snapshots;
use crate::plan::step::StepKind;
use crate::salesforce::client::Client;
use crate::salesforce::describe::ObjectDescribe;

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

/// An object that the org shows, or why it does not.
pub(super) fn seen<'s>(
    object: &str,
    snapshots: &'s Snapshots,
    missing: &[Error],
) -> Result<&'s ObjectDescribe, Box<Diagnostic>> {
    snapshots.get(object).ok_or_else(|| {
        let quoted = format!("`{object}`");
        let error = missing
            .iter()
            .find(|error| error.message().contains(&quoted));
        Box::new(error.map_or_else(|| unreadable(object, "see"), Diagnostic::from))
    })
}

/// An object that can be queried, or why it cannot.
pub(super) fn readable<'s>(
    object: &str,
    snapshots: &'s Snapshots,
    missing: &[Error],
) -> Result<&'s ObjectDescribe, Box<Diagnostic>> {
    let described = seen(object, snapshots, missing)?;
    if described.queryable {
        Ok(described)
    } else {
        Err(Box::new(unreadable(object, "query")))
    }
}

fn unreadable(object: &str, verb: &str) -> Diagnostic {
    let message = format!("the signed-in user may not {verb} `{object}`");
    Diagnostic::error(Code::ObjectUnavailable, message).help(format!(
        "tick `Read`: Setup → Permission Sets → a set of the user → Object Settings → {object}"
    ))
}

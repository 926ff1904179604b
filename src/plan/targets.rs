//! Compiling the `targets` section: each target's templates, and which other targets it waits for.

use std::collections::BTreeSet;

use crate::foundation::code::Code;
use crate::spec::name::AttributeName;
use crate::spec::pipeline::Pipeline;
use crate::spec::source::Source;
use crate::spec::target::{Operation, Target as Section};
use crate::spec::text::FieldValue;
use crate::template::Template;

use super::compile::not_among;
use super::expression::Expression;
use super::infer::Finding;
use super::scope::Names;
use super::step::StepKind;
use super::step::target::Target;
use super::texts::Texts;

/// One step for each target, in the author's order.
pub(super) fn compile(spec: &Pipeline, texts: &mut Texts<'_>) -> Vec<(String, StepKind)> {
    let names = Names::of_targets(spec);
    let known: BTreeSet<&str> = spec.targets.keys().map(AttributeName::as_str).collect();
    let mut steps = Vec::new();
    for (name, section) in &spec.targets {
        let target = target(name.as_str(), section, spec, &names, texts);
        let references = references(name.as_str(), &target, &known);
        texts.extend(references);
        steps.push((format!("target:{name}"), StepKind::Target(target)));
    }
    steps
}

fn target(
    name: &str,
    section: &Section,
    spec: &Pipeline,
    names: &Names,
    texts: &mut Texts<'_>,
) -> Target {
    let at = |part: &str| format!("/targets/{name}/{part}");
    let key = section.key.as_ref().and_then(|key| {
        let value = texts.mapped_value(&at(&format!("match/{}", key.field)), &key.value, names)?;
        Some((key.field.to_string(), value))
    });
    let when = section
        .when
        .as_ref()
        .and_then(|when| texts.mapped(&at("when"), when, names));
    let mut fields = Vec::new();
    for (field, value) in &section.field_map {
        let made = texts.mapped_value(&at(&format!("field_map/{field}")), value, names);
        fields.extend(made.map(|made| (field.to_string(), made)));
    }
    let mut target = Target {
        name: name.to_owned(),
        object: section.object.to_string(),
        operation: section.operation,
        key,
        when,
        fields,
        on_conflict: section.on_conflict.unwrap_or(spec.on_conflict),
        assignment_rule: section.assignment_rule.clone(),
        duplicate_rule: section.duplicate_rule,
        waits_for: Vec::new(),
        of_row: is_of_row(section, spec),
    };
    target.waits_for = awaited(&target);
    target
}

/// Whether a target updates the row its record was read from: the same object, found by `salesforce_id` alone.
fn is_of_row(section: &Section, spec: &Pipeline) -> bool {
    let Source::Object(source) = &spec.source else {
        return false;
    };
    let by_own_id = section.key.as_ref().is_some_and(|key| {
        key.is_id() && matches!(&key.value, FieldValue::Template(text) if is_own_id(text.as_str()))
    });
    section.operation == Operation::Update
        && by_own_id
        && section
            .object
            .as_str()
            .eq_ignore_ascii_case(source.object.as_str())
}

fn is_own_id(text: &str) -> bool {
    Template::compile(text).is_ok_and(|template| {
        template
            .is_field_reference()
            .is_some_and(|path| path == ["salesforce_id"])
    })
}

/// The fields that targets change of the very row that is read: selected too, so that only what differs is written.
pub(super) fn fields_of_row(spec: &Pipeline) -> Vec<String> {
    let of_row = spec
        .targets
        .values()
        .filter(|section| is_of_row(section, spec));
    of_row
        .flat_map(|section| section.field_map.keys())
        .map(ToString::to_string)
        .collect()
}

/// Every expression of a target with the pointer of its text.
fn expressions(target: &Target) -> Vec<(String, Expression)> {
    let at = |part: &str| format!("/targets/{}/{part}", target.name);
    let mut all = Vec::new();
    all.extend(
        target
            .key
            .iter()
            .map(|(field, value)| (at(&format!("match/{field}")), value.clone())),
    );
    all.extend(
        target
            .when
            .iter()
            .map(|when| (at("when"), Expression::Template(when.clone()))),
    );
    all.extend(
        target
            .fields
            .iter()
            .map(|(field, value)| (at(&format!("field_map/{field}")), value.clone())),
    );
    all
}

/// The targets whose ids are used, each once.
fn awaited(target: &Target) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, expression) in expressions(target) {
        for name in expression
            .names()
            .iter()
            .filter(|name| name.path[0] == "targets")
        {
            names.extend(
                name.path
                    .get(1)
                    .filter(|other| !names.contains(other))
                    .cloned(),
            );
        }
    }
    names
}

/// A reference must name a target of the pipeline, and its `id`.
fn references(own: &str, target: &Target, known: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (pointer, expression) in expressions(target) {
        for name in expression
            .names()
            .iter()
            .filter(|name| name.path[0] == "targets")
        {
            let diagnostic = match (name.path.get(1), name.path.get(2).map(String::as_str)) {
                (Some(other), Some("id")) if known.contains(other.as_str()) => continue,
                (Some(other), _) if !known.contains(other.as_str()) => {
                    let others: BTreeSet<&str> =
                        known.iter().copied().filter(|name| *name != own).collect();
                    not_among(
                        Code::UnknownTarget,
                        format!("there is no target `{other}`"),
                        other,
                        &others,
                    )
                }
                (other, _) => {
                    let other = other.map_or("NAME", String::as_str);
                    not_among(
                        Code::UnknownTarget,
                        format!("`{}` is not the id of a target", name.path.join(".")),
                        "",
                        &BTreeSet::new(),
                    )
                    .help(format!("write `targets.{other}.id`"))
                }
            };
            findings.push(Finding {
                pointer: pointer.clone(),
                span: name.span.clone(),
                diagnostic,
            });
        }
    }
    findings
}

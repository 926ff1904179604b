//! The compiler: a pipeline and its project become a plan, or findings.

use std::collections::BTreeSet;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::{Diagnostic, nearest};
use crate::foundation::id::{Fingerprint, PipelineName};
use crate::spec::document::Document;
use crate::spec::pipeline::{Consent, Pipeline, Score as ScoreSection};
use crate::spec::project::Project;
use crate::spec::source::{ObjectSource, RecordsSource, Source};

use super::expression::Expression;
use super::graph::Graph;
use super::infer::Selection;
use super::query::{ChildQuery, Query};
use super::scope::Names;
use super::snapshot::{self, Snapshots};
use super::step::filter::Filter;
use super::step::map::Map;
use super::step::profiles::Profiles;
use super::step::read::Read;
use super::step::records::Records;
use super::step::score::{Rule, Score};
use super::step::{Step, StepKind};
use super::texts::Texts;
use super::{Batch, Carries, Edge, Guards, OnError, Plan, broadcasts, render, targets, writable};

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The pipeline.
    pub pipeline: &'a Document<Pipeline>,
    /// Its project.
    pub project: &'a Document<Project>,
    /// The objects that are described; what is not described is not checked.
    pub snapshots: &'a Snapshots,
}

/// Makes the plan from its arguments alone (I1), and tells everything that is wrong. A plan comes out when no finding is an error.
pub fn compile(input: &Input<'_>) -> (Option<Plan>, Vec<Diagnostic>) {
    let mut texts = Texts::new(input.pipeline);
    let spec = &input.pipeline.spec;
    let mut nodes: Vec<(String, StepKind)> = Vec::new();
    match &spec.source {
        Source::Object(source) => nodes.extend(reading(spec, source, input.snapshots, &mut texts)),
        Source::Records(source) => nodes.push(records(source, &mut texts)),
    }
    let names = Names::behind_the_map(spec);
    nodes.extend(spec.filter.as_ref().and_then(|filter| {
        let keep = texts.mapped("/filter", filter, &names)?;
        Some(("filter".to_owned(), StepKind::Filter(Filter { keep })))
    }));
    nodes.extend(
        spec.score
            .as_ref()
            .map(|section| score(section, spec, &mut texts)),
    );
    if matches!(spec.source, Source::Object(_)) {
        nodes.push(("profiles".to_owned(), StepKind::Profiles(Profiles)));
    }
    nodes.extend(targets::compile(spec, &mut texts));
    for (_, kind) in &nodes {
        if let StepKind::Target(target) = kind
            && let Some(object) = input.snapshots.get(&target.object)
        {
            texts.extend(writable::check(target, object, input.snapshots));
        }
    }
    nodes.extend(broadcasts::compile(spec, &input.project.spec, &mut texts));
    let edges = edges(&nodes);
    let order = order(&nodes, &edges, &mut texts);
    let findings = texts.into_findings();
    let plan = order
        .filter(|_| !findings.iter().any(Diagnostic::is_error))
        .and_then(|order| assemble(input, nodes, &edges, &order));
    (plan, findings)
}

/// The steps of a pipeline that reads Salesforce: read, then map.
fn reading(
    spec: &Pipeline,
    source: &ObjectSource,
    snapshots: &Snapshots,
    texts: &mut Texts<'_>,
) -> Vec<(String, StepKind)> {
    let mut selection = Selection::new(source.related.keys().map(ToString::to_string));
    let map = map(spec, &mut selection, texts);
    texts.condition("/source/where", source.condition.as_deref());
    for (name, related) in &source.related {
        texts.condition(
            &format!("/source/related/{name}/where"),
            related.condition.as_deref(),
        );
        texts.order(
            &format!("/source/related/{name}/order_by"),
            related.order_by.as_deref(),
        );
    }
    for child in selection.children.iter().filter(|child| !child.is_used) {
        texts.push(
            Diagnostic::warning(
                Code::RelatedUnused,
                format!("no template uses the child rows `{}`", child.relationship),
            )
            .at(texts
                .document()
                .key_place(&format!("/source/related/{}", child.relationship)))
            .help("take them out: reading them costs time and API calls"),
        );
    }
    let described = snapshots.get(source.object.as_str());
    if let Some(object) = described {
        texts.extend(snapshot::check(&selection, object, snapshots));
    }
    let read = Read {
        query: query(source, &selection, targets::fields_of_row(spec)),
        selection,
        page_size: source.page_size,
        overlap: source
            .overlap
            .as_duration()
            .try_into()
            .unwrap_or(jiff::SignedDuration::MAX),
        stamp: described.and_then(snapshot::stamp_field),
    };
    vec![
        ("read".to_owned(), StepKind::Read(read)),
        ("map".to_owned(), StepKind::Map(map)),
    ]
}

fn map(spec: &Pipeline, selection: &mut Selection, texts: &mut Texts<'_>) -> Map {
    let mut attributes = Vec::new();
    for (name, value) in &spec.field_map {
        let made = texts.selecting(&format!("/field_map/{name}"), value, selection);
        attributes.extend(made.map(|made| (name.to_string(), made)));
    }
    let key = spec
        .profile_key
        .as_ref()
        .and_then(|key| texts.selecting_text("/profile_key", key, selection));
    let mut consent = Vec::new();
    if let Some(Consent {
        whatsapp,
        source,
        at,
    }) = &spec.consent
    {
        let entries = [
            ("whatsapp", Some(whatsapp)),
            ("source", source.as_ref()),
            ("at", at.as_ref()),
        ];
        for (name, text) in entries {
            let made = text.and_then(|text| {
                texts.selecting_text(&format!("/consent/{name}"), text, selection)
            });
            consent.extend(made.map(|made| (name.to_owned(), Expression::Template(made))));
        }
    }
    Map {
        key,
        attributes,
        consent,
    }
}

fn query(source: &ObjectSource, selection: &Selection, written: Vec<String>) -> Query {
    let mut fields = vec!["Id".to_owned()];
    for column in selection.columns().into_iter().chain(written) {
        if !fields
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&column))
        {
            fields.push(column);
        }
    }
    let children = selection
        .children
        .iter()
        .filter(|child| child.is_used)
        .map(|child| {
            let related = source.related.get(child.relationship.as_str());
            let mut fields: Vec<String> = child
                .fields
                .iter()
                .map(|used| used.path.join("."))
                .collect();
            if fields.is_empty() {
                fields.push("Id".to_owned());
            }
            ChildQuery {
                relationship: child.relationship.clone(),
                fields,
                condition: related.and_then(|related| related.condition.clone()),
                order: related.and_then(|related| related.order_by.clone()),
                limit: related.and_then(|related| related.limit),
            }
        });
    Query {
        object: source.object.to_string(),
        fields,
        children: children.collect(),
        condition: source.condition.clone(),
        include_deleted: source.include_deleted,
        incremental: source.incremental.unwrap_or(true),
    }
}

fn records(source: &RecordsSource, texts: &mut Texts<'_>) -> (String, StepKind) {
    let names = Names::of_records(source.records);
    let when = source
        .when
        .as_ref()
        .and_then(|when| texts.mapped("/source/when", when, &names));
    (
        "records".to_owned(),
        StepKind::Records(Records {
            kind: source.records,
            when,
        }),
    )
}

fn score(section: &ScoreSection, spec: &Pipeline, texts: &mut Texts<'_>) -> (String, StepKind) {
    let names = Names::before_scoring(spec);
    let rules = section
        .rules
        .iter()
        .enumerate()
        .filter_map(|(place, rule)| {
            let when = texts.mapped(&format!("/score/rules/{place}/when"), &rule.when, &names)?;
            Some(Rule {
                name: rule.name.clone(),
                when,
                points: rule.points,
            })
        });
    let rules = rules.collect();
    let mut grades: Vec<(String, i64)> = section
        .grades
        .iter()
        .map(|(name, from)| (name.clone(), *from))
        .collect();
    grades.sort_by_key(|(_, from)| std::cmp::Reverse(*from));
    let score = Score {
        base: section.base,
        rules,
        clamp: section.clamp,
        grades,
        qualified_at: section.qualified_at,
    };
    ("score".to_owned(), StepKind::Score(score))
}

/// The chain of steps, and from its end to each target and the broadcast; between targets, the ids they wait for.
fn edges(nodes: &[(String, StepKind)]) -> Vec<Edge> {
    let is_end = |kind: &StepKind| matches!(kind, StepKind::Target(_) | StepKind::Broadcast(_));
    let chain: Vec<usize> = (0..nodes.len())
        .filter(|place| !is_end(&nodes[*place].1))
        .collect();
    let flow = |from: usize| match nodes[from].1 {
        StepKind::Read(_) | StepKind::Records(_) => Carries::Records,
        _ => Carries::Profiles,
    };
    let mut edges: Vec<Edge> = chain
        .windows(2)
        .map(|pair| Edge {
            from: pair[0],
            to: pair[1],
            carries: flow(pair[0]),
        })
        .collect();
    for (to, (_, kind)) in nodes
        .iter()
        .enumerate()
        .filter(|(_, (_, kind))| is_end(kind))
    {
        edges.extend(chain.last().map(|from| Edge {
            from: *from,
            to,
            carries: flow(*from),
        }));
        let StepKind::Target(target) = kind else {
            continue;
        };
        for name in &target.waits_for {
            let awaited = |(_, kind): &(String, StepKind)| matches!(kind, StepKind::Target(t) if t.name == *name);
            edges.extend(nodes.iter().position(awaited).map(|from| Edge {
                from,
                to,
                carries: Carries::Ids,
            }));
        }
    }
    edges
}

fn order(
    nodes: &[(String, StepKind)],
    edges: &[Edge],
    texts: &mut Texts<'_>,
) -> Option<Vec<usize>> {
    let mut graph = Graph::new(nodes.len());
    for edge in edges {
        graph.edge(edge.from, edge.to);
    }
    match graph.order() {
        Ok(order) => Some(order),
        Err(cycle) => {
            let names: Vec<&str> = cycle
                .iter()
                .chain(cycle.first())
                .filter_map(|place| match &nodes[*place].1 {
                    StepKind::Target(target) => Some(target.name.as_str()),
                    _ => None,
                })
                .collect();
            let pointer = format!("/targets/{}", names.first().unwrap_or(&""));
            texts.push(
                Diagnostic::error(
                    Code::TargetCycle,
                    format!("targets wait for each other: {}", names.join(" -> ")),
                )
                .at(texts.document().key_place(&pointer))
                .help("let one of them do without the other's id"),
            );
            None
        }
    }
}

fn assemble(
    input: &Input<'_>,
    nodes: Vec<(String, StepKind)>,
    edges: &[Edge],
    order: &[usize],
) -> Option<Plan> {
    let spec = &input.pipeline.spec;
    let mut graph = Graph::new(nodes.len());
    for edge in edges {
        graph.edge(edge.from, edge.to);
    }
    let waves = graph.waves(order);
    let place_of = |node: usize| order.iter().position(|n| *n == node).unwrap_or_default();
    let mut edges: Vec<Edge> = edges
        .iter()
        .map(|edge| Edge {
            from: place_of(edge.from),
            to: place_of(edge.to),
            carries: edge.carries,
        })
        .collect();
    edges.sort_by_key(|edge| (edge.from, edge.to));
    let mut nodes: Vec<Option<(String, StepKind)>> = nodes.into_iter().map(Some).collect();
    let steps = order.iter().filter_map(|node| {
        let (name, kind) = nodes[*node].take()?;
        Some(Step {
            name,
            wave: waves.get(node).copied().unwrap_or_default(),
            kind,
        })
    });
    let mut plan = Plan {
        pipeline: PipelineName::parse(spec.name.as_str())?,
        playbook: spec.playbook,
        direction: spec.direction,
        connection: connection(spec, &input.project.spec),
        steps: steps.collect(),
        edges,
        batch: Batch {
            size: spec.batch.size,
            concurrency: spec.batch.concurrency,
        },
        on_error: OnError {
            max_attempts: spec.on_error.max_attempts,
            max_rejected: spec.on_error.max_rejected,
        },
        guards: Guards {
            max_creates: spec.guards.max_creates.map(u64::from),
            max_updates: spec.guards.max_updates.map(u64::from),
            max_changed_percent: spec.guards.max_changed_percent,
            protected_fields: spec
                .guards
                .protected_fields
                .iter()
                .map(ToString::to_string)
                .collect(),
        },
        sensitive: spec.sensitive.iter().map(ToString::to_string).collect(),
        fingerprint: Fingerprint::of(""),
    };
    // I2: the fingerprint covers what is shown, so what was shown is what runs.
    plan.fingerprint = Fingerprint::of(&render::canonical(&plan));
    Some(plan)
}

/// The Salesforce connection by name: the one that is named, or the only one there is.
fn connection(spec: &Pipeline, project: &Project) -> String {
    let named = spec.connection.as_ref().map(ToString::to_string);
    let only = || {
        let mut known = project
            .connections
            .iter()
            .filter(|(_, c)| c.salesforce().is_some());
        known.next().map(|(name, _)| name.to_string())
    };
    named.or_else(only).unwrap_or_default()
}

/// A finding for a word that is not among the known ones, with the nearest of them.
pub(super) fn not_among(
    code: Code,
    message: String,
    word: &str,
    known: &BTreeSet<&str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::error(code, message);
    match nearest(word, known.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => diagnostic,
        None => {
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            diagnostic.help(format!("there is {}", known.join(", ")))
        }
    }
}

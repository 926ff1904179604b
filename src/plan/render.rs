//! A plan as text, JSON, Mermaid and DOT: the same graph each time.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Plan;
use super::forecast::Forecast;
use super::step::Step;
use crate::spec::pipeline::Playbook;

/// The canonical text the fingerprint is made of: every property of every step, in order, and nothing else.
pub fn canonical(plan: &Plan) -> String {
    let mut text = format!(
        "pipeline {}\ndirection {}\nconnection {}\nbatch {}x{}\nattempts {}\nrejected {:?}\n",
        plan.pipeline,
        plan.direction.as_str(),
        plan.connection,
        plan.batch.size,
        plan.batch.concurrency,
        plan.on_error.max_attempts,
        plan.on_error.max_rejected,
    );
    for (name, value) in plan.guards.properties() {
        let _ = writeln!(text, "guard {name} {value}");
    }
    for step in &plan.steps {
        let _ = writeln!(text, "step {:?}", step.name);
        for (name, value) in step.kind.properties() {
            let _ = writeln!(text, "  {name} {value:?}");
        }
    }
    for edge in &plan.edges {
        let _ = writeln!(
            text,
            "edge {} {} {}",
            edge.from,
            edge.to,
            edge.carries.as_str()
        );
    }
    text
}

/// The plan for people: a heading, each step with its properties, and what it will cost.
pub fn text(plan: &Plan, forecast: &Forecast) -> String {
    let mut out = format!("{}  {}", plan.pipeline, plan.fingerprint.short());
    if let Some(playbook) = plan.playbook {
        let _ = write!(out, "  {} playbook", playbook.as_str());
    }
    let _ = writeln!(out, "\n");
    for (place, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(
            out,
            "{:>3}  {}{}",
            place + 1,
            step.name,
            inputs(plan, place)
        );
        let properties = step.kind.properties();
        let width = properties
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or_default();
        for (name, value) in properties {
            let mut lines = value.lines();
            let first = lines.next().unwrap_or_default();
            let _ = writeln!(out, "       {name:<width$}  {first}");
            for line in lines {
                let _ = writeln!(out, "       {:<width$}  {line}", "");
            }
        }
    }
    let _ = writeln!(
        out,
        "\nbatches of at most {} records, {} at once; at most {} tries a call",
        plan.batch.size, plan.batch.concurrency, plan.on_error.max_attempts
    );
    if !plan.guards.is_empty() {
        let guards: Vec<String> = plan
            .guards
            .properties()
            .into_iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        let _ = writeln!(out, "guards: {}", guards.join(", "));
    }
    for line in forecast.lines() {
        let _ = writeln!(out, "{line}");
    }
    out
}

fn inputs(plan: &Plan, place: usize) -> String {
    let names: Vec<String> = plan
        .edges
        .iter()
        .filter(|edge| edge.to == place)
        .map(|edge| {
            format!(
                "{} of {}",
                edge.carries.as_str(),
                plan.steps[edge.from].name
            )
        })
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("  <- {}", names.join(", "))
    }
}

/// The plan as one JSON object: stable, documented in the README.
pub fn json(plan: &Plan, forecast: &Forecast) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            let properties: serde_json::Map<String, Value> = step
                .kind
                .properties()
                .into_iter()
                .map(|(name, value)| (name.replace(' ', "_"), Value::String(value)))
                .collect();
            json!({
                "name": step.name,
                "kind": step.kind.word(),
                "wave": step.wave,
                "properties": properties,
            })
        })
        .collect();
    let edges: Vec<Value> = plan
        .edges
        .iter()
        .map(|edge| {
            json!({
                "from": plan.steps[edge.from].name,
                "to": plan.steps[edge.to].name,
                "carries": edge.carries.as_str(),
            })
        })
        .collect();
    json!({
        "pipeline": plan.pipeline.as_str(),
        "fingerprint": plan.fingerprint.to_string(),
        "playbook": plan.playbook.map(Playbook::as_str),
        "direction": plan.direction.as_str(),
        "connection": plan.connection,
        "steps": steps,
        "edges": edges,
        "batch": { "size": plan.batch.size, "concurrency": plan.batch.concurrency },
        "guards": plan.guards.properties().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "forecast": forecast.json(),
    })
}

/// The graph in Mermaid's flowchart language.
pub fn mermaid(plan: &Plan) -> String {
    let mut out = format!(
        "%% {} {}\nflowchart LR\n",
        plan.pipeline,
        plan.fingerprint.short()
    );
    for (place, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(
            out,
            "    s{place}[\"{}\"]",
            mermaid_text(&caption(step, "<br/>"))
        );
    }
    for edge in &plan.edges {
        let _ = writeln!(
            out,
            "    s{} -->|{}| s{}",
            edge.from,
            edge.carries.as_str(),
            edge.to
        );
    }
    out
}

/// The graph in Graphviz's DOT language.
pub fn dot(plan: &Plan) -> String {
    let mut out = format!(
        "// {} {}\ndigraph \"{}\" {{\n    rankdir=LR;\n    node [shape=box];\n",
        plan.pipeline,
        plan.fingerprint.short(),
        plan.pipeline
    );
    for (place, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(
            out,
            "    s{place} [label=\"{}\"];",
            dot_text(&caption(step, "\n"))
        );
    }
    for edge in &plan.edges {
        let _ = writeln!(
            out,
            "    s{} -> s{} [label=\"{}\"];",
            edge.from,
            edge.to,
            edge.carries.as_str()
        );
    }
    out.push_str("}\n");
    out
}

/// A step's name and its first property, which says what it works on.
fn caption(step: &Step, newline: &str) -> String {
    match step.kind.properties().first() {
        Some((_, value)) => {
            let short: String = value
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(40)
                .collect();
            format!("{}{newline}{short}", step.name)
        }
        None => step.name.clone(),
    }
}

fn mermaid_text(text: &str) -> String {
    text.replace('"', "#quot;")
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

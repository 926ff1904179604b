//! Spec to step graph: pure, no I/O; what is shown is what runs.

mod broadcasts;
mod targets;
mod texts;

pub mod compile;
pub mod expression;
pub mod forecast;
pub mod graph;
pub mod infer;
pub mod query;
pub mod render;
pub mod scope;
pub mod snapshot;
pub mod writable;
pub mod step;

use crate::foundation::id::{Fingerprint, PipelineName};
use crate::spec::amount::Threshold;
use crate::spec::pipeline::{Direction, Playbook};
use crate::template::{Name, Template};

use self::expression::Expression;
use self::step::broadcast::Broadcast;
use self::step::filter::Filter;
use self::step::map::Map;
use self::step::read::Read;
use self::step::records::Records;
use self::step::score::Score;
use self::step::target::Target;
use self::step::{Step, StepKind};

/// A compiled pipeline: made once by [`compile::compile`], never changed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: PipelineName,
    /// What the pipeline is for.
    pub playbook: Option<Playbook>,
    /// Which way records go.
    pub direction: Direction,
    /// The Salesforce connection it uses, by name.
    pub connection: String,
    /// The steps, each behind everything it waits for.
    pub steps: Vec<Step>,
    /// What flows between them.
    pub edges: Vec<Edge>,
    /// How much goes out at once.
    pub batch: Batch,
    /// How much may go wrong.
    pub on_error: OnError,
    /// What stops a run before its first write.
    pub guards: Guards,
    /// Attributes and fields whose values are masked wherever they would be shown.
    pub sensitive: Vec<String>,
    /// Covers everything that decides what a run of this plan does.
    pub fingerprint: Fingerprint,
}

/// A line from one step to another, by their places in [`Plan::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The step it leaves.
    pub from: usize,
    /// The step it enters.
    pub to: usize,
    /// What flows.
    pub carries: Carries,
}

/// What flows along an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Rows of Salesforce, or Bridged's records.
    Records,
    /// Profiles.
    Profiles,
    /// The Salesforce Ids of rows that another target wrote.
    Ids,
}

impl Carries {
    /// The word `plan` shows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Carries::Records => "records",
            Carries::Profiles => "profiles",
            Carries::Ids => "ids",
        }
    }
}

/// The size and number of requests that carry records out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Records in one write or delivery request, 1 to 50.
    pub size: u32,
    /// Requests under way at once.
    pub concurrency: u32,
}

/// The limits of failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnError {
    /// How often one call is tried in all, the first time included.
    pub max_attempts: u32,
    /// Above this the run stops; `None` never stops it.
    pub max_rejected: Option<Threshold>,
}

/// Limits that are held against what a run would write, before it writes anything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guards {
    /// The most rows that may be created.
    pub max_creates: Option<u64>,
    /// The most rows that may be changed.
    pub max_updates: Option<u64>,
    /// The largest share of the rows looked at that may be changed, 0 to 100.
    pub max_changed_percent: Option<f64>,
    /// Fields that must not change on a row that exists.
    pub protected_fields: Vec<String>,
}

impl Guards {
    /// Whether there is nothing to hold a run against.
    pub fn is_empty(&self) -> bool {
        *self == Guards::default()
    }

    /// Each guard that is set, as it is shown.
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let mut set = Vec::new();
        set.extend(self.max_creates.map(|n| ("max_creates", n.to_string())));
        set.extend(self.max_updates.map(|n| ("max_updates", n.to_string())));
        let percent = self.max_changed_percent;
        set.extend(percent.map(|share| ("max_changed_percent", share.to_string())));
        if !self.protected_fields.is_empty() {
            set.push(("protected_fields", self.protected_fields.join(" ")));
        }
        set
    }
}

impl Plan {
    /// The targets, each behind those it waits for.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Target(target) => Some(target),
            _ => None,
        })
    }

    /// The step that scores, where there is one.
    pub fn score(&self) -> Option<&Score> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Score(score) => Some(score),
            _ => None,
        })
    }

    /// The step that reads Bridged's own records, where there is one.
    pub fn records(&self) -> Option<&Records> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Records(records) => Some(records),
            _ => None,
        })
    }

    /// The step that reads Salesforce, where there is one.
    pub fn read(&self) -> Option<&Read> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Read(read) => Some(read),
            _ => None,
        })
    }

    /// The step that makes profiles.
    pub fn map(&self) -> Option<&Map> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Map(map) => Some(map),
            _ => None,
        })
    }

    /// The step that drops profiles.
    pub fn filter(&self) -> Option<&Filter> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Filter(filter) => Some(filter),
            _ => None,
        })
    }

    /// Whether a template behind the map uses a name, such as `engagement`.
    pub fn uses(&self, name: &str) -> bool {
        let of = |names: &[Name]| names.iter().any(|used| used.path[0] == name);
        let in_template = |template: &Template| of(template.names());
        let in_map = |expression: &Expression| of(expression.names());
        self.steps.iter().any(|step| match &step.kind {
            StepKind::Read(_) | StepKind::Map(_) | StepKind::Profiles(_) => false,
            StepKind::Records(records) => records.when.as_ref().is_some_and(in_template),
            StepKind::Filter(filter) => in_template(&filter.keep),
            StepKind::Score(score) => score.rules.iter().any(|rule| in_template(&rule.when)),
            StepKind::Target(target) => {
                let values = target.key.iter().chain(&target.fields);
                target.when.as_ref().is_some_and(in_template)
                    || values.map(|(_, value)| value).any(in_map)
            }
            StepKind::Broadcast(broadcast) => {
                in_template(&broadcast.to)
                    || broadcast.audience.as_ref().is_some_and(in_template)
                    || broadcast.parameters.iter().any(in_map)
            }
        })
    }

    /// The step that sends messages.
    pub fn broadcast(&self) -> Option<&Broadcast> {
        self.steps.iter().find_map(|step| match &step.kind {
            StepKind::Broadcast(broadcast) => Some(broadcast),
            _ => None,
        })
    }
}

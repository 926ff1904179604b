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

use self::step::filter::Filter;
use self::step::map::Map;
use self::step::read::Read;
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

impl Plan {
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

    /// The first step that the executor cannot run.
    pub fn not_executable(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.kind.is_executable())
    }
}

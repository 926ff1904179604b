//! The kinds of step a plan is made of: one file a kind, one line each in the matches here.

pub mod broadcast;
pub mod filter;
pub mod map;
pub mod profiles;
pub mod read;
pub mod records;
pub mod score;
pub mod target;

use self::broadcast::Broadcast;
use self::filter::Filter;
use self::map::Map;
use self::profiles::Profiles;
use self::read::Read;
use self::records::Records;
use self::score::Score;
use self::target::Target;

/// One node of the step graph.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique in the plan: the kind's word, and the target's name behind a colon.
    pub name: String,
    /// Steps of one wave do not wait for each other.
    pub wave: usize,
    /// What the step does.
    pub kind: StepKind,
}

/// What a step does, with everything decided.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// Reads rows of a Salesforce object.
    Read(Read),
    /// Reads Bridged's own records.
    Records(Records),
    /// Makes a profile of each record.
    Map(Map),
    /// Drops profiles the pipeline does not want.
    Filter(Filter),
    /// Scores each profile.
    Score(Score),
    /// Keeps profiles in the store.
    Profiles(Profiles),
    /// Writes to a Salesforce object.
    Target(Target),
    /// Sends one message a person.
    Broadcast(Broadcast),
}

/// A line that describes one property of a step: a word and its value, as `plan` shows them.
pub type Property = (&'static str, String);

impl StepKind {
    /// The kind's word.
    pub const fn word(&self) -> &'static str {
        match self {
            StepKind::Read(_) => "read",
            StepKind::Records(_) => "records",
            StepKind::Map(_) => "map",
            StepKind::Filter(_) => "filter",
            StepKind::Score(_) => "score",
            StepKind::Profiles(_) => "profiles",
            StepKind::Target(_) => "target",
            StepKind::Broadcast(_) => "broadcast",
        }
    }

    /// Everything that decides what the step does, in a fixed order: shown by `plan` and covered by the fingerprint.
    pub fn properties(&self) -> Vec<Property> {
        match self {
            StepKind::Read(step) => step.properties(),
            StepKind::Records(step) => step.properties(),
            StepKind::Map(step) => step.properties(),
            StepKind::Filter(step) => step.properties(),
            StepKind::Score(step) => step.properties(),
            StepKind::Profiles(step) => step.properties(),
            StepKind::Target(step) => step.properties(),
            StepKind::Broadcast(step) => step.properties(),
        }
    }
}

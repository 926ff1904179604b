//! Which names a template may use, by where in the pipeline it stands.

use crate::spec::pipeline::Pipeline;
use crate::spec::source::{RecordKind, Source};

use super::infer::RECORD_NAMES;

/// The names that are there at one point of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

/// What the store adds to every profile.
const PERSON_NAMES: [&str; 3] = ["engagement", "opted_out", "profile"];

/// What scoring adds.
const SCORE_NAMES: [&str; 4] = ["score", "grade", "qualified", "score_reasons"];

impl Names {
    /// Behind the field map: the attributes, and what is known of the row and the person.
    pub fn behind_the_map(spec: &Pipeline) -> Self {
        match &spec.source {
            Source::Records(source) => Self::of_records(source.records),
            Source::Object(_) => {
                let mut names: Vec<String> =
                    spec.field_map.keys().map(ToString::to_string).collect();
                names.extend(RECORD_NAMES.map(str::to_owned));
                names.extend(PERSON_NAMES.map(str::to_owned));
                names.extend(spec.consent.is_some().then(|| "consent".to_owned()));
                Self(names)
            }
        }
    }

    /// For rules of a score: what is behind the map.
    pub fn before_scoring(spec: &Pipeline) -> Self {
        Self::behind_the_map(spec)
    }

    /// For targets and messages: the score too, where there is one.
    pub fn behind_scoring(spec: &Pipeline) -> Self {
        let mut names = Self::behind_the_map(spec);
        if spec.score.is_some() {
            names.0.extend(SCORE_NAMES.map(str::to_owned));
        }
        names
    }

    /// For targets: the other targets too.
    pub fn of_targets(spec: &Pipeline) -> Self {
        let mut names = Self::behind_scoring(spec);
        names.0.push("targets".to_owned());
        names
    }

    /// Bridged's own records: the person, and the outcome where outcomes are read.
    pub fn of_records(kind: RecordKind) -> Self {
        let mut names: Vec<String> = PERSON_NAMES.map(str::to_owned).to_vec();
        names.push("consent".to_owned());
        names.extend((kind == RecordKind::Outcomes).then(|| "outcome".to_owned()));
        Self(names)
    }

    /// The names.
    pub fn known(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

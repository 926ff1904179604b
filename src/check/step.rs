//! One line of the list: a question and its answer.

use crate::engine::round_trip::Leg;
use crate::foundation::diagnostic::Diagnostic;

/// A question that was asked, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The pipeline it is about, or nothing for the connection itself.
    pub pipeline: Option<String>,
    /// What was asked for.
    pub name: String,
    /// What was found, where nothing is wrong.
    pub detail: String,
    /// What is wrong, or worth a look.
    pub finding: Option<Diagnostic>,
}

impl Step {
    /// A step that found what it looked for.
    pub fn found(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pipeline: None,
            name: name.into(),
            detail: detail.into(),
            finding: None,
        }
    }

    /// A step that found something wrong, or, with a warning, something worth a look.
    pub fn failed(name: impl Into<String>, finding: Diagnostic) -> Self {
        Self {
            finding: Some(finding),
            ..Self::found(name, "")
        }
    }

    /// A step that found what it looked for, or something wrong.
    pub fn of(name: impl Into<String>, wrong: Option<Diagnostic>, detail: &str) -> Self {
        match wrong {
            Some(finding) => Self::failed(name, finding),
            None => Self::found(name, detail),
        }
    }

    /// Whether nothing is wrong; what is only worth a look has passed.
    pub fn passed(&self) -> bool {
        !self.finding.as_ref().is_some_and(Diagnostic::is_error)
    }
}

impl From<Leg> for Step {
    /// A leg of the round trip of a test lead.
    fn from(leg: Leg) -> Self {
        let step = match &leg.result {
            Ok(seen) => Self::found(leg.name, seen),
            Err(error) => Self::failed(leg.name, Diagnostic::from(error)),
        };
        Self {
            pipeline: Some("test lead".to_owned()),
            ..step
        }
    }
}

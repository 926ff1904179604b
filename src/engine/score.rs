//! Scoring: the points of the rules that hold, added up in whole numbers, so that the same input gives the same score.

use serde_json::Value;

use crate::foundation::record::RecordError;
use crate::plan::step::score::Score;
use crate::template::scope::Scope;

use super::map::condition;

/// A profile's score and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scored {
    /// The sum of points, within the clamp.
    pub score: i64,
    /// The highest grade the score reaches; `None` below all of them.
    pub grade: Option<String>,
    /// Whether the score reaches `qualified_at`; never where nothing is said there.
    pub qualified: bool,
    /// The rules that held, with their points, in the author's order.
    pub reasons: Vec<(String, i64)>,
}

/// Scores what `scope` shows.
///
/// # Errors
/// The reason why the record is rejected: a rule that fails, or gives neither true nor false, is named.
pub fn score(step: &Score, scope: &Scope<'_>) -> Result<Scored, RecordError> {
    let mut reasons = Vec::new();
    for rule in &step.rules {
        if condition(&rule.when, scope, &rule.name)? {
            reasons.push((rule.name.clone(), rule.points));
        }
    }
    let sum = reasons
        .iter()
        .fold(step.base, |sum, (_, points)| sum.saturating_add(*points));
    let clamped = match step.clamp {
        Some([low, high]) => sum.max(low).min(high),
        None => sum,
    };
    Ok(Scored {
        score: clamped,
        grade: step
            .grades
            .iter()
            .find(|(_, from)| clamped >= *from)
            .map(|(name, _)| name.clone()),
        qualified: step.qualified_at.is_some_and(|at| clamped >= at),
        reasons,
    })
}

impl Scored {
    /// The reasons in one line, as they can be written to a field: `replied +40; called twice +20`.
    pub fn reasons_text(&self) -> String {
        let reasons: Vec<String> = self
            .reasons
            .iter()
            .map(|(name, points)| format!("{name} {points:+}"))
            .collect();
        reasons.join("; ")
    }

    /// Adds the names that scoring gives to a scope.
    #[must_use]
    pub fn named<'a>(&self, scope: Scope<'a>) -> Scope<'a> {
        scope
            .with_owned("score", self.score)
            .with_owned("grade", self.grade.clone().map_or(Value::Null, Value::from))
            .with_owned("qualified", self.qualified)
            .with_owned("score_reasons", self.reasons_text())
    }
}

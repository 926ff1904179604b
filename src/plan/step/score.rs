//! The step that scores each profile.

use crate::template::Template;

use super::Property;

/// Rules that add points, and what a sum of points means.
#[derive(Debug, Clone)]
pub struct Score {
    /// The points everybody starts with.
    pub base: i64,
    /// The rules, in the author's order.
    pub rules: Vec<Rule>,
    /// The lowest and the highest score.
    pub clamp: Option<[i64; 2]>,
    /// Grade names with the score each begins at, highest first.
    pub grades: Vec<(String, i64)>,
    /// The score from which a profile is qualified.
    pub qualified_at: Option<i64>,
}

/// One reason for points.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The reason as people read it.
    pub name: String,
    /// Must give true for the points to count.
    pub when: Template,
    /// The points.
    pub points: i64,
}

impl Score {
    pub(super) fn properties(&self) -> Vec<Property> {
        let mut rules = vec![format!("{:>5}  to begin with", self.base)];
        let line = |rule: &Rule| {
            format!(
                "{:>+5}  {}, when {}",
                rule.points,
                rule.name,
                rule.when.source()
            )
        };
        rules.extend(self.rules.iter().map(line));
        let mut properties = vec![("rules", rules.join("\n"))];
        if let Some([low, high]) = self.clamp {
            properties.push(("clamp", format!("{low} to {high}")));
        }
        if !self.grades.is_empty() {
            let grades: Vec<String> = self
                .grades
                .iter()
                .map(|(name, from)| format!("{name} from {from}"))
                .collect();
            properties.push(("grades", grades.join(", ")));
        }
        if let Some(at) = self.qualified_at {
            properties.push(("qualified", format!("from {at}")));
        }
        properties
    }
}

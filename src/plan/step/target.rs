//! The step that writes to a Salesforce object.

use crate::plan::expression::{Expression, lines};
use crate::spec::pipeline::OnConflict;
use crate::spec::target::{AssignmentRule, DuplicateRule, Operation};
use crate::template::Template;

use super::Property;

/// One object that is written, once for each record that comes through.
#[derive(Debug, Clone)]
pub struct Target {
    /// The target's name in the pipeline.
    pub name: String,
    /// The Salesforce object.
    pub object: String,
    /// How it is written.
    pub operation: Operation,
    /// The field that finds the row, and its value; `None` where duplicates are accepted.
    pub key: Option<(String, Expression)>,
    /// Must give true for the record to be written.
    pub when: Option<Template>,
    /// Fields and what makes their values, in the author's order.
    pub fields: Vec<(String, Expression)>,
    /// What happens to a value that changed in Salesforce since it was read.
    pub on_conflict: OnConflict,
    /// Which assignment rule runs.
    pub assignment_rule: AssignmentRule,
    /// How duplicate rules treat what is written.
    pub duplicate_rule: DuplicateRule,
    /// The targets whose ids it uses.
    pub waits_for: Vec<String>,
    /// Whether it updates the very row that was read, whose values are then known without another call.
    pub of_row: bool,
}

impl Target {
    /// Whether its key can be told before any other target was written.
    pub fn has_early_key(&self) -> bool {
        let waits = |(_, value): &(String, Expression)| {
            value.names().iter().any(|name| name.path[0] == "targets")
        };
        !self.key.as_ref().is_some_and(waits)
    }

    /// Whether a value that changed in Salesforce since it was read must be noticed before it is overwritten.
    pub fn guards_conflicts(&self) -> bool {
        self.of_row && self.on_conflict != OnConflict::Bridged
    }

    pub(super) fn properties(&self) -> Vec<Property> {
        let mut properties = vec![(
            "object",
            format!("{} of {}", self.operation.as_str(), self.object),
        )];
        match &self.key {
            Some((field, value)) => {
                properties.push(("match", format!("{field} <- {}", value.source())));
            }
            None => properties.push(("match", "nothing: duplicates are accepted".to_owned())),
        }
        if let Some(when) = &self.when {
            properties.push(("when", when.source().to_owned()));
        }
        properties.push((
            "fields",
            lines(self.fields.iter().map(|(name, e)| (name.as_str(), e))),
        ));
        if self.of_row {
            properties.push(("conflict", conflict(self.on_conflict).to_owned()));
        }
        if self.assignment_rule != AssignmentRule::default() {
            properties.push(("assignment rule", format!("{:?}", self.assignment_rule)));
        }
        if self.duplicate_rule != DuplicateRule::default() {
            properties.push(("duplicate rule", format!("{:?}", self.duplicate_rule)));
        }
        properties
    }
}

const fn conflict(policy: OnConflict) -> &'static str {
    match policy {
        OnConflict::Salesforce => "a value changed in Salesforce stays",
        OnConflict::Bridged => "a value changed in Salesforce is overwritten",
        OnConflict::Reject => "a value changed in Salesforce rejects the record",
    }
}

//! What stands behind a name in a map: a template, or a constant that is no text.

use std::borrow::Cow;

use serde_json::Value;

use crate::template::error::EvaluateError;
use crate::template::scope::Scope;
use crate::template::{Name, Template};

/// Gives a value for each record.
#[derive(Debug, Clone)]
pub enum Expression {
    /// Evaluated over the record.
    Template(Template),
    /// The same for every record.
    Constant(Value),
}

impl Expression {
    /// The value over one record.
    ///
    /// # Errors
    /// What the template says.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        match self {
            Expression::Template(template) => template.evaluate(scope),
            Expression::Constant(value) => Ok(value.clone()),
        }
    }

    /// The value over one record, borrowed where it stands somewhere as it is.
    ///
    /// # Errors
    /// What the template says.
    pub fn borrow<'v>(&'v self, scope: &'v Scope<'_>) -> Result<Cow<'v, Value>, EvaluateError> {
        match self {
            Expression::Template(template) => template.borrow(scope),
            Expression::Constant(value) => Ok(Cow::Borrowed(value)),
        }
    }

    /// The names it takes from its data.
    pub fn names(&self) -> &[Name] {
        match self {
            Expression::Template(template) => template.names(),
            Expression::Constant(_) => &[],
        }
    }

    /// As it was written.
    pub fn source(&self) -> String {
        match self {
            Expression::Template(template) => template.source().to_owned(),
            Expression::Constant(value) => value.to_string(),
        }
    }
}

/// One line a name, aligned, as `plan` shows maps.
pub fn lines<'a>(map: impl IntoIterator<Item = (&'a str, &'a Expression)>) -> String {
    let map: Vec<_> = map.into_iter().collect();
    let width = map
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default();
    let lines: Vec<String> = map
        .iter()
        .map(|(name, expression)| format!("{name:<width$} <- {}", expression.source()))
        .collect();
    lines.join("\n")
}

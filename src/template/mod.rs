//! Field-map templates: compile once, know the names used, evaluate per record.
//!
//! A template is plain text with `{{ expressions }}` and `{% statements %}` in the syntax of Jinja. Its parser and the
//! engine behind loops and variables are minijinja; everything else is evaluated directly over JSON, by the same
//! functions that the engine calls (a property test holds the two ways together).
//!
//! # Rules
//! * One expression alone keeps the type of its value. Text around it makes a text: null renders as nothing, the
//!   result is trimmed, and an empty one is null. White space alone is no text.
//! * A name that is not there is an error. A name that is there and null is null, and so is every field of it.
//! * Names of fields are compared without regard to case, as Salesforce does.
//! * What a template reads is never read as a template.
//! * Every evaluation has a bound on its work and on the size of its result.

pub mod catalogue;
pub mod error;
pub mod scope;

mod arithmetic;
mod bind;
mod budget;
mod convert;
mod engine;
mod filters;
mod locals;
mod lower;
mod names;
mod native;
mod predicate;
mod print;
mod syntax;
mod tree;
mod value;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::foundation::code::Code;
use crate::foundation::diagnostic::nearest;

use self::budget::{Budget, WORK};
use self::error::{EvaluateError, TemplateError};
use self::native::Evaluation;
use self::scope::Scope;
use self::tree::{Kind, Node, Statement};
use self::value::{settle, settle_text};

/// A compiled template: shared, immutable, cheap to clone.
#[derive(Clone)]
pub struct Template(Arc<Compiled>);

struct Compiled {
    source: String,
    names: Vec<Name>,
    program: Program,
}

enum Program {
    /// A text without any expression.
    Constant(Value),
    /// One expression, evaluated directly.
    Value(Node),
    /// Text with expressions in it, evaluated directly.
    Text(Vec<Statement>),
    /// What the engine evaluates.
    Engine(engine::Program),
}

/// A name that a template takes from its data, with what it needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The parts between the dots, as first written: `["Owner", "Name"]`.
    pub path: Vec<String>,
    /// The field paths used of the elements, where the name is used as a list: `Tasks | selectattr('Status', …)` gives
    /// `[["Status"]]`. Each once, in order of use.
    pub items: Vec<Vec<String>>,
    /// Whether the name can only be a list: looped over, given to a filter of lists, or with fields used of its
    /// elements. A name given to `length`, `first`, `last` or `reverse` alone may be a text as well.
    pub is_list: bool,
    /// Where it first stands: bytes of the template's text.
    pub span: Range<usize>,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// `template-syntax`, `template-not-allowed`, `template-unknown-filter`, `template-unknown-test`,
    /// `template-bad-argument`, `template-name-unclear`, `template-too-costly`.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        if syntax::is_plain(text) {
            return Ok(Self(Arc::new(Compiled {
                source: text.to_owned(),
                names: Vec::new(),
                program: Program::Constant(settle_text(text.to_owned())),
            })));
        }
        let statements = lower::lower(text, &syntax::tree(text)?)?;
        let names = names::names(&statements)?;
        let program = program(statements)
            .map_err(|error| TemplateError::new(error.code, error.message, 0..text.len()))?;
        Ok(Self(Arc::new(Compiled {
            source: text.to_owned(),
            names,
            program,
        })))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names it takes from its data, each once, in the order they stand in the text.
    pub fn names(&self) -> &[Name] {
        &self.0.names
    }

    /// The path, where the template is exactly one reference: `{{ Owner.Name }}`.
    pub fn is_field_reference(&self) -> Option<&[String]> {
        match &self.0.program {
            Program::Value(node) => match &node.kind {
                Kind::Reference(reference) => Some(&reference.path),
                _ => None,
            },
            _ => None,
        }
    }

    /// One finding for each name whose first part is not among the known names.
    pub fn unknown_names(&self, known: &[&str]) -> Vec<TemplateError> {
        let is_known = |name: &&Name| {
            let first = name.path.first().map_or("", String::as_str);
            known.iter().any(|known| known.eq_ignore_ascii_case(first))
        };
        let unknown = self.names().iter().filter(|name| !is_known(name));
        unknown
            .map(|name| {
                let first = name.path.first().map_or("", String::as_str);
                let span = name.span.start..name.span.start + first.len();
                let message = format!("there is no name `{first}` here");
                let error = TemplateError::new(Code::TemplateUnknownName, message, span);
                match nearest(first, known.iter().copied()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => {
                        error.help("put a text in quotes; a name must be a field or be provided")
                    }
                }
            })
            .collect()
    }

    /// The value over one record.
    ///
    /// # Errors
    /// `template-undefined`, `template-type-mismatch`, `template-filter-failed`, `template-too-costly`. They hold no
    /// value of the record.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        let budget = Budget::new(WORK);
        let evaluation = Evaluation {
            scope,
            budget: &budget,
        };
        match &self.0.program {
            Program::Constant(value) => Ok(value.clone()),
            Program::Value(node) => evaluation.value(node).map(settle),
            Program::Text(statements) => {
                let mut text = String::new();
                evaluation.render(statements, &mut text)?;
                Ok(settle_text(text))
            }
            Program::Engine(program) => program.evaluate(scope),
        }
    }
}

fn program(statements: Vec<Statement>) -> Result<Program, EvaluateError> {
    let direct = native::covers(&statements);
    match single(statements) {
        Ok(node) if direct => Ok(Program::Value(node)),
        Ok(node) => engine::Program::expression(&node).map(Program::Engine),
        Err(statements) if direct => Ok(Program::Text(statements)),
        Err(statements) => engine::Program::text(&statements).map(Program::Engine),
    }
}

/// The expression of a template that has nothing else but white space; else the statements as they were.
fn single(mut statements: Vec<Statement>) -> Result<Node, Vec<Statement>> {
    let is_blank =
        |statement: &Statement| matches!(statement, Statement::Text(raw) if raw.trim().is_empty());
    let mut others = (0..statements.len()).filter(|index| !is_blank(&statements[*index]));
    let (Some(index), None) = (others.next(), others.next()) else {
        return Err(statements);
    };
    if !matches!(statements[index], Statement::Emit(_)) {
        return Err(statements);
    }
    match statements.swap_remove(index) {
        Statement::Emit(node) => Ok(node),
        _ => Err(statements),
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source()).finish()
    }
}

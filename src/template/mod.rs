//! Field-map templates: compile once, know the names used, evaluate per record.

pub mod error;
pub mod scope;

mod syntax;
mod value;

use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::ast::{Expr, Stmt};
use serde_json::Value;

use crate::foundation::code::Code;

use self::error::{EvaluateError, TemplateError};
use self::scope::Scope;

/// A compiled template: shared, immutable, cheap to clone.
#[derive(Debug, Clone)]
pub struct Template(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    source: String,
    names: Vec<Name>,
    parts: Vec<Part>,
    single: bool,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Name(Vec<String>),
}

/// A name that a template takes from its data, with what it needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The parts between the dots, as first written: `["Owner", "Name"]`.
    pub path: Vec<String>,
    /// The field paths used of the elements, where the name is used as a list: `Tasks | selectattr('Status', …)` gives
    /// `[["Status"]]`. Each once, in order of use.
    pub items: Vec<Vec<String>>,
    /// Whether the name is used as a list: looped over, or given to a filter of lists.
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
        let (parts, names) = read(text)?;
        let single = parts.len() == 1 && matches!(parts[0], Part::Name(_));
        Ok(Self(Arc::new(Compiled {
            source: text.to_owned(),
            names,
            parts,
            single,
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
        match self.0.parts.as_slice() {
            [Part::Name(path)] => Some(path),
            _ => None,
        }
    }

    /// The value over one record.
    ///
    /// # Errors
    /// `template-undefined`, `template-type-mismatch`, `template-filter-failed`, `template-too-costly`.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvaluateError> {
        let mut text = String::new();
        for part in &self.0.parts {
            match part {
                Part::Text(raw) => text.push_str(raw),
                Part::Name(path) => {
                    let found = scope
                        .path(path)
                        .map_err(|lost| scope.explain(path, &lost))?;
                    if self.0.single {
                        return Ok(value::settle(std::borrow::Cow::Borrowed(found)));
                    }
                    text.push_str(&value::text(found)?);
                }
            }
        }
        Ok(value::settle_text(text))
    }
}

fn path(expression: &Expr<'_>) -> Option<Vec<String>> {
    match expression {
        Expr::Var(var) => Some(vec![var.id.to_owned()]),
        Expr::GetAttr(attribute) => {
            let mut path = path(&attribute.expr)?;
            path.push(attribute.name.to_owned());
            Some(path)
        }
        _ => None,
    }
}

fn read(text: &str) -> Result<(Vec<Part>, Vec<Name>), TemplateError> {
    let (mut parts, mut names) = (Vec::new(), Vec::new());
    if syntax::is_plain(text) {
        return Ok((vec![Part::Text(text.to_owned())], names));
    }
    let Stmt::Template(template) = syntax::tree(text)? else {
        return Ok((parts, names));
    };
    for statement in &template.children {
        let (span, path) = match statement {
            Stmt::EmitRaw(raw) => {
                parts.push(Part::Text(raw.raw.to_owned()));
                continue;
            }
            Stmt::EmitExpr(emit) => (syntax::bytes(emit.expr.span()), path(&emit.expr)),
            _ => (0..text.len(), None),
        };
        let Some(path) = path else {
            let message = "only field references and texts can be evaluated";
            return Err(TemplateError::new(Code::TemplateNotAllowed, message, span));
        };
        names.push(Name {
            path: path.clone(),
            items: Vec::new(),
            is_list: false,
            span,
        });
        parts.push(Part::Name(path));
    }
    Ok((parts, names))
}

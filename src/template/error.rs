//! The two errors of templates: one for the author of a template, one for a record it could not be evaluated over.

use std::fmt;
use std::ops::Range;

use crate::foundation::code::Code;

/// Why a template cannot be used: a finding about what its author wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The named code, one of `template-…`.
    pub code: Code,
    /// A lowercase fragment without a final period; names in backticks.
    pub message: String,
    /// Bytes of the template's text, on character boundaries; may be empty.
    pub span: Range<usize>,
    /// What to do, with the nearest valid name where one is close.
    pub help: Option<String>,
}

impl TemplateError {
    pub(super) fn new(code: Code, message: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateError {}

/// Why a template has no value for one record. Holds no value of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluateError {
    /// The named code, one of `template-…`.
    pub code: Code,
    /// A lowercase fragment without a final period; names in backticks.
    pub message: String,
    /// The name at fault (`Owner.Name`), where one is known.
    pub name: Option<String>,
    /// Bytes of the template's text where it happened, where that is known.
    pub span: Option<Range<usize>>,
}

impl EvaluateError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            name: None,
            span: None,
        }
    }

    /// A value has a type that the place where it stands cannot use.
    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self::new(Code::TemplateTypeMismatch, message)
    }

    /// A filter has no result for a value of the right type.
    pub(super) fn filter(message: impl Into<String>) -> Self {
        Self::new(Code::TemplateFilterFailed, message)
    }

    pub(super) fn too_costly(message: impl Into<String>) -> Self {
        Self::new(Code::TemplateTooCostly, message)
    }

    /// Puts the error at a place, unless it has one.
    pub(super) fn at(mut self, span: &Range<usize>) -> Self {
        self.span.get_or_insert_with(|| span.clone());
        self
    }
}

impl fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EvaluateError {}

//! Why a text is not SOQL: what is wrong, where, and what to write instead.

use std::fmt;
use std::ops::Range;

/// One refusal. Parsing stops at the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoqlError {
    /// A lowercase sentence fragment without a final period; names in backticks.
    pub message: String,
    /// Byte offsets of the offending part, on character boundaries; empty at the end of the text.
    pub span: Range<usize>,
    /// What to write instead, as an imperative sentence without a final period.
    pub help: Option<String>,
    /// What sort of refusal it is.
    pub kind: SoqlErrorKind,
}

/// The sorts of refusal, as far as a caller may want to treat them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SoqlErrorKind {
    /// A word or sign stands where the grammar has no place for it.
    Syntax,
    /// A string, number, date or date literal is not well-formed.
    Literal,
    /// The whole text, a string or the nesting is over its limit.
    TooLarge,
    /// AND, OR and NOT are mixed without parentheses.
    MixedLogic,
    /// The grammar allows it, and a rule of the language does not.
    Rule,
    /// A field has an alias where rows are not grouped.
    Alias,
    /// A field is selected twice.
    DuplicateField,
    /// A column is neither grouped nor aggregated.
    Ungrouped,
    /// A number is outside of what its place allows.
    OutOfRange,
    /// Valid SOQL that is not supported here.
    Unsupported,
}

impl SoqlError {
    pub(super) fn new(kind: SoqlErrorKind, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            help: None,
            kind,
        }
    }

    pub(super) fn rule(span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(SoqlErrorKind::Rule, span, message)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for SoqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SoqlError {}
